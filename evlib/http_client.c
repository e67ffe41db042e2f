#include "http_client.h"
#include "http_transfer.h"
#include "pki_pair.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define KEPT   8  /* connections that wait for the next request */
#define CA_MAX 64 /* certificates in a file of those that are trusted */

struct http_client {
	struct http_client_settings settings;
	struct event_base *base; /* borrowed */
	CURLM *multi;
	struct event *timer;
	struct http_transfer *first;
	bool started; /* libcurl */
	struct http_client_counters counters;
};

/* -- settings --------------------------------------------------------------------------------------------------- */

static bool is_https(const char *url)
{
	static const char scheme[] = "https://";

	return url && strncmp(url, scheme, sizeof(scheme) - 1) == 0;
}

static int check_settings(const struct http_client_settings *s, struct vmp_msg *msg)
{
	bool has_proxy = s->proxy && *s->proxy;

	if (!is_https(s->url) || (has_proxy && !is_https(s->proxy)))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected https://HOST:PORT",
				!s->url		   ? "no url"
				: is_https(s->url) ? s->proxy
						   : s->url);
	if (!s->ca || !s->agent || (has_proxy && !s->proxy_ca))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a file of CAs", s->url);
	return VMP_OK;
}

static bool copy(const char **text, const char *from)
{
	if (!from)
		return true;
	*text = strdup(from);
	return *text != NULL;
}

static bool copy_settings(struct http_client_settings *to, const struct http_client_settings *from)
{
	to->timeout_ms = from->timeout_ms;
	to->answer_max = from->answer_max ? from->answer_max : HTTP_CLIENT_ANSWER;
	to->mark = from->mark;
	to->any_name = from->any_name;
	return copy(&to->url, from->url) && copy(&to->ca, from->ca) && copy(&to->agent, from->agent) &&
	       copy(&to->proxy, from->proxy ? from->proxy : "") && copy(&to->proxy_ca, from->proxy_ca) &&
	       copy(&to->proxy_certificate, from->proxy_certificate) && copy(&to->proxy_key, from->proxy_key);
}

static void free_settings(struct http_client_settings *s)
{
	const char *const texts[] = {
		s->url, s->ca, s->agent, s->proxy, s->proxy_ca, s->proxy_certificate, s->proxy_key
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free((void *)(uintptr_t)texts[i]);
}

int http_client_check(const struct http_client_settings *settings, struct vmp_msg *msg)
{
	int err = check_settings(settings, msg);

	if (!err)
		err = vmp_certs_check(settings->ca, CA_MAX, msg);
	if (!err && settings->proxy && *settings->proxy)
		err = vmp_certs_check(settings->proxy_ca, CA_MAX, msg);
	return err;
}

/* -- requests --------------------------------------------------------------------------------------------------- */

static void drop(struct http_transfer *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	curl_multi_remove_handle(t->client->multi, t->easy);
	http_transfer_free(t);
}

int http_client_send(struct http_client *client, const struct http_request *request, http_client_fn done, void *ctx,
		     struct vmp_msg *msg)
{
	struct http_transfer *t;
	int err = http_transfer_new(&client->settings, request, &t, msg);

	if (err)
		return err;
	if (curl_multi_add_handle(client->multi, t->easy) != CURLM_OK) {
		http_transfer_free(t);
		return vmp_fail(msg, VMP_ENOMEM, "cannot make a request");
	}
	client->counters.requests++;
	t->client = client;
	t->done = done;
	t->ctx = ctx;
	t->next = client->first;
	t->link = &client->first;
	if (t->next)
		t->next->link = &t->next;
	client->first = t;
	return VMP_OK;
}

void http_client_cancel(struct http_client *client, http_client_fn done, const void *ctx)
{
	struct http_transfer *t, *next;

	for (t = client->first; t; t = next) {
		next = t->next;
		if (t->done == done && t->ctx == ctx)
			drop(t);
	}
}

const char *http_client_url(const struct http_client *client)
{
	return client ? client->settings.url : "";
}

const struct http_client_counters *http_client_counters(const struct http_client *client)
{
	return &client->counters;
}

/* -- the event loop --------------------------------------------------------------------------------------------- */

/* Is it TLS with the server that fails, in a tunnel that the proxy has made?  libcurl has lost the reason then. */
static bool fails_inside(const struct http_transfer *t, CURLcode result)
{
	long code = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &code);
	return code / 100 == 2 && result == CURLE_SSL_CONNECT_ERROR;
}

static void explain(const struct http_transfer *t, CURLcode result, struct vmp_msg *why)
{
	const struct http_client_settings *s = &t->client->settings;

	if (t->too_long)
		vmp_fail(why, 0, "%s: the answer is larger than %zu octets", s->url, s->answer_max);
	else if (t->unmarked)
		vmp_fail(why, 0, "%s: cannot mark packets with %u: %s", s->url, s->mark, strerror(t->unmarked));
	else if (result != CURLE_OK)
		vmp_fail(why, 0, "%s%s%s: %s%s", s->url, *s->proxy ? " through " : "", s->proxy,
			 fails_inside(t, result) ? "expected a server with a certificate of the CA: " : "",
			 *t->why ? t->why : curl_easy_strerror(result));
}

static void tell(struct http_transfer *t, CURLcode result)
{
	struct http_client_counters *counters = &t->client->counters;
	char *answer = t->answer;
	size_t len = t->len;
	http_client_fn done = t->done;
	void *ctx = t->ctx;
	struct vmp_msg why = { "" };
	long status = 0, connections = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
	counters->connections += (unsigned long long)connections;
	counters->failures += result != CURLE_OK;
	explain(t, result, &why);
	t->answer = NULL;
	/* Before it is told: whoever hears of it may send the next. */
	drop(t);
	if (result != CURLE_OK)
		done(ctx, 0, "", 0, why.text);
	else
		done(ctx, (int)status, answer ? answer : "", len, "");
	free(answer);
}

static void collect(struct http_client *client)
{
	struct http_transfer *t;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(client->multi, &left))) {
		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK)
			tell(t, m->data.result);
	}
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;
	struct http_client *client = ctx;

	curl_multi_socket_action(client->multi, fd, flags, &running);
	collect(client);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *client = ctx;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(client);
}

/* libcurl: watch this socket for that.  @param known  the event that watches it; NULL: none yet. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	short for_what = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
				 (what & CURL_POLL_OUT ? EV_WRITE : 0));
	struct http_client *client = ctx;
	struct event *event = NULL;

	(void)easy;
	if (known)
		event_free(known);
	if (what != CURL_POLL_REMOVE) {
		event = event_new(client->base, fd, for_what, on_ready, client);
		if (!event || event_add(event, NULL) != 0)
			return -1;
	}
	curl_multi_assign(client->multi, fd, event);
	return 0;
}

/* libcurl: wake me then. */
static int wake(CURLM *multi, long ms, void *ctx)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct http_client *client = ctx;

	(void)multi;
	if (ms < 0)
		return evtimer_del(client->timer);
	return evtimer_add(client->timer, &tv);
}

/* -- the client ------------------------------------------------------------------------------------------------- */

static bool start(struct http_client *client)
{
	client->multi = curl_multi_init();
	client->timer = evtimer_new(client->base, on_timer, client);
	if (!client->multi || !client->timer)
		return false;
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, wake);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)KEPT);
	return true;
}

int http_client_new(struct event_base *base, const struct http_client_settings *settings, struct http_client **out,
		    struct vmp_msg *msg)
{
	struct http_client *client;
	int err = check_settings(settings, msg);

	if (err)
		return err;
	/* A connection that the other end has closed: libcurl leaves it to us, told not to use signals. */
	signal(SIGPIPE, SIG_IGN);
	client = calloc(1, sizeof(*client));
	if (!client)
		return vmp_fail(msg, VMP_ENOMEM, "cannot start libcurl");
	client->base = base;
	/* libcurl counts how often it is started and stopped. */
	client->started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!client->started || !copy_settings(&client->settings, settings) || !start(client)) {
		http_client_free(client);
		return vmp_fail(msg, VMP_ENOMEM, "cannot start libcurl");
	}
	*out = client;
	return VMP_OK;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	while (client->first)
		drop(client->first);
	/* Closes what is kept open, which takes events away. */
	if (client->multi)
		curl_multi_cleanup(client->multi);
	if (client->timer)
		event_free(client->timer);
	free_settings(&client->settings);
	if (client->started)
		curl_global_cleanup();
	free(client);
}
