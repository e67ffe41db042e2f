#include "guest.h"
#include "guest_report.h"
#include "log.h"
#include "loop.h"
#include "serve.h"
#include "uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INCOMING_SPARED_MS 10000 /* [ms] */

static struct guest *guests;

struct guest *guest_first(void)
{
	return guests;
}

unsigned guest_count(void)
{
	const struct guest *g;
	unsigned n = 0;

	for (g = guests; g; g = g->next)
		n++;
	return n;
}

static struct guest *by_uuid(const char *uuid)
{
	struct guest *g = guests;

	while (g && strcasecmp(g->info.uuid, uuid) != 0)
		g = g->next;
	return g;
}

static bool has_mac(const struct guest *g, uint64_t mac)
{
	int i;

	for (i = 0; i < g->info.n_nic; i++) {
		if (g->info.nic[i].mac == mac)
			return true;
	}
	return false;
}

struct guest *guest_find(const char *what)
{
	struct guest *g = by_uuid(what);
	uint64_t mac;

	if (g)
		return g;
	if (vmp_mac_parse(what, strlen(what), &mac) == VMP_OK) {
		for (g = guests; g && !has_mac(g, mac); g = g->next)
			;
		if (g)
			return g;
	}
	for (g = guests; g && strcmp(g->info.name, what) != 0; g = g->next)
		;
	return g;
}

/* -- its interfaces --------------------------------------------------------------------------------- */
/* The interface that it has for this address on this uplink already, taken out of the old ones. */
static struct nic *take_old(struct nic *old[GUEST_NICS], const struct uplink *uplink, uint64_t mac)
{
	struct nic *nic;
	int i;

	for (i = 0; i < GUEST_NICS; i++) {
		nic = old[i];
		if (nic && nic->mac == mac && nic->uplink == uplink) {
			old[i] = NULL;
			return nic;
		}
	}
	return NULL;
}

/* Where it authenticates, if it is to. */
static struct uplink *uplink_of(const struct guest_info *info, const struct guest_nic *nic)
{
	return serve_is_served(info, nic) ? uplink_for(nic->bridge, nic->direct) : NULL;
}

static bool is_held(const struct guest *g, uint64_t mac)
{
	int i;

	for (i = 0; i < g->info.n_nic; i++) {
		if (g->info.nic[i].mac == mac)
			return g->nic[i] ? g->nic[i]->held_by_operator : g->held[i];
	}
	return false;
}

/* What an operator has logged off stays so, on whichever uplink. */
static void copy_held(struct guest *g, const struct guest_info *info)
{
	bool held[GUEST_NICS] = { false };
	int i;

	for (i = 0; i < info->n_nic; i++)
		held[i] = is_held(g, info->nic[i].mac);
	memcpy(g->held, held, sizeof(held));
}

void guest_explain(struct guest *g)
{
	struct vmp_msg msg = { "" };
	char mac[VMP_MAC_TEXT];
	int i;

	for (i = 0; i < g->info.n_nic && !*msg.text; i++) {
		struct uplink *uplink = g->nic[i] ? NULL : uplink_of(&g->info, &g->info.nic[i]);
		const struct nic *other = uplink ? uplink_nic(uplink, g->info.nic[i].mac) : NULL;

		if (!other)
			continue;
		vmp_mac_format(other->mac, mac);
		(void)vmp_fail(&msg, VMP_EEXIST, "%s is %s's already", mac,
			       other->guest ? other->guest->info.name : "the host");
	}
	memcpy(g->last_error, msg.text, sizeof(g->last_error));
}

/* What libvirt says is sure; behind a port anybody may send with any address. */
static void take_away(const struct guest *g, struct nic *nic)
{
	struct guest *other = nic ? nic->guest : NULL;
	int i;

	if (!other || g->info.source != GUEST_LIBVIRT || other->info.source != GUEST_NETLINK)
		return;
	for (i = 0; i < GUEST_NICS; i++) {
		if (other->nic[i] == nic)
			other->nic[i] = NULL;
	}
	other->refused = true;
	vmp_log(VMP_LOG_ERROR, "address-taken", "guest", other->info.name, "why", "libvirt has a guest with it", NULL);
	nic_free(nic, false);
}

/* @return all of them have their addresses. */
static bool make_nics(struct guest *g)
{
	bool all = true;
	int i;

	for (i = 0; i < g->info.n_nic; i++) {
		struct uplink *uplink = g->nic[i] ? NULL : uplink_of(&g->info, &g->info.nic[i]);

		if (!uplink)
			continue;
		take_away(g, uplink_nic(uplink, g->info.nic[i].mac));
		g->nic[i] = nic_new(uplink, g, g->info.nic[i].mac);
		if (g->nic[i])
			g->nic[i]->held_by_operator = g->held[i];
		all = all && g->nic[i];
	}
	return all;
}

/* Bring its interfaces to what info says; g->info is info afterwards.  What stays, stays as it is. */
static void take_info(struct guest *g, const struct guest_info *info)
{
	struct nic *old[GUEST_NICS];
	bool was_refused = g->refused;
	int i;

	copy_held(g, info);
	memcpy(old, g->nic, sizeof(old));
	memset(g->nic, 0, sizeof(g->nic));
	if (info != &g->info)
		g->info = *info;
	if (!*g->info.template_name)
		snprintf(g->info.template_name, sizeof(g->info.template_name), "%.*s", GUEST_TEMPLATE - 1,
			 loop.config->template_name);
	for (i = 0; i < g->info.n_nic; i++) {
		struct uplink *uplink = uplink_of(&g->info, &g->info.nic[i]);

		if (uplink)
			g->nic[i] = take_old(old, uplink, g->info.nic[i].mac);
	}
	/* Before the new ones are made: one may have gone from one bridge to another. */
	for (i = 0; i < GUEST_NICS; i++)
		nic_free(old[i], true);
	g->refused = !make_nics(g);
	if (g->refused || was_refused)
		guest_explain(g);
	if (g->refused && !was_refused)
		vmp_log(VMP_LOG_ERROR, "address-taken", "guest", g->info.name, "why", g->last_error, NULL);
}

bool guest_is_served(const struct guest *g)
{
	int i;

	for (i = 0; i < g->info.n_nic; i++) {
		if (serve_is_served(&g->info, &g->info.nic[i]))
			return true;
	}
	return false;
}

static bool may_authenticate(const struct guest *g)
{
	return !g->prepared && !g->waiting && (!g->incoming || strcmp(loop.config->authenticate, "start") == 0);
}

/* Those that are idle; the others are at it already. */
void guest_go(struct guest *g, enum nic_urgency urgency)
{
	int i;

	for (i = 0; i < g->info.n_nic && may_authenticate(g); i++) {
		if (g->nic[i] && g->nic[i]->stage == NIC_IDLE)
			nic_start(g->nic[i], urgency);
	}
}

/* Also those that are at it, or were let in. */
static void start_over(struct guest *g, enum nic_urgency urgency)
{
	int i;

	for (i = 0; i < g->info.n_nic && may_authenticate(g); i++) {
		if (g->nic[i])
			nic_start(g->nic[i], urgency);
	}
}

/* Addresses may have become free that others were refused. */
static void grant(void)
{
	struct guest *g;

	for (g = guests; g; g = g->next) {
		if (!g->refused)
			continue;
		take_info(g, &g->info);
		guest_go(g, NIC_STARTED);
	}
}

void guests_rewire(void)
{
	struct guest *g;

	for (g = guests; g; g = g->next) {
		take_info(g, &g->info);
		guest_go(g, NIC_AGAIN);
	}
	grant();
}

/* -- coming and going ------------------------------------------------------------------------------- */
static void depart(struct guest *g, enum guest_departure how);

static void timer_came(evutil_socket_t fd, short what, void *ctx)
{
	struct guest *g = ctx;
	/* Clocks differ by a little. */
	bool long_ago = loop_now() - g->since + 1000 >= GUEST_PREPARED_S * 1000ULL;

	(void)fd;
	(void)what;
	if (g->prepared && long_ago)
		guest_release(g->info.uuid);
	else if (g->incoming && long_ago)
		depart(g, GUEST_LEFT);
	else
		guest_report_timer(g);
}

static struct guest *make_guest(const struct guest_info *info)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->info = *info;
	g->info.n_nic = 0;
	g->since = loop_now();
	g->timer = event_new(loop.base, -1, 0, timer_came, g);
	if (!g->timer) {
		free(g);
		return NULL;
	}
	g->next = guests;
	guests = g;
	return g;
}

static void unlink_guest(struct guest *g)
{
	struct guest **at = &guests;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
}

static void free_guest(struct guest *g, bool logoff)
{
	int i;

	guest_report_forget(g);
	unlink_guest(g);
	for (i = 0; i < GUEST_NICS; i++)
		nic_free(g->nic[i], logoff);
	event_free(g->timer);
	free(g);
}

/* The same UUID from two sources is one too many: the first keeps it. */
static struct guest *place(const struct guest_info *info)
{
	struct guest *g = by_uuid(info->uuid);

	if (g && g->info.source != info->source) {
		vmp_log(VMP_LOG_ERROR, "uuid-taken", "guest", info->name, "uuid", info->uuid, "by", g->info.name, NULL);
		return NULL;
	}
	if (!g)
		g = make_guest(info);
	if (!g) {
		vmp_log(VMP_LOG_ERROR, "guest-lost", "guest", info->name, "why", "out of memory", NULL);
		return NULL;
	}
	take_info(g, info);
	g->seen = true;
	return g;
}

/* It runs here.  The timer may be of another try to report it, which goes on. */
static void is_here(struct guest *g)
{
	if ((g->prepared || g->incoming) && g->tries == 0)
		event_del(g->timer);
	if (g->incoming)
		g->since = loop_now();
	g->prepared = g->incoming = g->announced = false;
}

/* By its own start or ours. */
static void runs(struct guest *g, bool found)
{
	is_here(g);
	guest_report_run(g, found);
	guest_go(g, found ? NIC_AGAIN : NIC_STARTED);
}

/* From elsewhere, or back from a migration that was given up: whatever a switch knew of it, it is there no more. */
static void arrived(struct guest *g)
{
	is_here(g);
	g->waiting = false;
	start_over(g, NIC_MIGRATED);
	guest_report_run(g, true);
}

/* The first that tells of it is libvirt's hook, and perhaps the last: the migration may be refused then. */
static void comes(struct guest *g, bool known)
{
	static const struct timeval patience = { GUEST_PREPARED_S, 0 };

	if (!known) {
		g->incoming = true;
		event_add(g->timer, &patience);
	} else if (g->incoming) {
		event_del(g->timer);
	} else {
		g->announced = true;
	}
	guest_go(g, NIC_MIGRATED);
}

/* Told again by a source that looks around, or with other interfaces. */
static void stays(struct guest *g, bool known)
{
	g->announced = false;
	if (!known || g->prepared || g->incoming)
		runs(g, true);
	guest_report_run(g, true);
	guest_go(g, NIC_STARTED);
}

void guest_present(const struct guest_info *info, enum guest_arrival how)
{
	static const char *const words[] = { [GUEST_STARTED] = "guest-started",
					     [GUEST_FOUND] = "guest-found",
					     [GUEST_INCOMING] = "guest-incoming",
					     [GUEST_MIGRATED] = "guest-arrived",
					     [GUEST_CHANGED] = "guest-changed" };
	bool known = by_uuid(info->uuid) != NULL;
	struct guest *g = place(info);

	if (!g)
		return;
	/* Told again by a source that looks around, it is no news. */
	if (!known || how != GUEST_FOUND)
		vmp_log(VMP_LOG_INFO, words[how], "guest", info->name, "uuid", info->uuid, NULL);
	if (how == GUEST_STARTED)
		runs(g, false);
	else if (how == GUEST_MIGRATED)
		arrived(g);
	else if (how == GUEST_INCOMING)
		comes(g, known);
	else if (how == GUEST_FOUND || !known || !(g->prepared || g->incoming))
		stays(g, known);
	grant();
}

static void depart(struct guest *g, enum guest_departure how)
{
	vmp_log(VMP_LOG_INFO, how == GUEST_LEFT ? "guest-left" : "guest-stopped", "guest", g->info.name, "uuid",
		g->info.uuid, NULL);
	guest_report_end(g, how);
	free_guest(g, true);
	grant();
}

void guest_gone(enum guest_source source, const char *uuid, enum guest_departure how)
{
	struct guest *g = by_uuid(uuid);

	if (!g || g->info.source != source)
		return;
	/* The hook was quicker than the event of its last end: libvirt sends none for a start that fails. */
	if (g->prepared || g->prepared_fn) {
		vmp_log(VMP_LOG_DEBUG, "end-outdated", "guest", g->info.name, "uuid", uuid, NULL);
		return;
	}
	/* One that a migration was to bring, and did not, still runs where it was. */
	depart(g, g->incoming ? GUEST_LEFT : how);
}

void guest_release(const char *uuid)
{
	struct guest *g = by_uuid(uuid);

	if (g && (g->prepared || g->prepared_fn))
		depart(g, GUEST_STOPPED);
}

void guest_prepare(const struct guest_info *info, guest_prepared_fn done, void *ctx)
{
	struct guest *g = by_uuid(info->uuid);
	bool incoming = g && (g->incoming || g->announced);

	/* What we took for running has stopped unseen, or left. */
	if (g && !g->incoming && !g->prepared && g->info.source == info->source)
		depart(g, incoming ? GUEST_LEFT : GUEST_STOPPED);
	g = place(info);
	if (!g) {
		done(ctx, VMP_EEXIST, "another guest of this host has this UUID");
		return;
	}
	g->incoming = incoming;
	g->prepared = !incoming;
	g->announced = false;
	g->since = loop_now();
	event_del(g->timer);
	guest_report_prepare(g, done, ctx);
	grant();
}

void guest_sync_begin(enum guest_source source)
{
	struct guest *g;

	for (g = guests; g; g = g->next) {
		if (g->info.source == source)
			g->seen = false;
	}
}

/* One that the hook told of just now may have been too late for the list. */
static bool has_gone(const struct guest *g)
{
	return !g->seen && !g->prepared && !g->prepared_fn &&
	       !(g->incoming && loop_now() - g->since < INCOMING_SPARED_MS);
}

static bool is_running(const char *uuid)
{
	if (by_uuid(uuid))
		return true;
	guest_report_sweep(uuid);
	return false;
}

void guest_sync_end(enum guest_source source)
{
	struct guest *g, *next;

	for (g = guests; g; g = next) {
		next = g->next;
		if (g->info.source == source && has_gone(g))
			depart(g, g->incoming ? GUEST_LEFT : GUEST_STOPPED);
	}
	report_reconcile(source, is_running);
}

void guests_init(void)
{
	guests = NULL;
}

void guests_free(void)
{
	while (guests)
		free_guest(guests, loop.logoff);
}
