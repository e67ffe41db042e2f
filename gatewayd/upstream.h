/** Requests to the licence servers: one at a time for each server and product, sent again until it is answered; and a
 * watch with each. */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include "config.h"
#include "http_client.h"

VMP_CHECKED int upstream_init(struct vmp_msg *msg);
void upstream_free(void);
/** The client that the gateway's own certificate is asked for with; NULL: none. */
struct http_client *upstream_identity_client(void);
/** Send what the broker has written down. */
void upstream_send(int64_t now_ms);
/** Watch all servers from now on, if that has not begun. */
void upstream_watch(void);
/** For --test. */
VMP_CHECKED int upstream_check(const struct config *config, struct vmp_msg *msg);

enum upstream_result {
	UPSTREAM_GRANTED, /**< an answer that is no refusal */
	UPSTREAM_REFUSED, /**< 409, or whatever else it refuses */
	UPSTREAM_STALE,
	UPSTREAM_FAILED, /**< no answer, or none that counts */
	UPSTREAM_RESULTS
};

struct upstream_status {
	unsigned long long result[UPSTREAM_RESULTS]; /**< lease requests */
	unsigned long long watches, watch_failures;  /**< long polls that were answered, and that were not */
	bool up;				     /**< its last answer counted; true before there was any */
	const char *error;			     /**< the last failure's; "" when up */
};
void upstream_status(int server, struct upstream_status *out);
const char *upstream_result_name(enum upstream_result result);

#endif
