/* Who meets in EAP-TLS: a CA, an authentication server, a host, and their files. */
#ifndef TLS_WORLD_H
#define TLS_WORLD_H

#include "eap_tls.h"
#include "maker.h"

#include <openssl/ssl.h>

#define TLS_WORLD_SERVER "radius.example"

struct tls_world {
	struct maker ca, server, host;
	char certificate[128], key[128], ca_file[128];
};

extern struct tls_world tls_world;

/* For checked fixtures. */
void tls_world_setup(void);
void tls_world_teardown(void);

/* Both versions, resumption, the server's name. */
struct vmp_tls_files tls_world_files(void);
/* One reference, or the test fails. */
struct vmp_tls_identity *tls_world_identity(const struct vmp_tls_files *files);

/* What an authentication server of this certificate has; asks for the host's, and issues tickets.
 * @param chain  what to send after it, a NULL ends; NULL: nothing. @param version  TLS1_2_VERSION; 0: both. */
SSL_CTX *tls_world_server(const struct maker *server, const struct maker *const *chain, int version);

/* Give a certificate a further extension. */
void tls_world_extend(struct maker *m, const struct maker *issuer, int nid, const char *value);
/* Give a certificate so many octets more, or the host's, and write it. */
void tls_world_weigh(struct maker *m, const struct maker *issuer, size_t octets);
void tls_world_heavy_host(size_t octets);
/* Write certificates, a NULL ends, or a key. */
void tls_world_write_certs(const char *path, const struct maker *const *list);
void tls_world_write_key(const char *path, EVP_PKEY *key, mode_t mode);

#endif
