#include "filter.h"

#include "boot_clock.h"
#include "filter_writer.h"
#include "log.h"
#include "member.h"
#include "nft_linux.h"
#include "nft_table_linux.h"
#include "pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define AGAIN_MS 1000 /* after nftables did not take something */
#define REST	 4    /* times as long as a look at all members took, others have the process */
#define WATCH_MS 1500 /* between looks whether the table is there */

static struct {
	struct filter_settings settings;
	struct event *timer, *watch;
	struct filter_set set;
	struct filter_cois cois;
	struct filter_elements elements; /* as they are in the table */
	struct filter_counts before;	 /* what earlier tables have counted */
	uint32_t last_mark;
	uint64_t looked, took; /* [ms] CLOCK_BOOTTIME: when members were put into the table last, and for how long */
	bool whole;	       /* the table has to be replaced as a whole */
	bool kept;	       /* it is that of a process before */
	bool withdrawn;	       /* policyd has no rules for us */
	unsigned long long refused;
	char why[VMP_MSG_MAX];	   /* what was refused last; "" */
	char trouble[VMP_MSG_MAX]; /* "" */
} filter;

/* -- what is there ------------------------------------------------------------------------------------------------ */

/* Which COIs have rules in a set. */
static int mark_rules(const struct filter_set *set, struct vmp_msg *msg)
{
	unsigned number;
	size_t i;

	for (i = 0; i < filter.cois.n; i++)
		filter.cois.of[i].rules = false;
	for (i = 0; i < set->n; i++) {
		number = filter_coi_number(&filter.cois, set->rule[i].coi);
		if (!number)
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
		filter.cois.of[number - 1].rules = true;
	}
	return VMP_OK;
}

/* @param numbers  of all that are shared. */
static int read_machine(const struct member_peer *peer, struct filter_machine *out, unsigned numbers[64])
{
	size_t n = 0;

	*out = (struct filter_machine){ .inner6 = peer->inner6, .inner4 = peer->inner4, .remote = peer->remote };
	for (n = 0; n < 64 && peer->cois[n]; n++) {
		numbers[n] = filter_coi_number(&filter.cois, peer->cois[n]);
		if (!numbers[n])
			return VMP_ENOMEM;
	}
	out->cois = numbers;
	out->n_coi = n;
	if (peer->coi && *peer->coi) {
		out->coi = filter_coi_number(&filter.cois, peer->coi);
		return out->coi ? VMP_OK : VMP_ENOMEM;
	}
	return VMP_OK;
}

/* A remote machine of a COI that had none: it needs sets of its own. */
static int find_remotes(void *ctx, const struct member_peer *peer)
{
	struct filter_machine machine;
	unsigned numbers[64];
	size_t i;
	int err = read_machine(peer, &machine, numbers);

	(void)ctx;
	for (i = 0; err == VMP_OK && machine.remote && i < machine.n_coi; i++) {
		struct filter_coi *coi = &filter.cois.of[machine.cois[i] - 1];

		filter.whole |= !coi->remotes;
		coi->remotes = true;
	}
	return err;
}

static int add_machine(void *ctx, const struct member_peer *peer)
{
	struct filter_elements *elements = ctx;
	struct filter_machine machine;
	unsigned numbers[64];
	int err = read_machine(peer, &machine, numbers);

	if (err == VMP_OK)
		filter_elements_machine(elements, &filter.cois, &machine);
	return err;
}

/* @param out  empty. */
static int look(struct filter_elements *out, struct vmp_msg *msg)
{
	struct prefix inner6 = { .family = 0 }, inner4 = { .family = 0 };
	int err = member_each(find_remotes, NULL);

	if (err == VMP_OK)
		err = member_each(add_machine, out);
	if (err != VMP_OK)
		return vmp_fail(msg, err, "out of memory");
	member_inner(&inner6, &inner4);
	filter_elements_own(out, &inner6);
	filter_elements_own(out, &inner4);
	return filter_elements_end(out, msg);
}

/* -- the table ---------------------------------------------------------------------------------------------------- */

/* What the table has counted so far goes with it.  Without a table nothing has. */
static void save_counts(struct filter_counts *now)
{
	struct vmp_msg msg;

	*now = (struct filter_counts){ .of = NULL };
	if (filter_counts_read(now, &msg) != VMP_OK)
		*now = (struct filter_counts){ .of = NULL };
}

static int replace(const struct filter_set *set, const struct filter_elements *elements, struct vmp_msg *msg)
{
	struct filter_counts counted;
	char *text = NULL;
	int err = filter_compile(&filter.settings.frame, set, &filter.cois, elements, &text, msg);

	if (err != VMP_OK)
		return err;
	save_counts(&counted);
	err = nft_run(text, msg);
	free(text);
	if (err == VMP_OK) {
		filter.whole = filter.kept = false;
		err = filter_counts_add(&filter.before, &counted, msg);
	}
	filter_counts_clear(&counted);
	return err;
}

static int change(const struct filter_elements *elements, struct vmp_msg *msg)
{
	char *text = NULL;
	int err = filter_elements_change(&filter.elements, elements, &text, msg);

	if (err == VMP_OK && text)
		err = nft_run(text, msg);
	free(text);
	return err;
}

/* Make the table what a set and the members say. */
static int put(const struct filter_set *set, bool whole, struct vmp_msg *msg)
{
	struct filter_elements elements = { .of = NULL };
	int err = mark_rules(set, msg);

	if (err == VMP_OK)
		err = look(&elements, msg);
	if (err == VMP_OK && !whole && !filter.whole) {
		err = change(&elements, msg);
		/* Somebody else may have been at it. */
		filter.whole |= err != VMP_OK;
	}
	if (whole || filter.whole)
		err = err == VMP_ENOMEM ? err : replace(set, &elements, msg);
	if (err != VMP_OK) {
		filter_elements_clear(&elements);
		return err;
	}
	filter_elements_clear(&filter.elements);
	filter.elements = elements;
	return VMP_OK;
}

/* -- rules -------------------------------------------------------------------------------------------------------- */

static bool is_same(const struct filter_set *a, const struct filter_set *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (a->rule[i].id != b->rule[i].id || a->rule[i].log != b->rule[i].log ||
		    !filter_rule_equal(&a->rule[i], &b->rule[i]))
			return false;
	}
	return true;
}

static void set_trouble(const char *why)
{
	bool differs = strcmp(filter.trouble, why) != 0;

	snprintf(filter.trouble, sizeof(filter.trouble), "%s", why);
	if (!differs)
		return;
	if (*why)
		vmp_log(VMP_LOG_ERROR, "filter-failed", "why", why, NULL);
	filter.settings.changed(filter.settings.ctx);
}

static void refused(const char *why)
{
	filter.refused++;
	if (strcmp(filter.why, why) != 0)
		vmp_log(VMP_LOG_WARNING, "filter-refused", "why", why, NULL);
	snprintf(filter.why, sizeof(filter.why), "%s", why);
}

/* The set is ours with VMP_OK. */
static int load(struct filter_set *set, struct vmp_msg *msg)
{
	int err;

	filter_marks(set, &filter.set, &filter.last_mark);
	err = put(set, true, msg);
	if (err != VMP_OK) {
		/* COIs as they were, for the members that come and go. */
		struct vmp_msg again;

		if (mark_rules(&filter.set, &again) != VMP_OK)
			set_trouble(again.text);
		return err;
	}
	filter_set_clear(&filter.set);
	filter.set = *set;
	*filter.why = '\0';
	set_trouble("");
	vmp_log(VMP_LOG_INFO, "filter-loaded", "version", vmp_log_num((long long)set->version), "rules",
		vmp_log_num((long long)set->n), NULL);
	return VMP_OK;
}

static bool let_nothing_pass(void)
{
	struct filter_set none = { .version = 0 };
	struct vmp_msg msg;

	if (load(&none, &msg) == VMP_OK)
		return true;
	set_trouble(msg.text);
	return false;
}

int filter_take(const char *text, size_t len, int64_t *version, struct vmp_msg *msg)
{
	struct filter_set set = { .version = 0 };
	int err = filter_read(text, len, &set, msg);

	if (err == VMP_OK && !filter.kept && !filter.whole && !filter.withdrawn && is_same(&set, &filter.set)) {
		filter.set.version = *version = set.version;
		*filter.why = '\0';
		filter_set_clear(&set);
		return VMP_OK;
	}
	*version = set.version;
	if (err == VMP_OK)
		err = load(&set, msg);
	if (err == VMP_OK) {
		filter.withdrawn = false;
		return VMP_OK;
	}
	/* What a process before has left does not follow members, and was to last until the first answer. */
	if (filter.kept)
		(void)let_nothing_pass();
	refused(msg->text);
	filter_set_clear(&set);
	return err;
}

void filter_withdraw(const char *why)
{
	if (filter.withdrawn)
		return;
	vmp_log(VMP_LOG_WARNING, "filter-withdrawn", "why", why, NULL);
	filter.withdrawn = let_nothing_pass();
}

/* -- members ------------------------------------------------------------------------------------------------------ */

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct vmp_msg msg = { "" };
	uint64_t began;
	int err;

	(void)fd;
	(void)what;
	(void)ctx;
	/* The table of a process before knows better who was there, until there are rules. */
	if (filter.kept)
		return;
	began = boot_clock_ms();
	err = put(&filter.set, false, &msg);
	filter.looked = boot_clock_ms();
	filter.took = filter.looked - began;
	set_trouble(err == VMP_OK ? "" : msg.text);
	if (err != VMP_OK)
		pause_begin(filter.timer, AGAIN_MS);
}

/* At once, but when there are so many that looking at all of them would be all that is done. */
void filter_members(void)
{
	uint64_t now = boot_clock_ms(), due = filter.looked + filter.took * REST;

	if (!evtimer_pending(filter.timer, NULL))
		pause_begin(filter.timer, due > now ? due - now : 0);
}

/* Without the table all that the kernel forwards would pass. */
static void on_watch(evutil_socket_t fd, short what, void *ctx)
{
	struct vmp_msg msg = { "" };

	if (filter.whole || nft_has(FILTER_NAME, &msg) != VMP_ENOENT)
		return;
	vmp_log(VMP_LOG_WARNING, "filter-gone", NULL);
	filter.whole = true;
	filter.kept = false;
	on_timer(fd, what, ctx);
}

/* -- the whole ---------------------------------------------------------------------------------------------------- */

int filter_init(struct event_base *base, const struct filter_settings *settings, struct vmp_msg *msg)
{
	const struct timeval often = { .tv_sec = WATCH_MS / 1000, .tv_usec = WATCH_MS % 1000 * 1000 };
	struct filter_counts counted = { .of = NULL };
	struct vmp_msg none;
	int err = VMP_OK;

	filter.settings = *settings;
	filter.timer = evtimer_new(base, on_timer, NULL);
	filter.watch = event_new(base, -1, EV_PERSIST, on_watch, NULL);
	if (!filter.timer || !filter.watch || event_add(filter.watch, &often) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	/* Marks of a process before mean nothing. */
	if (getrandom(&filter.last_mark, sizeof(filter.last_mark), 0) != sizeof(filter.last_mark))
		return vmp_fail(msg, VMP_EIO, "no random numbers");
	filter.kept = filter_counts_read(&counted, &none) == VMP_OK;
	filter_counts_clear(&counted);
	if (!filter.kept)
		err = put(&filter.set, true, msg);
	return err;
}

void filter_free(bool away)
{
	struct vmp_msg msg;

	if (away && nft_run(filter.settings.frame.transit ? FILTER_AWAY : FILTER_CLOSED, &msg) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "filter-stays", "why", msg.text, NULL);
	if (filter.timer)
		event_free(filter.timer);
	if (filter.watch)
		event_free(filter.watch);
	filter_set_clear(&filter.set);
	filter_cois_clear(&filter.cois);
	filter_elements_clear(&filter.elements);
	filter_counts_clear(&filter.before);
	memset(&filter, 0, sizeof(filter));
}

const char *filter_trouble(void)
{
	return *filter.trouble ? filter.trouble : NULL;
}

void filter_look(struct filter_view *out)
{
	struct vmp_msg msg;

	*out = (struct filter_view){ .set = &filter.set,
				     .refused = filter.refused,
				     .why = filter.why,
				     .kept = filter.kept,
				     .withdrawn = filter.withdrawn };
	save_counts(&out->counts);
	if (filter_counts_add(&out->counts, &filter.before, &msg) != VMP_OK)
		filter_counts_clear(&out->counts);
}
