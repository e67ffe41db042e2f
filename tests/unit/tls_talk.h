/* A conversation between lib/eap_tls and tls_server, request by request. */
#ifndef TLS_TALK_H
#define TLS_TALK_H

#include "tls_server.h"
#include "tls_world.h"

#define TALK_ROOM 1500

struct talk {
	struct tls_server server;
	struct vmp_tls_identity *identity;
	struct vmp_eap_tls *tls;
	enum vmp_eap_tls_result last;
	unsigned requests, parts; /* of the server; parts said that more follow */
	uint8_t session[VMP_TLS_SESSION_MAX];
	size_t session_len;
};

/* A host and a server of tls_world. @param version  of the server; 0: both. */
struct talk talk_new(int version);
struct talk talk_new_with(const struct vmp_tls_files *files, const struct maker *server,
			  const struct maker *const *chain, int version);
void talk_clear(struct talk *t);
/* Another conversation of the same two, with the session kept. */
void talk_renew(struct talk *t);
/* The same, after keeping the session of this one, which must have given one. */
void talk_again(struct talk *t);

/* Until the server has decided. */
enum tls_server_result talk_run(struct talk *t);

/* What the next request would be. */
struct talk_request {
	uint8_t data[TALK_ROOM];
	size_t len;
	bool ended; /* there is none: the server has decided */
};

/* From the Start, until so many requests are answered; the next one is returned. */
struct talk_request talk_until(struct talk *t, unsigned requests);
/* Answer one.  @return the next. */
struct talk_request talk_step(struct talk *t, const struct talk_request *r);

#endif
