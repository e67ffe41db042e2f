/** One HTTP request, from its arrival to its answer. */
#ifndef REQUEST_H
#define REQUEST_H

#include "net.h"

#include <jansson.h>

struct request {
	TAILQ_ENTRY(request) next;
	struct evhttp_request *http;
	char segment[254]; /**< what stood for '*' in the route's path; empty: nothing */
	bool has_serial;
	uint8_t serial[VMP_SERIAL]; /**< of the client's certificate */
	const char *body;	    /**< NUL-terminated */
	size_t body_len;
	int64_t began_ms;
	struct message ask;					     /**< what the store is asked */
	void (*reply)(struct request *req, const struct message *m); /**< its answer */
};

/** Where to go; tables end with a NULL path.  A '*' is one segment. */
struct route {
	enum evhttp_cmd_type method;
	const char *path;
	void (*handle)(struct request *req);
	bool needs_cert;
};

/** evhttp's callback. @param ctx  an array of tables, ended by NULL. */
void request_route(struct evhttp_request *http, void *ctx);

/** Ask the store; reply is called with its answer.  On a message that makes no sense the client is told so. */
void request_ask(struct request *req, void (*reply)(struct request *req, const struct message *m));
/** A reply: send the JSON that came, or the error. */
void request_relay(struct request *req, const struct message *m);

/** Ask as the client certificate's holder, with ?since=N&wait=S.  Without wait: as long as the server allows, if there
 * is a since to wait beyond. */
void request_poll(struct request *req, enum message_type type);

/** Answer, and forget the request. @param type  Content-Type. */
void request_send(struct request *req, int code, const char *type, const void *data, size_t len);
/** {"error": text} */
void request_fail(struct request *req, int code, const char *text);
/** The same for what the store answered. */
void request_fail_err(struct request *req, int err, const char *text);

/** An answer of the store. */
void request_answered(const struct message *m);
/** Answer those that have waited too long with 503; at the end, the long polls as well. @return how many are left. */
size_t request_sweep(bool stopping);

/* The routes, by noun. */
extern const struct route est_routes[], vm_routes[], member_routes[], revocation_routes[], status_routes[];

#endif
