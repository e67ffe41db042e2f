/** Bodies of EST messages (RFC 7030), which are base64 of DER. */
#ifndef VMP_EST_H
#define VMP_EST_H

#include "pki.h"

#define VMP_EST_CERTS_MAX 32768 /**< [octets] of an answer, decoded */

/** Decode a simpleenroll or simplereenroll body: base64, with or without line ends, as RFC 7030 4.2.1 and RFC 8951 have
 * it. PEM ("-----BEGIN CERTIFICATE REQUEST-----") is taken too, since clients send it.
 * @param der  room for VMP_CSR_MAX octets. @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int vmp_est_request(const char *body, size_t len, uint8_t *der, size_t *der_len, struct vmp_msg *msg);

/** A certs-only PKCS#7 (RFC 7030 4.1.3 and 4.2.3) of certificates in DER that stand one after the other, as base64
 * without line ends (RFC 8951 section 3.1: there are clients that take nothing else), from malloc.
 * @return NULL when out of memory or certs is no sequence of DER elements. */
char *vmp_est_certs(const uint8_t *certs, size_t len, size_t *out_len);
/** The other way: the certificates of such an answer, in DER, one after the other.  Line ends and PEM ("-----BEGIN
 * PKCS7-----") are taken, since there are servers that send them.  Nothing is verified: whoever takes them knows which
 * server sent them.
 * @param certs  room for VMP_EST_CERTS_MAX octets. @return VMP_OK; VMP_EINVAL: not that, no certificate, too long. */
VMP_CHECKED int vmp_est_certs_read(const char *body, size_t len, uint8_t *certs, size_t *certs_len,
				   struct vmp_msg *msg);
/** The CsrAttrs (RFC 7030 4.5.2) that ask for P-256 and ecdsa-with-SHA256, as base64; constant. */
const char *vmp_est_csrattrs(void);

/** Base64 (RFC 4648 section 4) without line ends, NUL-terminated, from malloc; NULL when out of memory. */
char *vmp_base64(const void *data, size_t len);
/** Strict: no blanks, padding required.  @param len  in: room, out: length. */
VMP_CHECKED int vmp_unbase64(const char *text, size_t text_len, void *out, size_t *len);
/** The same with the URL alphabet and without padding (RFC 4648 section 5); out has room for (len + 2) / 3 * 4 + 1. */
void vmp_base64url(const void *data, size_t len, char *out);

/** The user and the password of "Basic ..." (RFC 7617).  @param out  decoded "user:password", the colon made a NUL;
 * wiped by the caller. @return VMP_OK with *password inside out; VMP_EINVAL. */
VMP_CHECKED int vmp_basic_read(const char *header, char out[512], const char **password);

#endif
