/* An HTTP server of evlib, and clients that say what a test wants, octet for octet, in one event loop on loopback. */
#ifndef HTTP_TALK_H
#define HTTP_TALK_H

#include "../maker.h"
#include "http_server.h"

/* What the program of the tests remembers of a request. */
struct http_talk_request {
	struct http_exchange http;
	char room[64]; /* zeroed when a request begins */
};

struct http_talk {
	struct event_base *base;
	struct http_server *server;
	struct http_server_settings settings;
	uint16_t port, plain_port;  /* with TLS, and without */
	struct http_exchange *held; /* what /later has got; NULL: nothing, or it was answered */
	int handled, gone;
};

extern struct http_talk http_talk;

/* Limits of a test's own come first: http_talk.settings, between the two. */
void http_talk_setup(void);
void http_talk_listen(void);
void http_talk_teardown(void);

struct http_client_raw;

/* @param own  a certificate; NULL: none. */
struct http_client_raw *raw_tls(const struct maker *own);
/* Nothing but TCP, to the port with TLS or to the one without. */
struct http_client_raw *raw_tcp(uint16_t port);
void raw_free(struct http_client_raw *raw);

void raw_say(struct http_client_raw *raw, const char *text);
/* Loop until what came has this text in it. */
void raw_wait(struct http_client_raw *raw, const char *text);
/* Loop until the server ends the connection. */
void raw_wait_end(struct http_client_raw *raw);
bool raw_ended(const struct http_client_raw *raw);
/* What came since the last raw_forget(), with a NUL. */
const char *raw_text(struct http_client_raw *raw);
void raw_forget(struct http_client_raw *raw);
/* Say it, and wait until the answer has this text; a test looks at the rest by raw_text(). */
const char *raw_ask(struct http_client_raw *raw, const char *request, const char *text);

/* Loop until it is so, or the test fails after 10 s. */
void http_talk_until(bool (*so)(void *ctx), void *ctx);
/* Let the loop run for so long. */
void http_talk_pass(int64_t ms);

#endif
