/** What coid's parts share. */
#ifndef LOOP_H
#define LOOP_H

#include "bundle.h"
#include "config.h"
#include "http_server.h"

struct loop {
	struct event_base *base;
	const struct config *config;
	struct bundle bundle; /**< this machine's; policyd, gateway and product are as configured */
	const char *policyd;  /**< url */
	const char *label;    /**< of EST's path; "": none */
	struct http_server *server;
	bool stopping;
};
extern struct loop loop;

/** Stop, as SIGTERM does. @param anew  the network stays as it is, for a start anew: the exit code is 1. */
void loop_stop(bool anew);
/** What keeps this machine from talking: its certificate, its licence, its membership.  NULL: nothing. */
const char *loop_trouble(void);
/** Ask everybody at once: for the licence, for who is there. */
void loop_renew(void);

#endif
