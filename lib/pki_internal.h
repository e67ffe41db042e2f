/** What the files about keys, certificates and messages share; nobody else includes it. */
#ifndef VMP_PKI_INTERNAL_H
#define VMP_PKI_INTERNAL_H

#include "ca.h"
#include "file.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* -- DER (X.690), without objects: most of what comes in is looked at once and thrown away -- */

/** Tags that are used here; all have one octet. */
enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18, /**< GeneralizedTime */
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_PRIMITIVE_0 = 0x80, /**< [0] IMPLICIT of a primitive type; add the number */
	DER_CONTEXT_0 = 0xa0	/**< [0] of a constructed type or EXPLICIT; add the number */
};

/** Octets still to be read.  Once bad, a cursor stays bad, and so is every one entered from it. */
struct vmp_der {
	const uint8_t *p, *end;
	bool bad;
};

struct vmp_der vmp_der_of(const void *data, size_t len);
size_t vmp_der_left(const struct vmp_der *in);
/** Is there an element of this tag next? */
bool vmp_der_at(const struct vmp_der *in, uint8_t tag);
/** Skip the next element, which must have this tag, and return its content. */
struct vmp_der vmp_der_enter(struct vmp_der *in, uint8_t tag);
/** The same, with its tag and length. */
struct vmp_der vmp_der_take(struct vmp_der *in, uint8_t tag);
/** Skip an element of this tag if there is one. */
void vmp_der_skip(struct vmp_der *in, uint8_t tag);
/** Content of a BIT STRING of whole octets. */
struct vmp_der vmp_der_bits(struct vmp_der *in);
/** UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 restricts them. [s] since 1970 */
int64_t vmp_der_time(struct vmp_der *in);
/** Is it good, and exactly these octets? */
bool vmp_der_is(const struct vmp_der *in, const void *data, size_t len);
/** Was everything read, and good? */
bool vmp_der_done(const struct vmp_der *in);

/** DER to be written, from its end to its beginning: so a length is known when it is its turn. */
struct vmp_der_out {
	uint8_t *buf;
	size_t room; /**< of buf */
	size_t at;   /**< what is written stands in [at, room) */
	bool full;
};

struct vmp_der_out vmp_der_begin(uint8_t *buf, size_t room);
void vmp_der_put(struct vmp_der_out *out, const void *data, size_t len);
/** Make what was written since at was `end` the content of an element. */
void vmp_der_close(struct vmp_der_out *out, size_t end, uint8_t tag);
/** An element with this content. */
void vmp_der_add(struct vmp_der_out *out, uint8_t tag, const void *data, size_t len);
/** UTCTime or GeneralizedTime, as RFC 5280 4.1.2.5 wants; tag DER_TIME: always GeneralizedTime. */
void vmp_der_add_time(struct vmp_der_out *out, uint8_t tag, int64_t at);
/** A non-negative INTEGER. */
void vmp_der_add_int(struct vmp_der_out *out, int64_t value);
/** An extension (RFC 5280 4.1) around what was written since `end`.  @param oid  with its tag and length. */
void vmp_der_close_ext(struct vmp_der_out *out, size_t end, const uint8_t *oid, size_t oid_len, bool critical);
/** Move it to buf's beginning.  @return VMP_OK, VMP_EINVAL when it did not fit. */
VMP_CHECKED int vmp_der_finish(struct vmp_der_out *out, size_t *len);

/* -- certificates and keys -- */

/** Where things stand in a certificate. */
struct vmp_cert_parts {
	struct vmp_der serial;	/**< content */
	struct vmp_der subject; /**< with tag and length */
	struct vmp_der bits;	/**< subjectPublicKey's content */
	struct vmp_der exts;	/**< content of Extensions; empty when there are none */
	int64_t not_before, not_after;
};

VMP_CHECKED int vmp_cert_split(const uint8_t *der, size_t len, struct vmp_cert_parts *out);

/** SubjectPublicKeyInfo. */
void vmp_pubkey_add(struct vmp_der_out *out, const struct vmp_pubkey *key);
/** For OpenSSL; NULL when it is no key (a point off its curve). */
EVP_PKEY *vmp_pubkey_load(const struct vmp_pubkey *key);
/** Identifier of a public key: SHA-256 of its bits, cut to VMP_KEY_ID octets (RFC 7093 section 2, method 1). */
#define VMP_KEY_ID 20
void vmp_pubkey_id(const void *bits, size_t len, uint8_t out[VMP_KEY_ID]);

/** A private key: a PEM file, which only its owner may read, or a URI (a colon stands before any slash). */
VMP_CHECKED int vmp_key_open(EVP_PKEY **out, const char *key, struct vmp_msg *msg);

/** Read certificates in PEM, at least one and at most max.  @return NULL with msg. */
STACK_OF(X509) * vmp_pem_certs(const char *pem, size_t len, int max, struct vmp_msg *msg);

/* -- what policyd sends, and nothing else, looks like -- */

/** SignedData (RFC 5652 5.1) by one ECDSA signer with SHA-256 and signed attributes, around data. */
VMP_CHECKED int vmp_cms_check_signed(const uint8_t *der, size_t len, struct vmp_msg *msg);
/** AuthEnvelopedData (RFC 5083 2.1) by AES-256-GCM for one recipient: ECDH with SHA-256 and AES-256 wrap, or RSA-OAEP
 * with SHA-256. */
VMP_CHECKED int vmp_cms_check_envelope(const uint8_t *der, size_t len, struct vmp_msg *msg);

/** vmp_fail() with OpenSSL's reason after what; empties OpenSSL's queue of errors. */
int vmp_ssl_fail(struct vmp_msg *msg, int err, const char *what);

/* -- the CA -- */

struct vmp_ca {
	EVP_PKEY *key;
	const EVP_MD *md; /**< for its signatures */
	const uint8_t *alg;
	size_t alg_len; /**< AlgorithmIdentifier of its signatures */
	uint8_t *issuer;
	size_t issuer_len; /**< its name, DER */
	uint8_t key_id[64];
	size_t key_id_len;
	int64_t not_after; /**< [s] since 1970 */
	uint8_t *der;
	size_t der_len; /**< the chain */
	char *pem;
};

/** SEQUENCE { tbs, algorithm, signature }, written into out; what stands there already becomes its last elements.
 * @param tbs  in DER, not inside out's room. */
VMP_CHECKED int vmp_ca_sign(const struct vmp_ca *ca, const uint8_t *tbs, size_t tbs_len, struct vmp_der_out *out,
			    struct vmp_msg *msg);
/** The extension authorityKeyIdentifier. */
void vmp_ca_add_key_id(const struct vmp_ca *ca, struct vmp_der_out *out);

#endif
