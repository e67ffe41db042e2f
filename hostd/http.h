/** HTTPS requests to policyd, by libcurl on the event loop.
 *
 * TLS 1.3 and HTTP/1.1, connections kept and used again.  [policyd] ca alone is trusted; the environment says nothing
 * of proxies, and nobody is followed elsewhere.
 */
#ifndef HTTP_H
#define HTTP_H

#include "err.h"

#include <stddef.h>

#define HTTP_ANSWER_MAX 65536 /**< [octets] */

struct http_request {
	const char *method;	       /**< "GET", "POST" */
	const char *path;	       /**< behind [policyd] url */
	const char *type;	       /**< Content-Type; NULL: none */
	const char *body;	       /**< NUL-terminated; NULL: none */
	const char *password;	       /**< HTTP Basic, any user; NULL: none.  Copied, and wiped */
	const char *certificate, *key; /**< files of the client certificate; NULL: none */
	unsigned timeout;	       /**< [ms]; 0: [policyd] timeout */
};

/** Told once: status 0: no answer, and why says so.  body has len octets and a NUL. */
typedef void (*http_fn)(void *ctx, int status, const char *body, size_t len, const char *why);

VMP_CHECKED int http_init(struct vmp_msg *msg);
/** Requests that go on end without a word. */
void http_free(void);
/** @return VMP_OK: done will be called, not before this returns; VMP_ENOENT, VMP_EINVAL, VMP_EIO: the certificate's
 * files cannot be used; VMP_ENOMEM. */
VMP_CHECKED int http_send(const struct http_request *request, http_fn done, void *ctx, struct vmp_msg *msg);

#endif
