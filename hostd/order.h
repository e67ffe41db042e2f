/** What an operator, or libvirt's hook, asks: a line of JSON in, JSON out (control.h has the forms). */
#ifndef ORDER_H
#define ORDER_H

#include <jansson.h>
#include <sys/types.h>

/** @param answer  the callee's. */
typedef void (*order_fn)(void *ctx, json_t *answer);

/** Do what a line asks.  done is called once, perhaps before this returns.  Secrets in what was read are wiped; the
 * line is the caller's.
 * @param uid  who asks, for the log. */
void order_take(const char *line, size_t len, uid_t uid, order_fn done, void *ctx);

/** {"error": why, "code": "invalid|not-found|refused|failed"} */
json_t *order_error(int err, const char *why);

#endif
