#include "order.h"
#include "control.h"
#include "guest.h"
#include "identity.h"
#include "jsontext.h"
#include "log.h"
#include "pki.h"
#include "uplink.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS	  5
#define TOKEN_MAX 1024

struct order {
	order_fn done;
	void *ctx;
	uid_t uid;
	json_t *request; /* borrowed */
};

static const char *member(const struct order *order, const char *name)
{
	return json_string_value(json_object_get(order->request, name));
}

/* -- answers ----------------------------------------------------------------------------------------------------- */

json_t *order_error(int err, const char *why)
{
	static const struct {
		int err;
		const char *code;
	} codes[] = { { VMP_EINVAL, "invalid" },
		      { VMP_ENOENT, "not-found" },
		      { VMP_EACCES, "refused" },
		      { VMP_EEXIST, "refused" } };
	const char *code = "failed";
	json_t *doc = json_object();
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].err == err)
			code = codes[i].code;
	}
	json_object_set_new(doc, "error", vmp_json_text(why));
	json_object_set_new(doc, "code", json_string(code));
	return doc;
}

static void fail(const struct order *order, int err, const char *why)
{
	order->done(order->ctx, order_error(err, why));
}

static void done(const struct order *order, int n)
{
	order->done(order->ctx, json_pack("{s:i}", "done", n));
}

static void no_such(const struct order *order, const char *what)
{
	struct vmp_msg msg;

	(void)vmp_fail(&msg, VMP_ENOENT, "%s: no such guest", what);
	fail(order, VMP_ENOENT, msg.text);
}

/* -- looking ----------------------------------------------------------------------------------------------------- */

static void list(const struct order *order)
{
	json_t *guests = json_array();
	struct guest *guest;

	for (guest = guest_first(); guest; guest = guest->next)
		json_array_append_new(guests, view_guest(guest));
	order->done(order->ctx, json_pack("{s:o}", "guests", guests));
}

static void show(const struct order *order)
{
	const char *what = member(order, "what");
	struct guest *guest = guest_find(what);

	if (guest)
		order->done(order->ctx, view_guest(guest));
	else
		no_such(order, what);
}

static void status(const struct order *order)
{
	order->done(order->ctx, view_status());
}

/* -- acting on interfaces ---------------------------------------------------------------------------------------- */

typedef void (*act_fn)(struct nic *nic);

static void reauth_nic(struct nic *nic)
{
	nic->held_by_operator = false;
	nic_start(nic, nic->guest ? NIC_AGAIN : NIC_HOST);
}

static void logoff_nic(struct nic *nic)
{
	nic->held_by_operator = true;
	nic_logoff(nic);
}

/* Those of a guest, or the one of them that was named by its address: mac 0: all. */
static int act_on_guest(struct guest *guest, uint64_t mac, act_fn act)
{
	int i, n = 0;

	for (i = 0; i < guest->info.n_nic; i++) {
		/* One that is still to come, or not to run yet, is none of ours to start. */
		if (!guest->nic[i] || guest->prepared || guest->incoming || (mac && guest->info.nic[i].mac != mac))
			continue;
		act(guest->nic[i]);
		n++;
	}
	return n;
}

static int act_on_all(act_fn act)
{
	struct guest *guest;
	int n = 0;

	for (guest = guest_first(); guest; guest = guest->next)
		n += act_on_guest(guest, 0, act);
	return n;
}

/* The host's own port goes by its uplink's address. */
static struct nic *host_nic(uint64_t mac)
{
	struct uplink *uplink;
	int i;

	for (i = 0; mac && (uplink = uplink_at(i)); i++) {
		if (uplink->host && uplink->host->mac == mac)
			return uplink->host;
	}
	return NULL;
}

static void act_on(const struct order *order, const char *event, act_fn act)
{
	const char *what = member(order, "what");
	bool all = strcmp(what, "all") == 0;
	struct guest *guest = all ? NULL : guest_find(what);
	struct nic *host = NULL;
	uint64_t mac = 0;
	int n = 0;

	if (vmp_mac_parse(what, strlen(what), &mac) != VMP_OK)
		mac = 0;
	if (!all && !guest && !(host = host_nic(mac))) {
		no_such(order, what);
		return;
	}
	vmp_log(VMP_LOG_INFO, event, "what", what, "uid", vmp_log_num(order->uid), NULL);
	if (host) {
		act(host);
		n = 1;
	} else {
		n = all ? act_on_all(act) : act_on_guest(guest, mac, act);
	}
	done(order, n);
}

static void reauth(const struct order *order)
{
	act_on(order, "reauth-asked", reauth_nic);
}

static void logoff(const struct order *order)
{
	act_on(order, "logoff-asked", logoff_nic);
}

/* -- the identity ------------------------------------------------------------------------------------------------ */

static void enrol(const struct order *order)
{
	char *token = (char *)(uintptr_t)member(order, "token");
	struct vmp_msg msg = { "" };
	int err = VMP_EINVAL;

	vmp_log(VMP_LOG_INFO, "enrol-asked", "uid", vmp_log_num(order->uid), NULL);
	if (!*token || strlen(token) > TOKEN_MAX)
		(void)vmp_fail(&msg, VMP_EINVAL, "token: expected 1 to %d octets", TOKEN_MAX);
	else
		err = identity_enrol(token, &msg);
	vmp_wipe(token, strlen(token));
	if (err == VMP_OK)
		done(order, 1);
	else
		fail(order, err, msg.text);
}

/* -- libvirt's hook ---------------------------------------------------------------------------------------------- */

struct call {
	struct order order;
	char object[GUEST_NAME];
};

static void hook_done(void *ctx, int err, const char *why)
{
	struct call *call = ctx;

	if (err == VMP_OK) {
		done(&call->order, 1);
	} else {
		vmp_log(VMP_LOG_WARNING, "hook-refused", "guest", call->object, "why", why, NULL);
		/* The request made sense, whatever policyd says to the guest. */
		fail(&call->order, VMP_EACCES, why);
	}
	free(call);
}

static void hook(const struct order *order)
{
	const char *xml = member(order, "xml");
	struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		fail(order, VMP_ENOMEM, "out of memory");
		return;
	}
	call->order = *order;
	snprintf(call->object, sizeof(call->object), "%s", member(order, "object"));
	hook_take(call->object, member(order, "operation"), member(order, "sub"), xml, strlen(xml), hook_done, call);
}

/* -- what there is ----------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	void (*run)(const struct order *order);
	const char *member[MEMBERS + 1]; /* beside "do": all, and all text */
} verbs[] = {
	{ "list", list, { NULL } },
	{ "show", show, { "what", NULL } },
	{ "reauth", reauth, { "what", NULL } },
	{ "logoff", logoff, { "what", NULL } },
	{ "status", status, { NULL } },
	{ "enrol", enrol, { "token", NULL } },
	{ "hook", hook, { "object", "operation", "sub", "extra", "xml", NULL } },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static int check(const struct order *order, const struct verb *verb, struct vmp_msg *msg)
{
	size_t n;

	for (n = 0; verb->member[n]; n++) {
		if (!member(order, verb->member[n]))
			return vmp_fail(msg, VMP_EINVAL, "%s: expected \"%s\", text", verb->name, verb->member[n]);
	}
	if (json_object_size(order->request) != n + 1)
		return vmp_fail(msg, VMP_EINVAL, "%s: a member that it does not take", verb->name);
	return VMP_OK;
}

void order_take(const char *line, size_t len, uid_t uid, order_fn done_fn, void *ctx)
{
	struct order order = { .done = done_fn, .ctx = ctx, .uid = uid };
	const struct verb *verb = NULL;
	struct vmp_msg msg;

	order.request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(order.request))
		verb = find_verb(member(&order, "do"));
	if (!json_is_object(order.request))
		fail(&order, VMP_EINVAL, "expected a line of JSON, an object");
	else if (!verb)
		fail(&order, VMP_EINVAL, "do: expected list, show, reauth, logoff, status, enrol or hook");
	else if (check(&order, verb, &msg) != VMP_OK)
		fail(&order, VMP_EINVAL, msg.text);
	else
		verb->run(&order);
	json_decref(order.request);
}
