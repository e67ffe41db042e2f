/** What a licence server says: its answers to lease requests, and to the watch.  No I/O: fuzzed. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "lease.h"

#include <jansson.h>

#define SERVER_REASON	  256	  /**< [octets] a sentence, and its NUL */
#define SERVER_ANSWER_MAX 4194304 /**< [octets] of a body: a watch may list all VMs of an enclave */

struct server_answer {
	char product[VMP_PRODUCT], request_id[VMP_UUID_TEXT];
	int64_t seq, granted;
	int64_t life_ms, grace_ms;
	int64_t available;
	char reason[SERVER_REASON];
	bool stale, is_short;
	int64_t licensed; /**< VMs of ours on its record; -1: it does not say */
	json_t *refused;  /**< [{"id", "reason"}], checked; NULL: none */
	json_t *doc;	  /**< whose part that is */
};

/** Read the body of an answer.
 * @param out  server_answer_clear() in any case.
 * @return VMP_OK; VMP_EINVAL with what is wrong. */
VMP_CHECKED int server_answer_read(const char *text, size_t len, struct server_answer *out, struct vmp_msg *msg);
void server_answer_clear(struct server_answer *answer);
/** The error of a body that is no such answer, such as {"error": "..."}, for people. */
void server_error_read(const char *text, size_t len, int status, char out[SERVER_REASON]);

struct server_watch {
	int64_t version;
	bool full;
	json_t *stopped;  /**< [UUID], checked; NULL: none */
	json_t *shorts;	  /**< [product], checked; NULL: none */
	json_t *licensed; /**< {product: [UUID]}, checked; only when full */
	json_t *doc;
};
VMP_CHECKED int server_watch_read(const char *text, size_t len, struct server_watch *out, struct vmp_msg *msg);
void server_watch_clear(struct server_watch *watch);

/** Is it a product's name: 1 to 64 characters of printable ASCII? */
bool product_name_is_good(const char *name);

#endif
