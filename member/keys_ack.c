#include "keys_ack.h"
#include "answer.h"
#include "pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct one {
	char coi[65];
	uint32_t epoch, told; /* the highest; the last one that policyd knows, 0: none */
};

struct keys_ack {
	const struct keys_settings *settings;
	struct event *timer;
	struct one *all;
	size_t n;
	char coi[65]; /* on its way; "": none */
	uint32_t epoch;
	unsigned failures; /* in a row */
};

static struct one *find(struct one *all, size_t n, const char *coi)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(all[i].coi, coi) == 0)
			return &all[i];
	}
	return NULL;
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct keys_ack *a = ctx;
	struct one *one = find(a->all, a->n, a->coi);
	struct vmp_msg msg;
	int err = answer_read(status, body, len, why, &msg);

	*a->coi = '\0';
	/* A COI or an epoch that policyd does not know any more need not be told of. */
	if (err == VMP_OK || err == VMP_ENOENT) {
		if (one)
			one->told = a->epoch;
		a->failures = 0;
		pause_begin(a->timer, 0);
	} else {
		pause_begin(a->timer, pause_after(err, ++a->failures));
	}
}

static void send_one(struct keys_ack *a, const struct one *one)
{
	char path[96], body[32];
	struct http_request request = { .method = "PUT",
					.path = path,
					.type = "application/json",
					.body = body,
					.certificate = a->settings->certificate,
					.key = a->settings->key };

	/* A COI's name needs no escapes: keys_read() has looked. */
	snprintf(path, sizeof(path), "/v1/coi-keys/%s", one->coi);
	snprintf(body, sizeof(body), "{\"epoch\": %u}", one->epoch);
	memcpy(a->coi, one->coi, sizeof(a->coi));
	a->epoch = one->epoch;
	if (http_client_send(a->settings->client, &request, on_answer, a, NULL) == VMP_OK)
		return;
	*a->coi = '\0';
	pause_begin(a->timer, pause_after(VMP_EIO, ++a->failures));
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct keys_ack *a = ctx;
	size_t i;

	(void)fd;
	(void)what;
	for (i = 0; i < a->n && !*a->coi; i++) {
		if (a->all[i].epoch != a->all[i].told) {
			send_one(a, &a->all[i]);
			return;
		}
	}
}

static void forget(struct keys_ack *a)
{
	http_client_cancel(a->settings->client, on_answer, a);
	evtimer_del(a->timer);
	*a->coi = '\0';
	a->failures = 0;
	free(a->all);
	a->all = NULL;
	a->n = 0;
}

void keys_ack_set(struct keys_ack *a, const struct keys_one *keys, size_t n)
{
	struct one *all = n ? calloc(n, sizeof(*all)) : NULL, *one;
	size_t n_all = 0, i;

	/* Without memory it is told at the next change. */
	if (!all) {
		forget(a);
		return;
	}
	for (i = 0; i < n; i++) {
		const struct one *before = find(a->all, a->n, keys[i].coi);

		one = find(all, n_all, keys[i].coi);
		if (!one) {
			one = &all[n_all++];
			memcpy(one->coi, keys[i].coi, sizeof(one->coi));
			one->told = before ? before->told : 0;
		}
		if (keys[i].epoch > one->epoch)
			one->epoch = keys[i].epoch;
	}
	free(a->all);
	a->all = all;
	a->n = n_all;
	if (!*a->coi)
		pause_begin(a->timer, 0);
}

int keys_ack_new(struct event_base *base, const struct keys_settings *settings, struct keys_ack **out,
		 struct vmp_msg *msg)
{
	struct keys_ack *a = calloc(1, sizeof(*a));

	if (a)
		a->timer = evtimer_new(base, on_timer, a);
	if (!a || !a->timer) {
		free(a);
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	a->settings = settings;
	*out = a;
	return VMP_OK;
}

void keys_ack_free(struct keys_ack *a)
{
	if (!a)
		return;
	forget(a);
	event_free(a->timer);
	free(a);
}
