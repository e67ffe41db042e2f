#include "rlm_vmprov.h"

#include <pthread.h>

/*
 *	More clones than that at a time are an attack on the table itself: the oldest bar gives way.
 */
#define MAX_BARS 256

typedef struct bar {
	uint64_t mac;
	time_t until;           /* 0: free */
	char nas[VMP_ADDR_TEXT];	/* "": everywhere */
	int64_t port;
	char port_id[VMP_RAW_MAX];
} bar_t;

struct bars {
	time_t until;           /* of the one that holds longest: look-ups ask it without the lock */
	pthread_mutex_t mutex;
	bar_t bar[MAX_BARS];
};

static char const *const actions[] = { "none", "newer", "older", "both" };

int clone_init(rlm_vmprov_t *inst, CONF_SECTION *conf)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(inst->session.clone_action_name, actions[i]) != 0) continue;
		inst->session.clone_action = (clone_action_t) i;
		inst->bars = talloc_zero(NULL, bars_t);
		if (!inst->bars) return -1;
		pthread_mutex_init(&inst->bars->mutex, NULL);
		return 0;
	}
	cf_log_err_cs(conf, "clone_action: expected none, newer, older or both, got \"%s\"", inst->session.clone_action_name);
	return -1;
}

void clone_free(bars_t *bars)
{
	if (!bars) return;
	pthread_mutex_destroy(&bars->mutex);
	talloc_free(bars);
}

/*
 *	Of the same place, else the first to end.
 */
static bar_t *slot(bars_t *bars, uint64_t mac, char const *nas, int64_t port, char const *port_id)
{
	bar_t *bar, *found = &bars->bar[0];

	for (bar = bars->bar; bar < bars->bar + MAX_BARS; bar++) {
		if ((bar->mac == mac) && (bar->port == port) && (strcmp(bar->nas, nas) == 0) &&
		    (strcmp(bar->port_id, port_id) == 0)) return bar;
		if (bar->until < found->until) found = bar;
	}
	return found;
}

static void add(bars_t *bars, uint64_t mac, char const *nas, int64_t port, char const *port_id, time_t until)
{
	bar_t *to = slot(bars, mac, nas, port, port_id);

	to->mac = mac;
	to->until = until;
	strlcpy(to->nas, nas, sizeof(to->nas));
	to->port = port;
	strlcpy(to->port_id, port_id, sizeof(to->port_id));
	if (until > bars->until) __atomic_store_n(&bars->until, until, __ATOMIC_RELEASE);
}

static bool bar_holds(bar_t const *bar, uint64_t mac, struct vmp_place const *here, time_t now)
{
	struct vmp_place there = { .nas = bar->nas, .nas_port = bar->port, .nas_port_id = bar->port_id };

	if (bar->mac != mac || bar->until <= now) return false;
	return !*bar->nas || vmp_place_same(here, &there);
}

/*
 *	Look-ups of times without alarms take no lock.
 */
static bool place_barred(bars_t *bars, uint64_t mac, struct vmp_place const *here, time_t now)
{
	bool barred = false;
	size_t i;

	if (__atomic_load_n(&bars->until, __ATOMIC_ACQUIRE) <= now) return false;

	pthread_mutex_lock(&bars->mutex);
	for (i = 0; (i < MAX_BARS) && !barred; i++) barred = bar_holds(&bars->bar[i], mac, here, now);
	pthread_mutex_unlock(&bars->mutex);
	return barred;
}

bool clone_evicts(rlm_vmprov_t const *inst, uint64_t mac, struct vmp_report_effect const *effect, time_t now)
{
	struct vmp_place older = { .nas = effect->older_nas, .nas_port = effect->older_port,
				   .nas_port_id = effect->older_port_id };

	if (inst->session.clone_action == CLONE_BOTH) return true;
	return (inst->session.clone_action == CLONE_NEWER) && !place_barred(inst->bars, mac, &older, now);
}

void clone_bar(rlm_vmprov_t *inst, uint64_t mac, struct vmp_report_effect const *effect, time_t now)
{
	bars_t *bars = inst->bars;
	time_t until = now + (time_t) inst->session.clone_hold;
	bool evicts = clone_evicts(inst, mac, effect, now);

	pthread_mutex_lock(&bars->mutex);
	switch (inst->session.clone_action) {
	case CLONE_NONE:
		break;

	case CLONE_NEWER:
		if (evicts) add(bars, mac, effect->newer_nas, effect->newer_port, effect->newer_port_id, until);
		break;

	case CLONE_OLDER:
		add(bars, mac, effect->older_nas, effect->older_port, effect->older_port_id, until);
		break;

	case CLONE_BOTH:
		add(bars, mac, "", -1, "", until);
		break;
	}
	pthread_mutex_unlock(&bars->mutex);
}

bool clone_barred(rlm_vmprov_t const *inst, uint64_t mac, struct vmp_request const *req)
{
	struct vmp_place here = { .nas_port = req->port, .nas_port_id = req->port_id ? req->port_id : "" };
	char nas[VMP_ADDR_TEXT];

	vmp_addr_format(&req->nas, nas);
	here.nas = nas;
	return inst->bars && place_barred(inst->bars, mac, &here, req->now);
}
