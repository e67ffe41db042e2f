#include "upstream.h"
#include "boot_clock.h"
#include "commit.h"
#include "identity.h"
#include "log.h"
#include "loop.h"
#include "retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT	       "vmprov-gatewayd/" VMPROV_VERSION
#define LEASE	       "/v1/licences/lease"
#define WATCH_WAIT_S   50
#define WATCH_MS       ((WATCH_WAIT_S + 10) * 1000)
#define WATCH_AGAIN_MS 20    /* after an answer, so that a server that answers at once is not a busy loop */
#define WATCH_MAX_MS   10000 /* the longest pause after a failure */

/* A lease request that is on its way, and its answer. */
struct flight {
	struct commit_job job;
	int server;
	char product[VMP_PRODUCT], request_id[VMP_UUID_TEXT];
	int64_t sent_ms;
	enum upstream_result result;
	struct server_answer answer; /* when GRANTED, REFUSED or STALE, unless it is a refusal without a body */
	bool has_answer;
	char why[SERVER_REASON];
};

static struct upstream {
	struct http_client *client;
	struct event *watch_timer;
	int64_t since;
	unsigned watch_failures; /* in a row */
	bool watching;		 /* a poll is on its way */
	bool up_known, up;
	char error[SERVER_REASON];
	struct upstream_status counted;
} upstream[BROKER_SERVERS];

static struct http_client *identity_client;
static bool watch_begun;

static const char *const result_names[] = { "granted", "refused", "stale", "failed" };

const char *upstream_result_name(enum upstream_result result)
{
	return result_names[result];
}

/* -- is it there? ------------------------------------------------------------------------------------------------- */

static void is_up(int server)
{
	struct upstream *u = &upstream[server];

	if (u->up_known && !u->up)
		vmp_log(VMP_LOG_INFO, "licence-server-up", "server", loop.config->server[server].name, NULL);
	u->up_known = u->up = true;
	*u->error = '\0';
}

static void is_down(int server, const char *why)
{
	struct upstream *u = &upstream[server];

	if (!u->up_known || u->up)
		vmp_log(VMP_LOG_WARNING, "licence-server-down", "server", loop.config->server[server].name, "why", why,
			NULL);
	u->up_known = true;
	u->up = false;
	snprintf(u->error, sizeof(u->error), "%s", why);
}

/* -- lease requests ----------------------------------------------------------------------------------------------- */

#define FLIGHT_OF(member) ((struct flight *)(void *)((char *)(member)-offsetof(struct flight, job)))

/* Whose request it was, if that still waits. */
static struct parent *parent_of(const struct flight *f)
{
	struct parent *parent = broker_parent(loop.broker, f->product, f->server);

	return parent && parent->body && strcmp(parent->request_id, f->request_id) == 0 ? parent : NULL;
}

static int on_run(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg)
{
	struct flight *f = FLIGHT_OF(job);
	struct parent *parent = parent_of(f);

	if (!parent)
		return VMP_OK;
	if (f->result == UPSTREAM_FAILED) {
		broker_failed(loop.broker, parent, f->why, now_ms);
		return VMP_OK;
	}
	return f->has_answer ? broker_answered(loop.broker, parent, &f->answer, f->sent_ms, now_ms, msg)
			     : broker_refused(loop.broker, parent, f->why, now_ms, msg);
}

static void log_answer(const struct flight *f)
{
	const char *server = loop.config->server[f->server].name;

	if (f->result == UPSTREAM_STALE)
		vmp_log(VMP_LOG_WARNING, "licence-stale", "server", server, "product", f->product, "granted",
			vmp_log_num(f->answer.granted), NULL);
	else if (f->result == UPSTREAM_REFUSED)
		vmp_log(VMP_LOG_INFO, "licence-server-refused", "server", server, "product", f->product, "why",
			f->has_answer ? f->answer.reason : f->why, "available",
			vmp_log_num(f->has_answer ? f->answer.available : 0), NULL);
	else if (f->result == UPSTREAM_GRANTED)
		vmp_log(VMP_LOG_DEBUG, "licence-server-granted", "server", server, "product", f->product, "granted",
			vmp_log_num(f->answer.granted), NULL);
}

static void on_done(struct commit_job *job, int err, const char *why)
{
	struct flight *f = FLIGHT_OF(job);
	struct parent *parent = err == VMP_OK ? NULL : parent_of(f);

	(void)why;
	/* What could not be written down is asked for again, by its id. */
	if (parent)
		broker_unheard(loop.broker, parent, (int64_t)boot_clock_ms());
	if (err == VMP_OK)
		log_answer(f);
	server_answer_clear(&f->answer);
	free(f);
}

/* Only a body with a seq is an answer of the licence service; a proxy's or a broken server's is none. */
static void read_answer(struct flight *f, int status, const char *body, size_t len, const char *why)
{
	struct vmp_msg msg = { "" };
	bool refuses = status >= 400 && status < 500 && status != 409 && status != 429;

	f->result = UPSTREAM_FAILED;
	if (status == 0) {
		snprintf(f->why, sizeof(f->why), "%s", why);
	} else if (status == 200 || status == 409) {
		f->has_answer = server_answer_read(body, len, &f->answer, &msg) == VMP_OK;
		if (f->has_answer)
			f->result = f->answer.stale ? UPSTREAM_STALE
				    : status == 409 ? UPSTREAM_REFUSED
						    : UPSTREAM_GRANTED;
		else
			(void)snprintf(f->why, sizeof(f->why), "%.*s", SERVER_REASON - 1, msg.text);
	} else {
		server_error_read(body, len, status, f->why);
		f->result = refuses ? UPSTREAM_REFUSED : UPSTREAM_FAILED;
	}
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct flight *f = ctx;

	read_answer(f, status, body, len, why);
	upstream[f->server].counted.result[f->result]++;
	if (f->result == UPSTREAM_FAILED)
		is_down(f->server, f->why);
	else
		is_up(f->server);
	commit_add(&f->job);
}

static void send_one(struct parent *parent)
{
	struct flight *f = calloc(1, sizeof(*f));
	struct http_request request = { .method = "POST",
					.path = LEASE,
					.type = "application/json",
					.body = parent->body,
					.certificate = loop.config->certificate,
					.key = loop.config->key };
	struct vmp_msg msg = { "out of memory" };
	int err = VMP_ENOMEM;

	if (f) {
		f->job.run = on_run;
		f->job.done = on_done;
		f->server = parent->server;
		memcpy(f->product, parent->product->name, sizeof(f->product));
		memcpy(f->request_id, parent->request_id, sizeof(f->request_id));
		f->sent_ms = (int64_t)boot_clock_ms();
		err = http_client_send(upstream[f->server].client, &request, on_answer, f, &msg);
	}
	if (err == VMP_OK)
		return;
	free(f);
	is_down(parent->server, msg.text);
	broker_failed(loop.broker, parent, msg.text, (int64_t)boot_clock_ms());
	commit_soon(); /* so that it is planned when to try again */
}

void upstream_send(int64_t now_ms)
{
	struct parent *parent;

	while ((parent = broker_send(loop.broker, now_ms))) {
		if (identity_is_there()) {
			send_one(parent);
			continue;
		}
		broker_failed(loop.broker, parent, "the gateway has no certificate yet", now_ms);
		commit_soon();
	}
}

/* -- the watch ---------------------------------------------------------------------------------------------------- */

struct news {
	struct commit_job job;
	int server;
	struct server_watch watch;
};

#define NEWS_OF(member) ((struct news *)(void *)((char *)(member)-offsetof(struct news, job)))

static void poll_again(int server, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (!loop.stopping)
		evtimer_add(upstream[server].watch_timer, &tv);
}

static void poll_failed(int server, const char *why)
{
	struct upstream *u = &upstream[server];
	uint64_t pause = retry_pause(++u->watch_failures);

	u->counted.watch_failures++;
	vmp_log(VMP_LOG_DEBUG, "licence-watch-failed", "server", loop.config->server[server].name, "why", why, NULL);
	poll_again(server, pause < WATCH_MAX_MS ? (unsigned)pause : WATCH_MAX_MS);
}

static int on_news_run(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg)
{
	struct news *news = NEWS_OF(job);

	return broker_watched(loop.broker, news->server, &news->watch, now_ms, msg);
}

static void on_news_done(struct commit_job *job, int err, const char *why)
{
	struct news *news = NEWS_OF(job);
	struct upstream *u = &upstream[news->server];

	if (err == VMP_OK) {
		u->since = news->watch.version;
		u->watch_failures = 0;
		u->counted.watches++;
		poll_again(news->server, WATCH_AGAIN_MS);
	} else {
		poll_failed(news->server, why);
	}
	server_watch_clear(&news->watch);
	free(news);
}

static void on_watch(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct upstream *u = ctx;
	struct news *news = calloc(1, sizeof(*news));
	struct vmp_msg msg = { "out of memory" };
	int server = (int)(u - upstream), err = news ? VMP_OK : VMP_ENOMEM;

	u->watching = false;
	if (err == VMP_OK && status != 200)
		err = vmp_fail(&msg, VMP_EIO, "status %d %s", status, why);
	if (err == VMP_OK)
		err = server_watch_read(body, len, &news->watch, &msg);
	if (err == VMP_OK) {
		news->job.run = on_news_run;
		news->job.done = on_news_done;
		news->server = server;
		commit_add(&news->job);
		return;
	}
	if (news)
		server_watch_clear(&news->watch);
	free(news);
	poll_failed(server, msg.text);
}

static void on_watch_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct upstream *u = ctx;
	char path[96];
	struct http_request request = { .method = "GET",
					.path = path,
					.certificate = loop.config->certificate,
					.key = loop.config->key,
					.timeout = WATCH_MS };
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	if (u->watching || loop.stopping)
		return;
	snprintf(path, sizeof(path), "/v1/licences/watch?since=%lld&wait=%d", (long long)u->since, WATCH_WAIT_S);
	u->watching = true;
	if (http_client_send(u->client, &request, on_watch, u, &msg) == VMP_OK)
		return;
	u->watching = false;
	poll_failed((int)(u - upstream), msg.text);
}

void upstream_watch(void)
{
	int i;

	if (watch_begun)
		return;
	watch_begun = true;
	for (i = 0; i < loop.config->n_server; i++)
		poll_again(i, WATCH_AGAIN_MS);
}

/* -- the whole ---------------------------------------------------------------------------------------------------- */

static struct http_client_settings settings_of(const struct config *c, const char *url, const char *proxy)
{
	return (struct http_client_settings){ .url = url,
					      .ca = c->ca,
					      .agent = AGENT,
					      .timeout_ms = (unsigned)c->timeout * 1000,
					      .answer_max = SERVER_ANSWER_MAX,
					      .proxy = proxy,
					      .proxy_ca = c->ca,
					      .proxy_certificate = *proxy ? c->certificate : NULL,
					      .proxy_key = *proxy ? c->key : NULL };
}

int upstream_check(const struct config *c, struct vmp_msg *msg)
{
	int i, err = VMP_OK;

	for (i = 0; i < c->n_server && err == VMP_OK; i++) {
		struct http_client_settings s = settings_of(c, c->server[i].url, c->server[i].proxy);
		struct vmp_msg why;

		err = http_client_check(&s, &why);
		if (err != VMP_OK)
			vmp_fail(msg, err, "[server %s] %s", c->server[i].name, why.text);
	}
	return err;
}

int upstream_init(struct vmp_msg *msg)
{
	const struct config *c = loop.config;
	struct http_client_settings identity = settings_of(c, c->identity_url, "");
	int i, err = VMP_OK;

	for (i = 0; i < c->n_server && err == VMP_OK; i++) {
		struct http_client_settings s = settings_of(c, c->server[i].url, c->server[i].proxy);

		upstream[i].watch_timer = evtimer_new(loop.base, on_watch_timer, &upstream[i]);
		err = upstream[i].watch_timer ? http_client_new(loop.base, &s, &upstream[i].client, msg)
					      : vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	identity.timeout_ms = 10000; /* a signer may be slower than a licence server has to be */
	if (err == VMP_OK && *c->identity_url)
		err = http_client_new(loop.base, &identity, &identity_client, msg);
	return err;
}

void upstream_free(void)
{
	int i;

	for (i = 0; i < BROKER_SERVERS; i++) {
		if (upstream[i].watch_timer)
			event_free(upstream[i].watch_timer);
		http_client_free(upstream[i].client);
	}
	http_client_free(identity_client);
	identity_client = NULL;
	watch_begun = false;
	memset(upstream, 0, sizeof(upstream));
}

struct http_client *upstream_identity_client(void)
{
	return identity_client ? identity_client : upstream[loop.config->home].client;
}

void upstream_status(int server, struct upstream_status *out)
{
	const struct upstream *u = &upstream[server];

	*out = u->counted;
	out->up = !u->up_known || u->up;
	out->error = u->error;
}
