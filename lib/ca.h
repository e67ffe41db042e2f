/** A certification authority: issues certificates, CRLs and OCSP responses (RFC 5280, RFC 6960). */
#ifndef VMP_CA_H
#define VMP_CA_H

#include "pki.h"

struct vmp_ca;

/** What a certificate is for; decides its key usages. */
enum vmp_cert_kind {
	VMP_CERT_VM = 1,  /**< clientAuth */
	VMP_CERT_GATEWAY, /**< clientAuth, serverAuth */
	VMP_CERT_HOST,	  /**< clientAuth */
	VMP_CERT_SERVER,  /**< serverAuth: policyd itself */
	VMP_CERT_SIGNER	  /**< id-kp-cmcKGA (RFC 6402): signs COI keys */
};

/** Make a self-signed CA: a P-256 key in PKCS#8 PEM (mode 0600) and a certificate (mode 0644), each complete under a
 * temporary name first, the key before the certificate, and on the disk when this returns.
 *
 * @param name   common name. @param days  life.
 * @return VMP_OK; VMP_EEXIST when either file is there; VMP_EIO, VMP_EFULL.
 */
VMP_CHECKED int vmp_ca_create(const char *cert_path, const char *key_path, const char *name, int days,
			      struct vmp_msg *msg);

/** Open a CA.
 *
 * @param cert_path  PEM: the issuing certificate first, then intermediates up to the root, in any number up to 8.
 * @param key        file in PEM, or a URI that OpenSSL's configuration knows, such as pkcs11:... (through OSSL_STORE,
 *                   "org.openssl.engine:pkcs11:..." among them).  A file that group or others may read is refused.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO, VMP_EINVAL: not a CA (basicConstraints, keyCertSign and cRLSign), expired, the
 * key is not the certificate's, the chain does not verify.
 */
VMP_CHECKED int vmp_ca_open(struct vmp_ca **out, const char *cert_path, const char *key, struct vmp_msg *msg);
/** Wipes the key.  NULL is allowed. */
void vmp_ca_free(struct vmp_ca *ca);

/** The chain as concatenated PEM; lives as long as ca. */
const char *vmp_ca_chain_pem(const struct vmp_ca *ca);
/** The chain's certificates in DER, one after the other; lives as long as ca. */
const uint8_t *vmp_ca_chain_der(const struct vmp_ca *ca, size_t *len);
/** When the issuing certificate ends. [s] since 1970 */
int64_t vmp_ca_not_after(const struct vmp_ca *ca);

/** One certificate to issue; texts are borrowed. */
struct vmp_cert_order {
	enum vmp_cert_kind kind;
	uint8_t serial[VMP_SERIAL];
	int64_t not_before, not_after;	/**< [s] since 1970, UTC; not_after is cut to the CA's own */
	const char *common_name;	/**< at most 64 characters */
	const char *uri;		/**< URI SAN; NULL: none */
	const char *dns[16];		/**< DNS or IP address SANs, by their look; NULL ends */
	const char *crl_url, *ocsp_url; /**< NULL: none */
	struct vmp_pubkey key;
};

/** Issue.  Subject CN, SANs, basicConstraints CA:FALSE, keyUsage, extendedKeyUsage, SKI, AKI, CRL DP and AIA.
 * @param out  DER. @param len  in: room, out: length.
 * @return VMP_OK; VMP_EINVAL; VMP_EIO when the key cannot sign.
 * Cost: one signature and no decoding of the key. */
VMP_CHECKED int vmp_ca_issue(struct vmp_ca *ca, const struct vmp_cert_order *order, uint8_t *out, size_t *len,
			     struct vmp_msg *msg);

/** A revoked certificate. */
struct vmp_revoked {
	uint8_t serial[VMP_SERIAL];
	int64_t at;	/**< [s] since 1970, UTC */
	uint8_t reason; /**< CRLReason, RFC 5280 5.3.1 */
};

/** A complete CRL (version 2, with CRLNumber and AKI).  @param out  malloc'd DER, *len octets. */
VMP_CHECKED int vmp_ca_crl(struct vmp_ca *ca, const struct vmp_revoked *list, size_t n, int64_t number,
			   int64_t this_update, int64_t next_update, uint8_t **out, size_t *len, struct vmp_msg *msg);

#define VMP_OCSP_MAX	   1024 /**< [octets] of a request */
#define VMP_OCSP_SERIALS   8	/**< certificates in one request */
#define VMP_OCSP_NONCE_MAX 32	/**< RFC 8954 */

enum vmp_ocsp_status { VMP_OCSP_GOOD, VMP_OCSP_REVOKED, VMP_OCSP_UNKNOWN };

/** A request, and, once status is filled in, what the response says. */
struct vmp_ocsp {
	uint8_t n, nonce_len;
	uint8_t nonce[VMP_OCSP_NONCE_MAX];
	struct {
		uint8_t cert_id[128]; /**< DER of the CertID, as asked */
		uint8_t cert_id_len;
		bool ours;		    /**< issuer hashes are this CA's, serial has VMP_SERIAL octets */
		uint8_t serial[VMP_SERIAL]; /**< if ours */
		enum vmp_ocsp_status status;
		int64_t revoked_at;
		uint8_t reason;
	} item[VMP_OCSP_SERIALS];
};

/** Read a request (RFC 6960 4.1).  @param issuer  the issuing certificate in DER, to compare hashes with (SHA-1,
 * SHA-256).
 * @return VMP_OK; VMP_EINVAL: the answer is vmp_ocsp_error(1). */
VMP_CHECKED int vmp_ocsp_read(const uint8_t *der, size_t len, const uint8_t *issuer, size_t issuer_len,
			      struct vmp_ocsp *out, struct vmp_msg *msg);
/** Sign a response with the CA's own key (RFC 6960 4.2.2.2, first case).  @param len  in: room, out: length. */
VMP_CHECKED int vmp_ca_ocsp(struct vmp_ca *ca, const struct vmp_ocsp *ask, int64_t this_update, int64_t next_update,
			    uint8_t *out, size_t *len, struct vmp_msg *msg);
/** An unsigned error response: 1 malformedRequest, 2 internalError, 3 tryLater (RFC 6960 4.2.1).  @param len  in: room,
 * out: length. */
VMP_CHECKED int vmp_ocsp_error(int status, uint8_t *out, size_t *len);

#endif
