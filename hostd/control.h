/** The control socket: vmprov-hostctl's, and libvirt's hook's.  A line of JSON a request, a line an answer.
 *
 *   {"do": "list"}                                  -> {"guests": [GUEST...]}
 *   {"do": "show", "what": "NAME|UUID|MAC"}         -> GUEST
 *   {"do": "reauth|logoff", "what": "NAME|UUID|MAC|all"}   -> {"done": N}    N interfaces
 *   {"do": "status"}                                -> STATUS
 *   {"do": "enrol", "token": "..."}                 -> {"done": 1}
 *   {"do": "hook", "object": NAME, "operation": "prepare", "sub": "begin", "extra": "-", "xml": "..."} -> {"done": 1}
 *   errors: {"error": "..."}
 * docs/PROTOCOL.md has GUEST and STATUS.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "err.h"

#define CONTROL_LINE_MAX (640 * 1024) /**< [octets] of a request: a domain's XML, escaped */

/** @param fd  listening, taken. */
VMP_CHECKED int control_open(int fd, struct vmp_msg *msg);
void control_close(void);

/** A hook call (hook.c): what is to be done for it. done is called once, perhaps before this returns. */
typedef void (*hook_fn)(void *ctx, int err, const char *why);
void hook_take(const char *object, const char *operation, const char *sub, const char *xml, size_t len, hook_fn done,
	       void *ctx);

/** The status socket: /metrics, /healthz. @param fd  listening, taken; -1: none. */
VMP_CHECKED int status_open(int fd, struct vmp_msg *msg);
void status_close(void);

#endif
