#include "http_talk.h"
#include "../tls_world.h"
#include "tls_files.h"
#include "tls_pair.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000

struct http_talk http_talk;
static struct tls_files *files;

/* -- the server's program ----------------------------------------------------------------------------------------- */

static void plain(struct http_exchange *x)
{
	struct http_talk_request *req = (struct http_talk_request *)(void *)x;
	size_t i;

	for (i = 0; i < sizeof(req->room); i++)
		ck_assert_int_eq(req->room[i], 0);
	memset(req->room, 'x', sizeof(req->room));
	http_talk.handled++;
	http_exchange_send(x, 200, "text/plain", "hello", 5);
}

static void echo(struct http_exchange *x)
{
	char text[768];

	ck_assert_uint_eq(strlen(x->body), x->body_len);
	snprintf(text, sizeof(text), "<%s|%.400s|%s>", x->segment, x->body, x->peer ? x->peer->uuid : "nobody");
	http_exchange_send(x, 200, "text/plain", text, strlen(text));
}

static void failing(struct http_exchange *x)
{
	http_exchange_fail_err(x, -(int)strtol(x->segment, NULL, 10), "");
}

static void json(struct http_exchange *x)
{
	const char *name = http_exchange_header(x, "X-Name");

	http_exchange_add_header(x, "X-Answer", "42");
	http_exchange_json(x, 409, name ? json_pack("{s:s}", "name", name) : NULL);
}

static void gone(struct http_exchange *x)
{
	http_talk.gone++;
	http_talk.held = NULL;
	http_exchange_fail(x, 503, "gone");
}

static void later(struct http_exchange *x)
{
	x->long_poll = true;
	http_talk.held = x;
	http_exchange_watch(x, gone);
}

static const struct http_route routes[] = {
	{ EVHTTP_REQ_GET, "/plain", plain, false },    { EVHTTP_REQ_POST, "/echo/*", echo, false },
	{ EVHTTP_REQ_POST, "/a/*/b", echo, false },    { EVHTTP_REQ_GET, "/fail/*", failing, false },
	{ EVHTTP_REQ_GET, "/json", json, false },      { EVHTTP_REQ_GET, "/later", later, false },
	{ EVHTTP_REQ_POST, "/members/*", echo, true }, { 0, NULL, NULL, false },
};
static const struct http_route more_routes[] = {
	{ EVHTTP_REQ_PUT, "/plain", plain, false },
	{ 0, NULL, NULL, false },
};
static const struct http_route *const tables[] = { routes, more_routes, NULL };

/* -- the server --------------------------------------------------------------------------------------------------- */

void http_talk_setup(void)
{
	const struct tls_files_settings settings = { .role = TLS_SERVER,
						     .certificate = tls_world.certificate,
						     .key = tls_world.key,
						     .ca = tls_world.ca_file,
						     .http = true };

	tls_world_setup();
	tls_pair_host_is_ours();
	files = tls_files_new(&settings, NULL);
	ck_assert(files && tls_files_load(files, NULL) == VMP_OK);
	memset(&http_talk, 0, sizeof(http_talk));
	http_talk.settings = (struct http_server_settings){ .request_size = sizeof(struct http_talk_request),
							    .max_connections = 100,
							    .request_timeout = 20,
							    .idle_timeout = 20,
							    .headers_max = 2048,
							    .body_max = 4096 };
	http_talk.base = event_base_new();
	ck_assert_ptr_nonnull(http_talk.base);
}

/* A listening socket on a port that the kernel chooses. */
static int listening(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0 &&
		  getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

void http_talk_listen(void)
{
	const struct http_site with = { .routes = tables, .new_ssl = tls_files_new_ssl, .ssl_ctx = files },
			       without = { .routes = tables };
	int fd = listening(&http_talk.port);

	http_talk.server = http_server_new(http_talk.base, &http_talk.settings, NULL);
	ck_assert_ptr_nonnull(http_talk.server);
	ck_assert_int_eq(http_server_listen(http_talk.server, &with, &fd, 1, NULL), VMP_OK);
	fd = listening(&http_talk.plain_port);
	ck_assert_int_eq(http_server_listen(http_talk.server, &without, &fd, 1, NULL), VMP_OK);
}

void http_talk_teardown(void)
{
	http_server_free(http_talk.server);
	event_base_free(http_talk.base);
	tls_files_free(files);
	tls_world_teardown();
}

void http_talk_until(bool (*so)(void *ctx), void *ctx)
{
	int64_t began = http_now_ms();

	while (!so(ctx)) {
		const struct timeval most = { .tv_usec = 20 * 1000 };

		ck_assert_msg(http_now_ms() - began < PATIENCE_MS, "it does not come about");
		event_base_loopexit(http_talk.base, &most);
		event_base_loop(http_talk.base, EVLOOP_ONCE);
	}
}

static bool is_past(void *ctx)
{
	return http_now_ms() >= *(const int64_t *)ctx;
}

void http_talk_pass(int64_t ms)
{
	int64_t end = http_now_ms() + ms;

	http_talk_until(is_past, &end);
}

/* -- clients ------------------------------------------------------------------------------------------------------ */

struct http_client_raw {
	struct bufferevent *bev;
	struct evbuffer *in; /* all that came, and a NUL at its end when it is looked at */
	bool ended;
	const char *wanted;
};

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct http_client_raw *raw = ctx;

	bufferevent_read_buffer(bev, raw->in);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct http_client_raw *raw = ctx;

	(void)bev;
	raw->ended = raw->ended || (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR));
}

static struct http_client_raw *begin(struct bufferevent *bev, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	struct http_client_raw *raw = calloc(1, sizeof(*raw));

	ck_assert(raw && bev);
	raw->bev = bev;
	raw->in = evbuffer_new();
	bufferevent_setcb(bev, on_read, NULL, on_event, raw);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	ck_assert_int_eq(bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof(to)), 0);
	return raw;
}

struct http_client_raw *raw_tls(const struct maker *own)
{
	SSL *ssl = tls_pair_client(own);

	return begin(bufferevent_openssl_socket_new(http_talk.base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
						    BEV_OPT_CLOSE_ON_FREE),
		     http_talk.port);
}

struct http_client_raw *raw_tcp(uint16_t port)
{
	return begin(bufferevent_socket_new(http_talk.base, -1, BEV_OPT_CLOSE_ON_FREE), port);
}

void raw_free(struct http_client_raw *raw)
{
	bufferevent_free(raw->bev);
	evbuffer_free(raw->in);
	free(raw);
}

void raw_say(struct http_client_raw *raw, const char *text)
{
	ck_assert_int_eq(bufferevent_write(raw->bev, text, strlen(text)), 0);
}

static bool has_come(void *ctx)
{
	const struct http_client_raw *raw = ctx;

	return evbuffer_search(raw->in, raw->wanted, strlen(raw->wanted), NULL).pos >= 0;
}

void raw_wait(struct http_client_raw *raw, const char *text)
{
	raw->wanted = text;
	http_talk_until(has_come, raw);
}

static bool has_ended(void *ctx)
{
	return raw_ended(ctx);
}

void raw_wait_end(struct http_client_raw *raw)
{
	http_talk_until(has_ended, raw);
}

bool raw_ended(const struct http_client_raw *raw)
{
	return raw->ended;
}

const char *raw_text(struct http_client_raw *raw)
{
	evbuffer_add(raw->in, "", 1);
	return (const char *)evbuffer_pullup(raw->in, -1);
}

void raw_forget(struct http_client_raw *raw)
{
	evbuffer_drain(raw->in, evbuffer_get_length(raw->in));
}

const char *raw_ask(struct http_client_raw *raw, const char *request, const char *text)
{
	raw_forget(raw);
	raw_say(raw, request);
	raw_wait(raw, text);
	return raw_text(raw);
}
