#include "http.h"
#include "est.h"
#include "file.h"
#include "loop.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT	 8	/* connections that wait for the next request */
#define FILE_MAX 131072 /* [octets] of a certificate's or key's file */
#define PASSWORD 512	/* [octets] */

/* One request that goes on. */
struct transfer {
	struct transfer *next, **link;
	CURL *easy;
	struct curl_slist *headers;
	char *body, *certificate, *key;
	size_t certificate_len, key_len;
	char why[CURL_ERROR_SIZE];
	char *answer;
	size_t len;
	bool too_long;
	http_fn done;
	void *ctx;
};

static struct {
	CURLM *multi;
	struct event *timer;
	struct transfer *first;
} http;

/* -- one request ------------------------------------------------------------------------------------------------ */

static void free_headers(struct curl_slist *headers)
{
	struct curl_slist *h;

	/* One of them may be the password. */
	for (h = headers; h; h = h->next)
		vmp_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	if (t->link) {
		*t->link = t->next;
		if (t->next)
			t->next->link = t->link;
		curl_multi_remove_handle(http.multi, t->easy);
	}
	curl_easy_cleanup(t->easy);
	free_headers(t->headers);
	vmp_wipe(t->key, t->key_len);
	free(t->key);
	free(t->certificate);
	free(t->body);
	free(t->answer);
	free(t);
}

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
	struct transfer *t = ctx;
	char *more;

	(void)one; /* 1, says the manual */
	if (len > HTTP_ANSWER_MAX - t->len) {
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

static bool add_header(struct transfer *t, const char *name, const char *value)
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
static bool add_password(struct transfer *t, const char *password)
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

static int set_certificate(struct transfer *t, const struct http_request *request, struct vmp_msg *msg)
{
	struct curl_blob blob = { .flags = CURL_BLOB_NOCOPY };
	int err;

	if (!request->certificate)
		return VMP_OK;
	err = vmp_file_read(request->certificate, FILE_MAX, false, &t->certificate, &t->certificate_len, msg);
	if (!err)
		err = vmp_file_read(request->key, FILE_MAX, true, &t->key, &t->key_len, msg);
	if (err)
		return err;
	/* Not their names: a connection that was made with the certificate before must not do for the new one, and
	 * libcurl compares what it is given. */
	blob.data = t->certificate;
	blob.len = t->certificate_len;
	curl_easy_setopt(t->easy, CURLOPT_SSLCERT_BLOB, &blob);
	blob.data = t->key;
	blob.len = t->key_len;
	curl_easy_setopt(t->easy, CURLOPT_SSLKEY_BLOB, &blob);
	return VMP_OK;
}

static bool set_url(struct transfer *t, const char *path)
{
	const char *base = loop.config->policyd_url;
	size_t len = strlen(base);
	char url[VMP_INI_TEXT + 256];

	while (len > 0 && base[len - 1] == '/')
		len--;
	return snprintf(url, sizeof(url), "%.*s%s", (int)len, base, path) < (int)sizeof(url) &&
	       curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_request(struct transfer *t, const struct http_request *request)
{
	bool post = strcmp(request->method, "POST") == 0;

	if (request->body && !(t->body = strdup(request->body)))
		return false;
	if (post) {
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body ? t->body : "");
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, t->body ? (long)strlen(t->body) : 0L);
	}
	/* An empty one takes libcurl's own away, which would be that of a form. */
	if (post && !add_header(t, "Content-Type", request->type ? request->type : ""))
		return false;
	if (request->password && !add_password(t, request->password))
		return false;
	return set_url(t, request->path) && curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/* What is the same for all.  Options that cannot fail with these values are not looked at. */
static bool set_common(struct transfer *t, unsigned timeout)
{
	long ms = timeout ? (long)timeout : (long)loop.config->policyd_timeout * 1000;
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	/* policyd resumes none. */
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* A CA's file that is replaced holds from the next connection on. */
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAINFO, loop.config->policyd_ca) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_USERAGENT, "vmprov-hostd/" VMPROV_VERSION) == CURLE_OK;
}

int http_send(const struct http_request *request, http_fn done, void *ctx, struct vmp_msg *msg)
{
	struct transfer *t;
	int err;

	if (!*loop.config->policyd_url)
		return vmp_fail(msg, VMP_EINVAL, "[policyd] url is not set");
	t = calloc(1, sizeof(*t));
	if (!t || !(t->easy = curl_easy_init()) || !set_common(t, request->timeout) || !set_request(t, request))
		err = vmp_fail(msg, VMP_ENOMEM, "cannot make a request");
	else
		err = set_certificate(t, request, msg);
	if (!err && curl_multi_add_handle(http.multi, t->easy) != CURLM_OK)
		err = vmp_fail(msg, VMP_ENOMEM, "cannot make a request");
	if (err) {
		transfer_free(t);
		return err;
	}
	t->done = done;
	t->ctx = ctx;
	t->next = http.first;
	t->link = &http.first;
	if (t->next)
		t->next->link = &t->next;
	http.first = t;
	return VMP_OK;
}

/* -- the event loop --------------------------------------------------------------------------------------------- */

static void tell(struct transfer *t, CURLcode result)
{
	char *answer = t->answer;
	size_t len = t->len;
	http_fn done = t->done;
	void *ctx = t->ctx;
	struct vmp_msg why = { "" };
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->too_long)
		vmp_fail(&why, 0, "%s: the answer is larger than %d octets", loop.config->policyd_url, HTTP_ANSWER_MAX);
	else if (result != CURLE_OK)
		vmp_fail(&why, 0, "%s: %s", loop.config->policyd_url, *t->why ? t->why : curl_easy_strerror(result));
	t->answer = NULL;
	/* Before it is told: whoever hears of it may send the next. */
	transfer_free(t);
	if (result != CURLE_OK)
		done(ctx, 0, "", 0, why.text);
	else
		done(ctx, (int)status, answer ? answer : "", len, "");
	free(answer);
}

static void collect(void)
{
	struct transfer *t;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(http.multi, &left))) {
		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK)
			tell(t, m->data.result);
	}
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;

	(void)ctx;
	curl_multi_socket_action(http.multi, fd, flags, &running);
	collect();
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	int running;

	(void)fd;
	(void)what;
	(void)ctx;
	curl_multi_socket_action(http.multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect();
}

/* libcurl: watch this socket for that.  @param known  the event that watches it; NULL: none yet. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	short for_what = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
				 (what & CURL_POLL_OUT ? EV_WRITE : 0));
	struct event *event = NULL;

	(void)easy;
	(void)ctx;
	if (known)
		event_free(known);
	if (what != CURL_POLL_REMOVE) {
		event = event_new(loop.base, fd, for_what, on_ready, NULL);
		if (!event || event_add(event, NULL) != 0)
			return -1;
	}
	curl_multi_assign(http.multi, fd, event);
	return 0;
}

/* libcurl: wake me then. */
static int wake(CURLM *multi, long ms, void *ctx)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)multi;
	(void)ctx;
	if (ms < 0)
		return evtimer_del(http.timer);
	return evtimer_add(http.timer, &tv);
}

int http_init(struct vmp_msg *msg)
{
	/* A connection that the other end has closed: libcurl leaves it to us, told not to use signals. */
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(http.multi = curl_multi_init()) ||
	    !(http.timer = evtimer_new(loop.base, on_timer, NULL)))
		return vmp_fail(msg, VMP_ENOMEM, "cannot start libcurl");
	curl_multi_setopt(http.multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(http.multi, CURLMOPT_TIMERFUNCTION, wake);
	curl_multi_setopt(http.multi, CURLMOPT_MAXCONNECTS, (long)KEPT);
	return VMP_OK;
}

void http_free(void)
{
	while (http.first)
		transfer_free(http.first);
	if (http.multi) {
		curl_multi_cleanup(http.multi);
		curl_global_cleanup();
	}
	if (http.timer)
		event_free(http.timer);
	memset(&http, 0, sizeof(http));
}
