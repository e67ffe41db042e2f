/** HTTPS requests to one server, by libcurl on an event loop.
 *
 * TLS 1.3 and HTTP/1.1, connections kept and used again.  The settings' CA alone is trusted; the environment says
 * nothing of proxies, and nobody is followed elsewhere.  A process may have several clients; they share no connection.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "err.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_ANSWER 65536 /**< [octets] the preset of answer_max */

/** Copied. */
struct http_client_settings {
	const char *url;   /**< "https://host:port", or with a path that goes before all requests' */
	const char *ca;	   /**< file of the CAs that the server's certificate may come from; read for each connection */
	const char *agent; /**< User-Agent */
	unsigned timeout_ms; /**< of a request as a whole, unless it says another; 1 or more */
	size_t answer_max;   /**< [octets] of a body, a longer one is no answer; 0: HTTP_CLIENT_ANSWER */
	uint32_t mark;	     /**< of the packets sent (SO_MARK, which needs CAP_NET_ADMIN), for the rules of routing; a
			      * connection       that cannot have it is not made.  0: none */
	bool any_name; /**< the server is verified by chain and purpose (serverAuth) and not by its name: certificates
			* of gateways have no DNS name */

	/** "https://host:port" of a proxy that is asked to CONNECT (RFC 9110 section 9.3.6); NULL or "": none.  TLS
	 * with the server goes on inside, end to end.  The proxy is verified by chain and purpose (serverAuth) and not
	 * by its name, since certificates of relays have no DNS name. */
	const char *proxy;
	const char *proxy_ca; /**< needed with a proxy */
	/** Files for the TLS with the proxy; NULL: none.  Read for each request. */
	const char *proxy_certificate, *proxy_key;
};

struct http_request {
	const char *method;	       /**< "GET", "POST", "PUT" */
	const char *path;	       /**< behind the url, with its query */
	const char *type;	       /**< Content-Type; NULL: none */
	const char *body;	       /**< NUL-terminated; NULL: none */
	const char *password;	       /**< HTTP Basic, any user; NULL: none.  Copied, and wiped */
	const char *certificate, *key; /**< files of the client certificate for the server; NULL: none */
	unsigned timeout;	       /**< [ms]; 0: the client's */
};

/** Told once.  status 0: no answer, and why says so, with the url; else why is "".  Every status that the server gives
 * is handed on with its body, of len octets and a NUL, which is gone when this returns.  More may be sent from here;
 * the client must not be freed. */
typedef void (*http_client_fn)(void *ctx, int status, const char *body, size_t len, const char *why);

struct http_client;

/** @return VMP_OK; VMP_EINVAL: the url or the proxy is not https://, the proxy has no CA; VMP_ENOMEM. */
VMP_CHECKED int http_client_new(struct event_base *base, const struct http_client_settings *settings,
				struct http_client **out, struct vmp_msg *msg);
/** Requests that go on end without a word. */
void http_client_free(struct http_client *client);
/** @return VMP_OK: done will be called, not before this returns; VMP_ENOENT, VMP_EINVAL, VMP_EIO: the certificate's
 * files cannot be used; VMP_ENOMEM. */
VMP_CHECKED int http_client_send(struct http_client *client, const struct http_request *request, http_client_fn done,
				 void *ctx, struct vmp_msg *msg);
/** End the requests that were sent with these, without a word; connections that they had are closed. */
void http_client_cancel(struct http_client *client, http_client_fn done, const void *ctx);
/** Borrowed; "" for NULL. */
const char *http_client_url(const struct http_client *client);

struct http_client_counters {
	unsigned long long requests;	/**< sent */
	unsigned long long connections; /**< that those made which have ended; to a proxy and through it is one */
	unsigned long long failures;	/**< requests without an answer */
};
/** Borrowed; counts on. */
const struct http_client_counters *http_client_counters(const struct http_client *client);

/** For --test: are the url, the proxy and the files of CAs good? @return VMP_OK; VMP_EINVAL, VMP_ENOENT, VMP_EIO. */
VMP_CHECKED int http_client_check(const struct http_client_settings *settings, struct vmp_msg *msg);

#endif
