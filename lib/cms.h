/** COI keys on their way to one member: CMS SignedData around AuthEnvelopedData (RFC 5652, RFC 5083, RFC 5084).
 *
 * The outer signature is policyd's (a certificate with id-kp-cmcKGA), over the envelope, so that a member looks at
 * nothing that policyd did not send.  The envelope is AES-256-GCM; its key is agreed by ephemeral-static ECDH with
 * dhSinglePass-stdDH-sha256kdf-scheme and AES-256 wrap (RFC 5753), or for RSA by RSAES-OAEP with SHA-256 (RFC 3560).
 * Source: automated provisioning, claim 3 and paragraph 60.
 */
#ifndef VMP_CMS_H
#define VMP_CMS_H

#include "ca.h"

#define VMP_COI_KEY	 32   /**< [octets] of a COI's key */
#define VMP_COI_NAME	 65   /**< a COI's name and its NUL */
#define VMP_ENVELOPE_MAX 8192 /**< [octets] of one signed envelope */

/** What an envelope says. */
struct vmp_coi_key {
	char coi[VMP_COI_NAME];
	uint32_t epoch;			 /**< from 1 */
	int64_t not_before, not_after;	 /**< [s] since 1970, UTC */
	char serial[2 * VMP_SERIAL + 1]; /**< of the member's certificate, hexadecimal */
	uint8_t key[VMP_COI_KEY];	 /**< secret: wiped by whoever holds this */
};

/** The content as JSON: {"coi","epoch","not_before","not_after","serial","key"}, key in base64; from malloc, wiped by
 * the caller. */
char *vmp_coi_key_write(const struct vmp_coi_key *key);
/** @return VMP_OK; VMP_EINVAL for what is not exactly that. */
VMP_CHECKED int vmp_coi_key_read(const char *text, size_t len, struct vmp_coi_key *out, struct vmp_msg *msg);

/** policyd's signing key and certificate; made in memory, issued by ca. */
struct vmp_cms_signer;
VMP_CHECKED int vmp_cms_signer_new(struct vmp_cms_signer **out, struct vmp_ca *ca, const uint8_t serial[VMP_SERIAL],
				   int64_t not_before, int64_t not_after, struct vmp_msg *msg);
/** Its certificate in DER; lives as long as signer. */
const uint8_t *vmp_cms_signer_cert(const struct vmp_cms_signer *signer, size_t *len);
void vmp_cms_signer_free(struct vmp_cms_signer *signer);

/** Wrap one COI key for one certificate, and sign.
 * @param cert  the member's, DER. @param chain  intermediates to add for the verifier beside the signer's own: taken
 * from ca.
 * @param out   DER. @param len  in: room, out: length. */
VMP_CHECKED int vmp_cms_seal(struct vmp_cms_signer *signer, const uint8_t *cert, size_t cert_len,
			     const struct vmp_coi_key *key, uint8_t *out, size_t *len, struct vmp_msg *msg);

/** Verify and open, as a member does.
 * @param ca_pem   trusted roots; chain_pem and key_pem: the member's certificate and private key in PEM.
 * @param now      [s] since 1970: the signer's certificate must be valid then.
 * @return VMP_OK; VMP_EINVAL with the reason: no signature, a signer without id-kp-cmcKGA, a chain that does not
 * verify, a key derivation other than SHA-256 (or OAEP with SHA-256), another content encryption than AES-256-GCM, a
 * recipient that we are not, an altered octet, more than one signer or recipient, a content whose serial is not this
 * certificate's. */
VMP_CHECKED int vmp_cms_open(const char *ca_pem, const char *cert_pem, const char *key_pem, const uint8_t *der,
			     size_t len, int64_t now, struct vmp_coi_key *out, struct vmp_msg *msg);

#endif
