#include "site.h"
#include "../folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VMS 4096

struct site site;

static struct {
	int64_t seen;
	int requests;
} vm_state[VMS];

const char *site_uuid(int vm)
{
	static char text[4][VMP_UUID_TEXT];
	static unsigned turn;
	char *out = text[turn++ % 4];

	snprintf(out, VMP_UUID_TEXT, "00000000-0000-4000-8000-%012x", (unsigned)vm & 0xffffff);
	return out;
}

/* -- servers ------------------------------------------------------------------------------------------------------ */

void site_own(int server, int64_t owned)
{
	struct site_server *s = &site.server[server];

	s->pool.owned = owned;
	ck_assert_int_eq(vmp_lease_pool_set(s->book, &s->pool), VMP_OK);
}

static bool is_running(const struct site_server *s, const char *uuid)
{
	int i;

	for (i = 0; i < s->n_not_running; i++) {
		if (strcmp(s->not_running[i], uuid) == 0)
			return false;
	}
	return true;
}

static json_t *refusals(const struct site_server *s, const json_t *request)
{
	json_t *out = json_array(), *one;
	size_t i;

	json_array_foreach(json_object_get(request, "started"), i, one) {
		if (!is_running(s, json_string_value(one)))
			json_array_append_new(out, json_pack("{s:s, s:s}", "id", json_string_value(one), "reason",
							     "the guest is not running"));
	}
	return out;
}

static int64_t number(const json_t *request, const char *name)
{
	const json_t *value = json_object_get(request, name);

	ck_assert_msg(json_is_integer(value), "%s: expected in each request", name);
	return json_integer_value(value);
}

/* The licence server's answer, as JSON, since that is what gatewayd reads. */
static char *serve(struct site_server *s, const char *body)
{
	static const int64_t pools[] = { 1 };
	json_t *request = json_loads(body, 0, NULL), *answer;
	struct vmp_lease_request r = {
		.holder = GATEWAY, .product = PRODUCT, .pools = pools, .n_pools = 1, .trusted = true
	};
	struct vmp_lease_answer a;
	char *text;

	ck_assert_ptr_nonnull(request);
	r.id = json_string_value(json_object_get(request, "request_id"));
	r.seen = number(request, "seen");
	r.has = number(request, "has");
	r.in_use = number(request, "in_use");
	r.wants = number(request, "wants");
	r.least = number(request, "least");
	ck_assert_msg(vmp_lease_ask(s->book, &r, site.now, &a, &site.msg) == VMP_OK, "%s", site.msg.text);
	answer = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:o}", "product", PRODUCT, "request_id", r.id,
			   "seq", (json_int_t)a.seq, "granted", (json_int_t)a.granted, "duration_s",
			   (json_int_t)(a.life_ms / 1000), "grace_s", (json_int_t)(a.grace_ms / 1000), "available",
			   (json_int_t)a.available, "reason", vmp_lease_reason_text(a.reason), "short", (int)a.is_short,
			   "refused", refusals(s, request));
	if (a.stale || s->stale)
		json_object_set_new(answer, "stale", json_true());
	if (s->licensed >= 0)
		json_object_set_new(answer, "licensed", json_integer(s->licensed));
	text = json_dumps(answer, 0);
	json_decref(answer);
	json_decref(request);
	return text;
}

/* -- transactions ------------------------------------------------------------------------------------------------- */

static void begin(void)
{
	ck_assert_msg(vmp_store_begin(site.store, &site.msg) == VMP_OK, "%s", site.msg.text);
}

static void settle(void)
{
	struct waiter *waiter;
	bool over;

	while ((waiter = broker_ready(site.broker, site.now, &over))) {
		struct site_wait *w = (struct site_wait *)(void *)((char *)waiter - offsetof(struct site_wait, waiter));

		broker_leave(waiter);
		ck_assert_int_eq(broker_ask(site.broker, &w->ask, site.now, NULL, &w->answer, &site.msg), VMP_OK);
		w->answered = true;
	}
}

/* What VMs have, servers count as this gateway's. */
static void check_cover(void)
{
	int64_t sum = 0, one;
	int i;

	for (i = 0; i < site.settings.n_server; i++) {
		ck_assert_int_eq(vmp_lease_tick(site.server[i].book, site.now, NULL, NULL, &site.msg), VMP_OK);
		if (vmp_lease_pool_usage(site.server[i].book, 1, &one) == VMP_OK)
			sum += one;
	}
	ck_assert_msg(site.loose || site_occupied() <= sum, "VMs have %lld, and servers know of %lld",
		      (long long)site_occupied(), (long long)sum);
}

static void end(void)
{
	check_cover();
	settle();
	ck_assert_msg(broker_plan(site.broker, site.now, &site.next, &site.msg) == VMP_OK, "%s", site.msg.text);
	ck_assert_msg(vmp_store_commit(site.store, &site.msg) == VMP_OK, "%s", site.msg.text);
}

static void deliver(struct parent *parent, int64_t sent_ms)
{
	struct site_server *s = &site.server[parent->server];
	struct server_answer answer = { .doc = NULL };
	bool fails = s->full;
	char *text;

	s->requests++;
	snprintf(s->last, sizeof(s->last), "%s", parent->body);
	text = s->silent || s->status ? NULL : serve(s, parent->body);
	if (text && !s->lossy)
		ck_assert_msg(server_answer_read(text, strlen(text), &answer, &site.msg) == VMP_OK, "%s",
			      site.msg.text);
	begin();
	if (s->status)
		ck_assert_int_eq(broker_refused(site.broker, parent, "no", site.now, &site.msg), VMP_OK);
	else if (!answer.doc)
		broker_failed(site.broker, parent, "no answer", site.now);
	else
		ck_assert_int_eq(broker_answered(site.broker, parent, &answer, sent_ms, site.now, &site.msg), VMP_OK);
	s->lossy = s->full = false;
	if (fails) {
		vmp_store_rollback(site.store);
		ck_assert_int_eq(broker_reload(site.broker, site.now, &site.msg), VMP_OK);
	} else {
		end();
	}
	server_answer_clear(&answer);
	free(text);
}

void site_pump(void)
{
	struct parent *parent;
	int guard = 0;

	begin();
	end();
	while ((parent = broker_send(site.broker, site.now))) {
		ck_assert_int_lt(guard++, 100); /* it asks and asks */
		deliver(parent, site.now);
	}
}

void site_pass(int64_t ms)
{
	int64_t until = site.now + ms;

	while (site.now < until) {
		site.now = site.next > site.now && site.next < until ? site.next
			   : until - site.now > 1000		     ? site.now + 1000
								     : until;
		site_pump();
	}
}

/* -- VMs ---------------------------------------------------------------------------------------------------------- */

static void fill(struct broker_ask *ask, int vm, int64_t wants)
{
	memset(ask, 0, sizeof(*ask));
	snprintf(ask->uuid, sizeof(ask->uuid), "%s", site_uuid(vm));
	snprintf(ask->product, sizeof(ask->product), PRODUCT);
	snprintf(ask->id, sizeof(ask->id), "00000000-0000-4000-9000-%06x%06x", (unsigned)vm & 0xffffff,
		 (unsigned)++vm_state[vm].requests & 0xffffff);
	ask->seen = vm_state[vm].seen;
	ask->wants = wants;
	ask->has = wants;
}

struct broker_answer site_ask(int vm, int64_t wants)
{
	struct site_wait w;

	memset(&w, 0, sizeof(w));
	fill(&w.ask, vm, wants);
	begin();
	ck_assert_msg(broker_ask(site.broker, &w.ask, site.now, NULL, &w.answer, &site.msg) == VMP_OK, "%s",
		      site.msg.text);
	end();
	vm_state[vm].seen = w.answer.lease.seq;
	return w.answer;
}

void site_wait(struct site_wait *w, int vm, int64_t wait_ms)
{
	memset(w, 0, sizeof(*w));
	fill(&w->ask, vm, 1);
	w->waiter.until_ms = site.now + wait_ms;
	begin();
	ck_assert_int_eq(broker_ask(site.broker, &w->ask, site.now, &w->waiter, &w->answer, &site.msg), VMP_OK);
	w->answered = !w->waiter.product;
	end();
	site_pump();
	if (w->answered)
		vm_state[vm].seen = w->answer.lease.seq;
}

bool site_gets(int vm)
{
	struct site_wait w;

	site_wait(&w, vm, 3000);
	if (w.answered && w.answer.lease.stale)
		site_wait(&w, vm, 3000);
	if (!w.answered)
		site_pass(3000);
	ck_assert(w.answered);
	vm_state[vm].seen = w.answer.lease.seq;
	return w.answer.lease.granted == 1;
}

void site_live(int64_t ms, int first, int last)
{
	int64_t until = site.now + ms;
	int vm;

	while (site.now < until) {
		site_pass(8000);
		for (vm = first; vm <= last; vm++)
			ck_assert_int_eq(site_ask(vm, 1).lease.granted, 1);
	}
}

void site_forget(int vm)
{
	vm_state[vm].seen = 0;
}

int64_t site_held(int server)
{
	struct parent *parent = broker_parent(site.broker, PRODUCT, server);

	return parent ? parent->held : 0;
}

int64_t site_occupied(void)
{
	struct parent *parent = broker_parent(site.broker, PRODUCT, 0);

	return parent ? broker_occupied(site.broker, parent->product) : 0;
}

struct broker_counters site_counters(void)
{
	return *broker_counters(site.broker);
}

/* -- fixtures ----------------------------------------------------------------------------------------------------- */

static void start(void)
{
	site.clock.boot_ms = site.now;
	ck_assert_msg(broker_new(&site.settings, site.store, &site.clock, &site.broker, &site.msg) == VMP_OK, "%s",
		      site.msg.text);
}

void site_restart(void)
{
	broker_free(site.broker);
	start();
	site_pump();
}

void site_reboot(void)
{
	site.clock.boot_id[0]++;
	site.now += 1000;
	broker_free(site.broker);
	start();
}

static void make_server(int i)
{
	struct site_server *s = &site.server[i];

	s->book = vmp_lease_book_new(NULL);
	s->pool = (struct vmp_lease_pool){ .id = 1,
					   .product = PRODUCT,
					   .owned = 10,
					   .life_ms = 60000,
					   .grace_ms = 10000,
					   .until_ms = INT64_MAX,
					   .open = true };
	s->licensed = -1;
	ck_assert_int_eq(vmp_lease_pool_set(s->book, &s->pool), VMP_OK);
	snprintf(site.settings.server[i], VMP_BROKER_SERVER, "s%d", i);
}

void site_setup(int n)
{
	int i;

	folder_setup();
	memset(&site, 0, sizeof(site));
	memset(vm_state, 0, sizeof(vm_state));
	site.now = 1000000;
	snprintf(site.clock.boot_id, sizeof(site.clock.boot_id), "a0000000-0000-4000-8000-000000000000");
	site.settings = (struct broker_settings){ .n_server = n,
						  .life_ms = 20000,
						  .refresh_ms = 10000,
						  .timeout_ms = 3000,
						  .report_ms = 500,
						  .margin = 10,
						  .spare = 1,
						  .slack = 25 };
	for (i = 0; i < n; i++)
		make_server(i);
	ck_assert_int_eq(vmp_store_open(&site.store, folder_path("gateway.db"), VMP_STORE_BROKER, VMP_STORE_CREATE, 100,
					&site.msg),
			 VMP_OK);
	ck_assert_int_eq(vmp_store_migrate(site.store, NULL, NULL, &site.msg), VMP_OK);
	start();
}

void site_setup_one(void)
{
	site_setup(1);
}

void site_setup_two(void)
{
	site_setup(2);
}

void site_teardown(void)
{
	int i;

	broker_free(site.broker);
	vmp_store_close(site.store);
	for (i = 0; i < SITE_SERVERS; i++)
		vmp_lease_book_free(site.server[i].book);
	folder_teardown();
}
