/* A TLS client and a TLS server that talk in memory. */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include "../maker.h"

#include <openssl/ssl.h>

struct tls_pair {
	SSL *client, *server;
	bool client_done, server_done;
};

/* Take both over, give them states and BIOs, and shake hands until neither goes on. */
struct tls_pair tls_pair_shake(SSL *client, SSL *server);
/* @return whether both have finished, and an octet went from the server to the client: in TLS 1.3 a client learns of a
 * refusal late. */
bool tls_pair_works(struct tls_pair *p);
void tls_pair_clear(struct tls_pair *p);

/* A client that trusts tls_world's CA. @param own  its certificate; NULL: none. */
SSL *tls_pair_client(const struct maker *own);
/* A server with this certificate, which asks for the client's. */
SSL *tls_pair_server(const struct maker *own);

/* Give a certificate a serial number, and sign it again. */
void tls_pair_serial(struct maker *m, const struct maker *issuer, const void *serial, int len);
/* Give the host of tls_world a URI and a serial number such as policyd's certificates have. */
#define TLS_PAIR_UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
void tls_pair_host_is_ours(void);

#endif
