#include "stage.h"
#include "ask.h"
#include "boot_clock.h"
#include "identity.h"
#include "member.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct stage stage;

void stage_setup(void)
{
	memset(&stage, 0, sizeof(stage));
}

uint64_t boot_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + stage.later_ms;
}

int http_client_send(struct http_client *client, const struct http_request *request, http_client_fn done, void *ctx,
		     struct vmp_msg *msg)
{
	(void)client;
	if (stage.unsendable)
		return vmp_fail(msg, VMP_ENOENT, "no certificate");
	ck_assert_ptr_null(stage.done); /* one at a time */
	ck_assert_str_eq(request->path, "/v1/licences/lease");
	snprintf(stage.body, sizeof(stage.body), "%s", request->body);
	stage.requests++;
	stage.done = done;
	stage.done_ctx = ctx;
	return VMP_OK;
}

const char *http_client_url(const struct http_client *client)
{
	(void)client;
	return "https://192.0.2.9:8444";
}

void stage_answer(int status, const char *body)
{
	http_client_fn done = stage.done;

	ck_assert_ptr_nonnull(done);
	stage.done = NULL;
	done(stage.done_ctx, status, body, strlen(body), status ? "" : "silence");
}

bool identity_is_there(void)
{
	return stage.certificate;
}

void member_go(void)
{
	stage.goes++;
}

void member_halt(const char *why)
{
	stage.halts++;
	snprintf(stage.halted, sizeof(stage.halted), "%s", why);
}

const char *member_trouble(void)
{
	return stage.trouble;
}

int ask(const char *path_of_socket, const char *path, json_t **out, struct vmp_msg *msg)
{
	(void)path_of_socket;
	(void)path;
	if (!stage.status)
		return vmp_fail(msg, VMP_EIO, "nobody there");
	*out = json_incref(stage.status);
	return VMP_OK;
}
