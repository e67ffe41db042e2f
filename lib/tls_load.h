/** Certificates and keys of files, into OpenSSL's contexts; what the files about TLS share. */
#ifndef VMP_TLS_LOAD_H
#define VMP_TLS_LOAD_H

#include "pki.h"

#include <openssl/ssl.h>

/** Load a certificate, what stands above it (roots left out: who does not have one already will not trust it), and its
 * key.
 * @param certificate  PEM, at most 9 certificates. @param key  PEM that only its owner may read, or a URI.
 * @param digest       NULL, or set to the digest of the certificate's file.
 * @return VMP_OK; VMP_EINVAL with the file and what is wrong with it: no certificate, one that has ended, a key that
 * does not fit or that others may read; VMP_ENOENT, VMP_EIO. */
VMP_CHECKED int vmp_tls_load_pair(SSL_CTX *ctx, const char *certificate, const char *key, uint8_t digest[VMP_DIGEST],
				  struct vmp_msg *msg);

enum vmp_tls_trust {
	VMP_TLS_TRUST_ALL,    /**< every certificate in the file, a root or not */
	VMP_TLS_TRUST_ISSUING /**< those that issued no other one in the file: of an issuing CA and its root, not the
			       * root, which may have further issuing CAs.  A server asks clients for theirs */
};

/** Trust certificates of a file, and nothing else.
 * @param ca      PEM, at most 64 certificates.
 * @param digest  NULL, or set to the digest of the file.
 * @return VMP_OK; VMP_EINVAL: no certificates; VMP_ENOENT, VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int vmp_tls_load_ca(SSL_CTX *ctx, const char *ca, enum vmp_tls_trust trust, uint8_t digest[VMP_DIGEST],
				struct vmp_msg *msg);

#endif
