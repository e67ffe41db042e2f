/** The net process: TLS and HTTP.  It has no keys but the one of its own short-lived certificate, no files, and no say:
 * the store process decides what is allowed. */
#ifndef NET_H
#define NET_H

#include "channel.h"
#include "http_server.h"
#include "metrics.h"
#include "proc.h"

struct net {
	const struct config *config;
	struct event_base *base;
	struct channel *store;
	struct http_server *server;
	const struct proc_env *env;
	bool ready; /**< the TLS listeners are open */
};

extern struct net net;

/** Listen for TLS; called when the first certificate is there. */
void net_open(void);

#endif
