/** One request of an HTTP client that goes on; for http_client.c alone. */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include "http_client.h"

#include <curl/curl.h>
#include <stdbool.h>

/** A certificate or a key, as libcurl borrows it. */
struct http_blob {
	char *data;
	size_t len;
};

struct http_transfer {
	struct http_transfer *next, **link; /**< link NULL: it has not been started */
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct http_blob certificate, key, proxy_certificate, proxy_key;
	char why[CURL_ERROR_SIZE];
	size_t answer_max; /**< [octets] */
	char *answer;
	size_t len;
	bool too_long;
	uint32_t mark; /**< as the settings' */
	int unmarked;  /**< errno of a mark that could not be set */
	http_client_fn done;
	void *ctx;
};

/** Make a request that has not been started.  @return VMP_OK; as http_client_send(). */
VMP_CHECKED int http_transfer_new(const struct http_client_settings *settings, const struct http_request *request,
				  struct http_transfer **out, struct vmp_msg *msg);
/** One that was started must have left the multi handle. */
void http_transfer_free(struct http_transfer *transfer);

#endif
