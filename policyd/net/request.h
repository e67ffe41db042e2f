/** A request that the store process answers. */
#ifndef REQUEST_H
#define REQUEST_H

#include "net.h"

struct request {
	struct http_exchange http; /**< first: the server makes and frees the whole */
	TAILQ_ENTRY(request) next;
	struct message ask;					     /**< what the store is asked */
	void (*reply)(struct request *req, const struct message *m); /**< its answer */
};

static inline struct request *request_of(struct http_exchange *x)
{
	return (struct request *)(void *)x;
}

/** A message of this type, as the client certificate's holder, if there is one. */
void request_ask_as(struct request *req, enum message_type type);
/** Ask the store; reply is called with its answer.  On a message that makes no sense the client is told so. */
void request_ask(struct request *req, void (*reply)(struct request *req, const struct message *m));
/** A reply: send the JSON that came, or the error. */
void request_relay(struct request *req, const struct message *m);

/** Ask as the client certificate's holder, with ?since=N&wait=S.  Without wait: as long as the server allows, if there
 * is a since to wait beyond. */
void request_poll(struct request *req, enum message_type type);

/** As http_exchange_send(), _fail() and _fail_err(). */
void request_send(struct request *req, int code, const char *type, const void *data, size_t len);
void request_fail(struct request *req, int code, const char *text);
void request_fail_err(struct request *req, int err, const char *text);

/** An answer of the store. */
void request_answered(const struct message *m);
/** Answer those that have waited too long with 503; when the server stops, the long polls as well. */
void request_sweep(void);

/* The routes, by noun. */
extern const struct http_route est_routes[], vm_routes[], member_routes[], licence_routes[], revocation_routes[],
	status_routes[], health_routes[];

#endif
