/* CAs, keys and certificates for the suites that need some, and a directory for their files. */
#ifndef MAKER_H
#define MAKER_H

#include "ca.h"

#include <openssl/x509.h>
#include <sys/types.h>

#define MAKER_USAGE  "critical,keyCertSign,cRLSign"
#define MAKER_SERIAL "\177123456789012345" /**< of maker_order() */
#define MAKER_DAY    86400

extern char maker_dir[], maker_cert[], maker_key[]; /**< the directory; ca.pem and ca.key in it */

/** Make the directory; for checked fixtures. */
void maker_setup(void);
void maker_teardown(void);
/** @return files in the directory; removes them if told to. */
int maker_files(bool remove_them);

/** A key and its certificate, made by OpenSSL alone. */
struct maker {
	EVP_PKEY *key;
	X509 *cert;
};

/** @param key  taken over. @param issuer  NULL: self-signed. @param constraints,usage  extensions; NULL: none.
 * @param days  the end, from now, less an hour. */
struct maker maker_new(EVP_PKEY *key, const char *name, const struct maker *issuer, const char *constraints,
		       const char *usage, int days);
void maker_clear(struct maker *m);

/** Write the two files.  @param passphrase  NULL: none. @param list  a NULL ends. */
void maker_write_key(EVP_PKEY *key, mode_t mode, const char *passphrase);
void maker_write_certs(const struct maker *const *list);
/** Open them. */
struct vmp_ca *maker_opened(void);
/** Have vmp_ca_create() make them, and open them. */
struct vmp_ca *maker_created(void);

/** A VM's certificate for key, from now for a day. */
void maker_order(struct vmp_cert_order *order, EVP_PKEY *key);
X509 *maker_issue(struct vmp_ca *ca, const struct vmp_cert_order *order);
STACK_OF(X509) * maker_chain(const struct vmp_ca *ca);

#endif
