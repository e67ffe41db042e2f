/** The net process: TLS and HTTP.  It has no keys but the one of its own short-lived certificate, no files, and no say:
 * the store process decides what is allowed. */
#ifndef NET_H
#define NET_H

#include "channel.h"
#include "metrics.h"
#include "proc.h"

#include <event2/http.h>
#include <sys/queue.h>

struct request;
struct tls;

TAILQ_HEAD(request_list, request);

struct net {
	const struct config *config;
	struct event_base *base;
	struct channel *store;
	struct tls *tls;
	struct evhttp *https, *http;
	const struct proc_env *env;
	bool ready;    /**< the TLS listeners are open */
	bool draining; /**< told to stop */
};

extern struct net net;

/** [ms] CLOCK_MONOTONIC */
int64_t net_now_ms(void);
/** Listen for TLS; called when the first certificate is there. */
void net_open(void);

#endif
