/** What gatewayd's parts share. */
#ifndef LOOP_H
#define LOOP_H

#include "broker.h"
#include "config.h"
#include "http_server.h"

#include <event2/event.h>

struct loop {
	struct event_base *base;
	const struct config *config;
	struct vmp_store *store;
	struct broker *broker;
	struct http_server *server;
	bool ready; /**< VMs can come: there is a certificate */
	bool stopping;
};
extern struct loop loop;

#endif
