/** A private key and its certificate in two files, as their owner makes, enrols and replaces them. */
#ifndef VMP_PKI_PAIR_H
#define VMP_PKI_PAIR_H

#include "pki.h"

#define VMP_PAIR_CERTS	9	 /**< a certificate, and up to 8 above it */
#define VMP_PAIR_NAME	254	 /**< a DNS name and its NUL */
#define VMP_PAIR_SERIAL (40 + 1) /**< 20 octets in hexadecimal (RFC 5280 4.1.2.2), and a NUL */

/** What the certificate says. */
struct vmp_pair {
	char name[VMP_PAIR_NAME];      /**< the first DNS SAN, else the CN; "" */
	char serial[VMP_PAIR_SERIAL];  /**< lower-case hexadecimal */
	int64_t not_before, not_after; /**< [s] since 1970, UTC */
};

/** Make a P-256 key: PKCS#8 in PEM, mode 0600, on the disk when this returns.
 * @return VMP_OK; VMP_EEXIST when the file is there; VMP_EFULL, VMP_EIO. */
VMP_CHECKED int vmp_key_create(const char *path, struct vmp_msg *msg);

/** A certificate request (RFC 2986) with this key and an empty subject: who enrols it says what it names.
 * @param key  a file in PEM that only its owner may read. @param der  VMP_CSR_MAX octets. @param len  set. */
VMP_CHECKED int vmp_csr_write(const char *key, uint8_t *der, size_t *len, struct vmp_msg *msg);

/** Read both files, and see that they belong together.
 * @param certificate  PEM: the certificate first, then what stands above it, at most VMP_PAIR_CERTS.
 * @param key          PEM, readable by its owner alone, or a URI as for vmp_ca_open().
 * @param out          untouched on error.
 * @return VMP_OK, also when the certificate has ended; VMP_ENOENT: one of them is not there; VMP_EINVAL, VMP_EIO. */
VMP_CHECKED int vmp_pair_read(const char *certificate, const char *key, struct vmp_pair *out, struct vmp_msg *msg);

/** Does a file hold certificates in PEM, 1 to max of them? @return VMP_OK; VMP_ENOENT, VMP_EINVAL, VMP_EIO. */
VMP_CHECKED int vmp_certs_check(const char *path, int max, struct vmp_msg *msg);

/** Certificates as EST brings them, as a file: the key's own first, then the others without roots.
 * @param certs  in DER, one after the other.
 * @param pem    from malloc.
 * @return VMP_OK; VMP_EINVAL: one is no certificate, none is for this key, more than VMP_PAIR_CERTS. */
VMP_CHECKED int vmp_pair_pem(const char *key, const uint8_t *certs, size_t len, char **pem, struct vmp_msg *msg);

#endif
