#include "policyd_stub.h"
#include "clock_stub.h"
#include "folder.h"
#include "guests_stub.h"
#include "identity.h"
#include "loop.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define OPEN 64

struct asked {
	char text[2048], uuid[37];
	http_client_fn done;
	void *ctx;
};

static struct asked asked[OPEN];
static unsigned n_asked;
static bool there, unable;
static void (*tell)(void);

void policyd_stub_begin(void)
{
	stub_reset();
	stub_quiet(true);
	loop.base = event_base_new();
	snprintf(stub_config()->policyd_url, VMP_INI_TEXT, "https://policyd.example");
	snprintf(stub_config()->state_directory, VMP_INI_TEXT, "%s", folder_path(NULL));
	stub_config()->policyd_timeout = 10;
	n_asked = 0;
	stub_now_us = 1000000000;
	there = true;
	unable = false;
}

void policyd_stub_end(void)
{
	event_base_free(loop.base);
	loop.base = NULL;
	tell = NULL;
	stub_quiet(false);
}

/* libevent sees that a timer of 0 is over when its clock, of milliseconds, has moved on. */
void policyd_stub_turn(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		const struct timeval one = { .tv_usec = 2000 };

		event_base_loopexit(loop.base, &one);
		event_base_dispatch(loop.base);
	}
}

void policyd_stub_later(uint64_t ms)
{
	stub_now_us += ms * 1000;
	/* Whatever was to wake it at that time. */
	if (tell)
		tell();
	policyd_stub_turn();
}

void policyd_stub_identity(bool is_there)
{
	there = is_there;
	if (there && tell)
		tell();
	policyd_stub_turn();
}

void policyd_stub_unable(bool is_unable)
{
	unable = is_unable;
}

bool identity_is_there(void)
{
	return there;
}

void identity_changed(void (*fn)(void))
{
	tell = fn;
}

int http_client_send(struct http_client *client, const struct http_request *request, http_client_fn done, void *ctx,
		     struct vmp_msg *msg)
{
	struct asked *a = &asked[n_asked];

	(void)client;
	if (unable)
		return vmp_fail(msg, VMP_EIO, "host.key: cannot open");
	ck_assert_uint_lt(n_asked, OPEN);
	snprintf(a->text, sizeof(a->text), "%s %s %s", request->method, request->path, request->body);
	ck_assert_int_eq(strncmp(request->path, "/v1/vms/", 8), 0);
	snprintf(a->uuid, sizeof(a->uuid), "%.36s", request->path + 8);
	ck_assert_str_eq(request->type, "application/json");
	a->done = done;
	a->ctx = ctx;
	n_asked++;
	return VMP_OK;
}

unsigned policyd_stub_open(void)
{
	return n_asked;
}

const char *policyd_stub_asked(void)
{
	return n_asked ? asked[0].text : "";
}

void policyd_stub_answer(int status, const char *body)
{
	struct asked a = asked[0];
	char bundle[128];

	ck_assert_uint_gt(n_asked, 0);
	n_asked--;
	memmove(asked, asked + 1, n_asked * sizeof(asked[0]));
	snprintf(bundle, sizeof(bundle), "{\"uuid\":\"%s\",\"token\":\"t\"}", a.uuid);
	if (!body)
		body = status == 200 ? bundle : "{\"error\":\"because\"}";
	a.done(a.ctx, status, body, strlen(body), status ? "" : "no route");
	policyd_stub_turn();
}
