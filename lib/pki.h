/** Public keys and certificate requests, as policyd and its clients exchange them.
 *
 * No OpenSSL type crosses these headers: keys and certificates are octets.
 */
#ifndef VMP_PKI_H
#define VMP_PKI_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define VMP_CSR_MAX    8192 /**< [octets] DER of a certificate request */
#define VMP_CERT_MAX   4096 /**< [octets] DER of one certificate of ours */
#define VMP_PUBKEY_MAX 1056 /**< [octets] content of a subjectPublicKey: RSA 8192 */
#define VMP_SERIAL     16   /**< [octets] of a certificate's serial number; the first is 1 to 127 */
#define VMP_DIGEST     32   /**< [octets] SHA-256 */
#define VMP_UUID_NAME  256  /**< [octets] of a name that settles a UUID */
#define VMP_UUID_TEXT  37   /**< "6ba7b810-9dad-11d1-80b4-00c04fd430c8" and its NUL */

enum vmp_key_type { VMP_KEY_P256 = 1, VMP_KEY_P384, VMP_KEY_RSA };

/** A public key that has been checked: the algorithm, and the content of subjectPublicKey (RFC 5280 4.1.2.7):
 * an uncompressed point (RFC 5480 2.2) or an RSAPublicKey (RFC 8017 A.1.1). */
struct vmp_pubkey {
	enum vmp_key_type type;
	uint16_t len;
	uint8_t bits[VMP_PUBKEY_MAX];
};

/** Read a PKCS#10 request and verify its signature, the proof of possession (RFC 2986; RFC 7030 3.4).
 *
 * What it asks for (subject, extensions) is ignored: the store says what a certificate names.
 *
 * @param der  len octets; trailing octets are refused.
 * @param out  untouched on error.
 * @return VMP_OK; VMP_EINVAL with the reason: not a request, larger than VMP_CSR_MAX, a key other than P-256, P-384
 *         or RSA of 2048 to 8192 bits with an odd exponent over 2, a signature that does not verify.
 * Cost: one decoding of the key and one verification.
 */
VMP_CHECKED int vmp_csr_read(const uint8_t *der, size_t len, struct vmp_pubkey *out, struct vmp_msg *msg);

/** SHA-256 of the key's SubjectPublicKeyInfo in DER. */
VMP_CHECKED int vmp_pubkey_digest(const struct vmp_pubkey *key, uint8_t out[VMP_DIGEST]);

/** Is len and every octet's place consistent with type, as far as can be told without arithmetic? For octets
 * that come from another process: a point's length and first octet, an RSAPublicKey's outer length. */
bool vmp_pubkey_is_sane(const struct vmp_pubkey *key);

/** What a peer's certificate says of it. */
struct vmp_peer {
	uint8_t serial[VMP_SERIAL];
	char uuid[VMP_UUID_TEXT];      /**< of the URI SAN urn:uuid:, in lower case; empty: none */
	char dns[254];		       /**< the first DNS SAN; empty: none */
	int64_t not_before, not_after; /**< [s] since 1970, UTC */
};

/** Read a certificate that TLS has verified.
 * @return VMP_OK; VMP_EINVAL: not a certificate, or its serial number is not VMP_SERIAL octets long. */
VMP_CHECKED int vmp_peer_read(const uint8_t *der, size_t len, struct vmp_peer *out, struct vmp_msg *msg);

/** Random octets from the system's generator; VMP_EIO when it has none. */
VMP_CHECKED int vmp_random(void *out, size_t len);
void vmp_digest(const void *data, size_t len, uint8_t out[VMP_DIGEST]);
/** Compare in constant time. */
bool vmp_same(const void *a, const void *b, size_t len);
/** Overwrite, for sure. */
void vmp_wipe(void *data, size_t len);

/** Is text a UUID (RFC 4122 section 3), in any case?  Writes it in lower case. */
VMP_CHECKED int vmp_uuid_parse(const char *text, size_t len, char out[VMP_UUID_TEXT]);
/** A random one (RFC 4122 section 4.4). */
VMP_CHECKED int vmp_uuid_random(char out[VMP_UUID_TEXT]);
/** The one that a name settles within a name space (RFC 9562 section 5.5: version 5, of SHA-1).
 * @param space  a UUID. @return VMP_OK; VMP_EINVAL: space is none, or the name is longer than VMP_UUID_NAME. */
VMP_CHECKED int vmp_uuid_of_name(const char *space, const void *name, size_t len, char out[VMP_UUID_TEXT]);

/** Lower-case hexadecimal.  @param out  2 * len + 1 octets. */
void vmp_hex(const void *data, size_t len, char *out);
/** @param text  exactly 2 * len digits, of any case. @return VMP_OK, VMP_EINVAL. */
VMP_CHECKED int vmp_unhex(const char *text, size_t text_len, void *out, size_t len);

#endif
