/* A policyd that answers what a test says, on the stage of an HTTP client. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "../evlib/client_stage.h"

#define SCRIPT_SEEN 64

struct script {
	/* What has been asked: "GET /path" and the body. */
	unsigned n_seen, n_put;
	struct {
		char line[160], body[256], peer[64];
		double at; /* [s] */
	} seen[SCRIPT_SEEN];
	int put_status; /* of the answers to PUT below /v1/coi-keys/; 0: 200 */
};
extern struct script script;

/* The stage, with the server, which asks for no certificate. */
void script_setup(void);
void script_teardown(void);
/* The stage's server answers by this: for one that a test has made anew. */
void script_answers(void);
/* An HTTP client of it. */
struct http_client *script_client(size_t answer_max);
/* Answer the request that waits, or else the next one, so. */
void script_say(int status, const char *body);
/* Nobody is there any more. */
void script_down(void);
/* Turn until it is so; the test fails when that does not come. */
void script_until(bool (*is_so)(void));
/* Turn until there have been so many requests. */
void script_await(unsigned n_seen);
/* Turn for a while. */
void script_turn(unsigned ms);
/* How many requests began with this. */
unsigned script_count(const char *line);
const char *script_last(void);
/* [s] */
double script_now(void);
TCase *script_add(Suite *s, const char *name, const TTest *const *tests);

#endif
