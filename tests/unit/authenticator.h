/* The other end of a port's cable: an authenticator for one address, with its EAP server. */
#ifndef AUTHENTICATOR_H
#define AUTHENTICATOR_H

#include "port.h"
#include "tls_server.h"

struct authenticator {
	/* Set by a test. */
	uint8_t method;	      /* VMP_EAP_MD5, VMP_EAP_TLS; another is offered first and must get a Nak */
	const char *password; /* "secret" */
	struct tls_server tls;
	bool reject; /* after the method */
	bool deaf;
	bool undecided;	  /* neither Success nor Failure is ever sent */
	uint8_t first_id; /* of the next conversation */

	/* What came about. */
	bool authorized;
	bool waiting;	     /* for the response to request id */
	uint8_t id, current; /* current: the method in progress */
	unsigned responses, ignored;
	uint8_t packet[VMP_EAP_MAX]; /* the last one sent */
	size_t len;
};

void authenticator_init(struct authenticator *a, uint8_t method);
void authenticator_clear(struct authenticator *a);
/* Take what a supplicant sent. @return the length of the answer, in a->packet; 0: none. */
size_t authenticator_take(struct authenticator *a, const struct port_sent *sent);
/* Ask for the identity, as a switch does on its own. */
size_t authenticator_begin(struct authenticator *a);

/* Carry frames to and fro until both are quiet; only_first: so many answers of the authenticator at most. */
void authenticator_run(struct authenticator *a, struct port *p);
void authenticator_run_some(struct authenticator *a, struct port *p, unsigned answers);

#endif
