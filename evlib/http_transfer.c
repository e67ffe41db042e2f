#include "http_transfer.h"
#include "est.h"
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FILE_MAX 131072 /* [octets] of a certificate's or key's file */
#define PASSWORD 512	/* [octets] */
#define URL	 1024	/* [octets] */

/* -- memory ----------------------------------------------------------------------------------------------------- */

static void free_headers(struct curl_slist *headers)
{
	struct curl_slist *h;

	/* One of them may be the password. */
	for (h = headers; h; h = h->next)
		vmp_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void free_blob(struct http_blob *blob)
{
	if (blob->data)
		vmp_wipe(blob->data, blob->len);
	free(blob->data);
}

void http_transfer_free(struct http_transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	free_headers(t->headers);
	free_blob(&t->certificate);
	free_blob(&t->key);
	free_blob(&t->proxy_certificate);
	free_blob(&t->proxy_key);
	free(t->body);
	free(t->answer);
	free(t);
}

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
	struct http_transfer *t = ctx;
	char *more;

	(void)one; /* 1, says the manual */
	if (len > t->answer_max - t->len) {
		t->too_long = true;
		return 0;
	}
	more = realloc(t->answer, t->len + len + 1);
	if (!more)
		return 0;
	memcpy(more + t->len, data, len);
	t->len += len;
	more[t->len] = '\0';
	t->answer = more;
	return len;
}

/* -- the request ------------------------------------------------------------------------------------------------ */

static bool add_header(struct http_transfer *t, const char *name, const char *value)
{
	char text[1024];
	struct curl_slist *more = NULL;

	if (snprintf(text, sizeof(text), "%s:%s%s", name, *value ? " " : "", value) < (int)sizeof(text))
		more = curl_slist_append(t->headers, text);
	vmp_wipe(text, sizeof(text));
	if (more)
		t->headers = more;
	return more != NULL;
}

/* RFC 7617.  Not by libcurl's options for it, since what they copy is not wiped. */
static bool add_password(struct http_transfer *t, const char *password)
{
	char plain[PASSWORD], value[PASSWORD * 2], *text = NULL;
	bool good = false;
	int len = snprintf(plain, sizeof(plain), "host:%s", password);

	if (len < (int)sizeof(plain))
		text = vmp_base64(plain, (size_t)len);
	if (text && snprintf(value, sizeof(value), "Basic %s", text) < (int)sizeof(value))
		good = add_header(t, "Authorization", value);
	if (text)
		vmp_wipe(text, strlen(text));
	free(text);
	vmp_wipe(value, sizeof(value));
	vmp_wipe(plain, sizeof(plain));
	return good;
}

static bool set_url(struct http_transfer *t, const char *base, const char *path)
{
	size_t len = strlen(base);
	char url[URL];

	while (len > 0 && base[len - 1] == '/')
		len--;
	return snprintf(url, sizeof(url), "%.*s%s", (int)len, base, path) < (int)sizeof(url) &&
	       curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_body(struct http_transfer *t, const struct http_request *request)
{
	bool has_one = strcmp(request->method, "GET") != 0;

	if (request->body && !(t->body = strdup(request->body)))
		return false;
	if (!has_one)
		return true;
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body ? t->body : "");
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, t->body ? (long)strlen(t->body) : 0L);
	if (strcmp(request->method, "POST") != 0 &&
	    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK)
		return false;
	/* An empty one takes libcurl's own away, which would be that of a form. */
	return add_header(t, "Content-Type", request->type ? request->type : "");
}

static bool set_request(struct http_transfer *t, const struct http_client_settings *s,
			const struct http_request *request)
{
	if (!set_body(t, request) || (request->password && !add_password(t, request->password)))
		return false;
	return set_url(t, s->url, request->path) &&
	       curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/* -- TLS and the connection ------------------------------------------------------------------------------------- */

static int read_blob(const char *path, bool secret, CURL *easy, CURLoption option, struct http_blob *out,
		     struct vmp_msg *msg)
{
	struct curl_blob blob = { .flags = CURL_BLOB_NOCOPY };
	int err = vmp_file_read(path, FILE_MAX, secret, &out->data, &out->len, msg);

	if (err)
		return err;
	/* Not its name: a connection that was made with the certificate before must not do for the new one, and libcurl
	 * compares what it is given. */
	blob.data = out->data;
	blob.len = out->len;
	return curl_easy_setopt(easy, option, &blob) == CURLE_OK ? VMP_OK
								 : vmp_fail(msg, VMP_ENOMEM, "cannot make a request");
}

static int set_certificates(struct http_transfer *t, const struct http_client_settings *s,
			    const struct http_request *request, struct vmp_msg *msg)
{
	int err = VMP_OK;

	if (request->certificate)
		err = read_blob(request->certificate, false, t->easy, CURLOPT_SSLCERT_BLOB, &t->certificate, msg);
	if (!err && request->certificate)
		err = read_blob(request->key, true, t->easy, CURLOPT_SSLKEY_BLOB, &t->key, msg);
	if (err || !*s->proxy || !s->proxy_certificate)
		return err;
	err = read_blob(s->proxy_certificate, false, t->easy, CURLOPT_PROXY_SSLCERT_BLOB, &t->proxy_certificate, msg);
	if (!err)
		err = read_blob(s->proxy_key, true, t->easy, CURLOPT_PROXY_SSLKEY_BLOB, &t->proxy_key, msg);
	return err;
}

/* An empty proxy is none, whatever the environment says. */
static bool set_proxy(CURL *e, const struct http_client_settings *s)
{
	if (curl_easy_setopt(e, CURLOPT_PROXY, s->proxy) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_NOPROXY, "") != CURLE_OK)
		return false;
	if (!*s->proxy)
		return true;
	curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
	/* What is for the server, such as a password, is not for the proxy. */
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	return curl_easy_setopt(e, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, s->proxy_ca) == CURLE_OK;
}

/* libcurl: a socket has been made, and nothing sent by it yet. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	struct http_transfer *t = ctx;

	(void)purpose;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &t->mark, sizeof(t->mark)) == 0)
		return CURL_SOCKOPT_OK;
	t->unmarked = errno;
	return CURL_SOCKOPT_ERROR;
}

static void set_mark(struct http_transfer *t, uint32_t mark)
{
	t->mark = mark;
	if (!mark)
		return;
	curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, t);
}

static void set_times(CURL *e, unsigned long ms, unsigned long longest)
{
	/* Who waits long for an answer need not wait as long for a connection. */
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(ms < longest ? ms : longest));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)ms);
}

/* What is the same for all.  Options that cannot fail with these values are not looked at. */
static bool set_common(struct http_transfer *t, const struct http_client_settings *s)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, s->any_name ? 0L : 2L);
	/* policyd resumes none. */
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* A CA's file that is replaced holds from the next connection on. */
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAINFO, s->ca) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_USERAGENT, s->agent) == CURLE_OK;
}

int http_transfer_new(const struct http_client_settings *s, const struct http_request *request,
		      struct http_transfer **out, struct vmp_msg *msg)
{
	struct http_transfer *t = calloc(1, sizeof(*t));
	int err;

	if (!t || !(t->easy = curl_easy_init()) || !set_common(t, s) || !set_proxy(t->easy, s) ||
	    !set_request(t, s, request)) {
		err = vmp_fail(msg, VMP_ENOMEM, "cannot make a request");
	} else {
		set_times(t->easy, request->timeout ? request->timeout : s->timeout_ms, s->timeout_ms);
		t->answer_max = s->answer_max;
		set_mark(t, s->mark);
		err = set_certificates(t, s, request, msg);
	}
	if (err) {
		http_transfer_free(t);
		return err;
	}
	*out = t;
	return VMP_OK;
}
