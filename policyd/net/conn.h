/** TLS connections: how many, and how long they may take. */
#ifndef CONN_H
#define CONN_H

#include "net.h"

/** evhttp's callback for new connections with TLS. */
struct bufferevent *conn_new_tls(struct event_base *base, void *ctx);

/** A listener, which pauses when accepting fails, and with TLS also while there are as many connections as there may
 * be. */
void conn_listen(struct evhttp_bound_socket *bound, bool tls);
/** Take no more connections, for good. */
void conn_stop(void);

/** A request has come whole: no deadline while we work at it.  Without effect for connections without TLS. */
void conn_requested(struct evhttp_request *http);
/** Its answer is about to go: the client has to read it, and may send another request. */
void conn_replied(struct evhttp_request *http);
/** Call gone when the client ends the connection before its answer. */
void conn_watch(struct evhttp_request *http, void (*gone)(void *ctx), void *ctx);
/** The serial number of the client's certificate, which TLS has verified. @return false: none. */
bool conn_serial(struct evhttp_request *http, uint8_t serial[VMP_SERIAL]);

#endif
