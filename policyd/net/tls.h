/** TLS: our certificate, and whose certificates we take.  OpenSSL stays behind this header. */
#ifndef TLS_H
#define TLS_H

#include "net.h"

struct ssl_st;

/** Ask for the CA's chain and a certificate; net_open() follows when they have come. */
VMP_CHECKED int tls_start(struct vmp_msg *msg);
/** Renew our certificate when half its life is over. */
void tls_upkeep(void);
/** The CA's chain in DER, NULL while it has not come. */
const uint8_t *tls_chain(size_t *len);
/** The issuing certificate alone. */
const uint8_t *tls_issuer(size_t *len);
/** An answer to what tls_start() and tls_upkeep() asked: their ids. @return false: not theirs. */
bool tls_answered(const struct message *m);
/** A new server-side SSL, as struct http_site wants it; NULL when out of memory. */
struct ssl_st *tls_new(void *ctx);

#endif
