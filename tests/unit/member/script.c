#include "script.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAITING 16

struct script script;

static struct evhttp_request *held;
static struct {
	int status;
	char *body;
} waiting[WAITING];
static unsigned n_waiting;

double script_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void reply(struct evhttp_request *req, int status, const char *body)
{
	struct evbuffer *out = evbuffer_new();

	evbuffer_add(out, body, strlen(body));
	evhttp_send_reply(req, status, NULL, out);
	evbuffer_free(out);
}

static void closed(struct evhttp_connection *conn, void *ctx)
{
	(void)ctx;
	if (held && evhttp_request_get_connection(held) == conn)
		held = NULL;
}

static void see(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t room = sizeof(script.seen[0].body) - 1, len = evbuffer_get_length(in);
	unsigned n = script.n_seen++ % SCRIPT_SEEN;

	snprintf(script.seen[n].line, sizeof(script.seen[n].line), "%s %s",
		 evhttp_request_get_command(req) == EVHTTP_REQ_PUT ? "PUT" : "GET", evhttp_request_get_uri(req));
	len = len < room ? len : room;
	evbuffer_copyout(in, script.seen[n].body, len);
	script.seen[n].body[len] = '\0';
	script.seen[n].at = script_now();
	snprintf(script.seen[n].peer, sizeof(script.seen[n].peer), "%s", web_server_seen(stage.server)->peer);
}

static void answer(struct evhttp_request *req)
{
	unsigned i;

	see(req);
	if (strncmp(evhttp_request_get_uri(req), "/v1/coi-keys/", 13) == 0) {
		script.n_put++;
		reply(req, script.put_status ? script.put_status : 200, "{}");
		return;
	}
	if (n_waiting == 0) {
		/* Whoever sent the one before does not wait for it any more. */
		if (held) {
			evhttp_connection_set_closecb(evhttp_request_get_connection(held), NULL, NULL);
			reply(held, 403, "{\"error\": \"nobody waits for this\"}");
		}
		held = req;
		evhttp_connection_set_closecb(evhttp_request_get_connection(req), closed, NULL);
		return;
	}
	reply(req, waiting[0].status, waiting[0].body);
	free(waiting[0].body);
	for (i = 1; i < n_waiting; i++)
		waiting[i - 1] = waiting[i];
	n_waiting--;
}

void script_say(int status, const char *body)
{
	struct evhttp_request *req = held;

	if (req) {
		held = NULL;
		evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
		reply(req, status, body);
		return;
	}
	ck_assert_uint_lt(n_waiting, WAITING);
	waiting[n_waiting].status = status;
	waiting[n_waiting++].body = strdup(body);
}

void script_answers(void)
{
	web_server_answer(stage.server, answer);
}

void script_setup(void)
{
	stage_setup();
	memset(&script, 0, sizeof(script));
	stage_serve(&(struct web_tls){ .own = &stage.server_own, .trust = &stage.server_ca, .optional = true });
	script_answers();
}

void script_teardown(void)
{
	while (n_waiting > 0)
		free(waiting[--n_waiting].body);
	held = NULL;
	stage_teardown();
}

struct http_client *script_client(size_t answer_max)
{
	stage.settings.answer_max = answer_max;
	stage_client();
	return stage.client;
}

void script_down(void)
{
	held = NULL;
	web_server_free(stage.server);
	stage.server = NULL;
}

static void ring(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	*(bool *)ctx = true;
}

void script_until(bool (*is_so)(void))
{
	static const struct timeval longest = { .tv_sec = 15 };
	bool over = false;
	struct event *timer = evtimer_new(stage.base, ring, &over);

	evtimer_add(timer, &longest);
	while (!over && !is_so())
		event_base_loop(stage.base, EVLOOP_ONCE);
	event_free(timer);
	ck_assert_msg(!over, "it does not come: after %u requests, the last one %s", script.n_seen, script_last());
}

static unsigned awaited;

static bool has_seen(void)
{
	return script.n_seen >= awaited;
}

void script_await(unsigned n_seen)
{
	awaited = n_seen;
	script_until(has_seen);
}

void script_turn(unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_base_loopexit(stage.base, &tv);
	event_base_dispatch(stage.base);
}

unsigned script_count(const char *line)
{
	unsigned i, n = 0;

	ck_assert_uint_le(script.n_seen, SCRIPT_SEEN);
	for (i = 0; i < script.n_seen; i++)
		n += strncmp(script.seen[i].line, line, strlen(line)) == 0;
	return n;
}

const char *script_last(void)
{
	return script.n_seen ? script.seen[(script.n_seen - 1) % SCRIPT_SEEN].line : "";
}

TCase *script_add(Suite *s, const char *name, const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, script_setup, script_teardown);
	tcase_set_timeout(t, 40);
	for (; *tests; tests++)
		tcase_add_test(t, *tests);
	suite_add_tcase(s, t);
	return t;
}
