/* Stand-ins for what licence.c, talk.c and show.c ask: a server, a clock, a certificate, a membership, the daemon. */
#ifndef STAGE_H
#define STAGE_H

#include "http_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

extern struct stage {
	uint64_t later_ms;   /* than it is */
	bool unsendable;     /* requests cannot be sent */
	int requests;	     /* sent */
	char body[512];	     /* of the last one */
	http_client_fn done; /* of one that waits for its answer */
	void *done_ctx;
	bool certificate;
	int goes, halts;
	char halted[64]; /* why */
	const char *trouble;
	json_t *status; /* what the daemon says; NULL: it does not run */
} stage;

void stage_setup(void);
/* Answer the request that waits. */
void stage_answer(int status, const char *body);
#define STAGE_GRANTED(seq) "{\"seq\":" #seq ",\"granted\":1,\"duration_s\":100,\"grace_s\":50}"

#endif
