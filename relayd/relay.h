/** What all of relayd shares: the configuration, the event loop, who we are. */
#ifndef RELAY_H
#define RELAY_H

#include "config.h"
#include "connect.h"
#include "peers.h"
#include "service.h"

#include <event2/dns.h>
#include <event2/event.h>

struct tls_files;

struct relay {
	const struct config *config;
	struct event_base *base;
	struct evdns_base *dns;
	struct tls_files *server, *client; /**< contexts for who comes, and for the next relay */
	struct peers peers;		   /**< who may come */
	struct peers_name next_name;	   /**< whom the next relay's certificate must name */
	char id[CONNECT_ID]; /**< what we are called in Via; "": not known before there is a certificate */
	bool ready;	     /**< there is a certificate, and we listen */
	bool draining;	     /**< told to stop */
};

extern struct relay relay;

/** Is there no further relay, so that this one connects to the targets itself? */
bool relay_is_last(void);

#endif
