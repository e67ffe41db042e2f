/* Events in no order at all: nothing leaks, nobody is forgotten, whatever comes after what. */
#include "stage.h"
#include "suites_hostd.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 10000

static unsigned state;
static bool carrier[STAGE_UPLINKS];

static int draw(int n)
{
	state = state * 1664525 + 1013904223;
	return (int)((state >> 8) % (unsigned)n);
}

static int anyone(void)
{
	return 1 + draw(STAGE_GUESTS);
}

/* Mostly as it should be; sometimes with another's address, on another bridge, or without a template. */
static struct guest_info anything(int n)
{
	struct guest_info info = stage_info(n);

	if (draw(4) == 0) {
		info.nic[1] = info.nic[0];
		info.nic[1].mac = stage_mac(anyone());
		info.n_nic = 2;
	}
	if (draw(4) == 0)
		strcpy(info.nic[0].bridge, "br1");
	if (draw(2) == 0)
		strcpy(info.template_name, "web");
	return info;
}

/* -- what may happen ---------------------------------------------------------------------------- */

static void someone_is_told(void)
{
	static const enum guest_arrival ways[] = { GUEST_STARTED,  GUEST_FOUND,	  GUEST_INCOMING,
						   GUEST_MIGRATED, GUEST_CHANGED, GUEST_STARTED };
	struct guest_info info = anything(anyone());

	guest_present(&info, ways[draw(6)]);
}

static void someone_goes(void)
{
	stage_gone(anyone(), draw(3) ? GUEST_STOPPED : GUEST_LEFT);
}

static void someone_is_prepared(void)
{
	struct guest_info info = anything(anyone());

	stage_prepare(&info);
}

static void someone_is_released(void)
{
	guest_release(stage_uuid(anyone()));
}

static void policyd_answers(void)
{
	static const int errs[] = { VMP_OK, VMP_OK, VMP_EIO, VMP_EACCES };
	int err = errs[draw(4)];

	if (stage_asked())
		stage_answer(err, err == VMP_OK ? "" : "why");
}

static void all_are_told(void)
{
	int n;

	guest_sync_begin(GUEST_LIBVIRT);
	for (n = 1; n <= STAGE_GUESTS; n++) {
		if (draw(4))
			stage_tell(n, GUEST_FOUND);
	}
	guest_sync_end(GUEST_LIBVIRT);
}

static void the_carrier_changes(void)
{
	int i = draw(STAGE_UPLINKS);

	carrier[i] = !carrier[i];
	stage_carrier(i, carrier[i]);
}

static void the_bridge_changes(void)
{
	static const char *const bridges[] = { NULL, "br0", "br1" };

	stage_enslave(draw(STAGE_UPLINKS), bridges[draw(3)]);
}

static void an_uplink_comes_or_goes(void)
{
	if (draw(2))
		stage_create(draw(STAGE_UPLINKS));
	else
		stage_delete(draw(STAGE_UPLINKS));
}

static void the_parent_sleeps_or_wakes(void)
{
	stage_parent_away(draw(2));
}

static void the_switch_changes_its_mind(void)
{
	struct stage_switch *s = &stage_switch[draw(STAGE_UPLINKS)];

	s->deaf = draw(4) == 0;
	s->reject = draw(4) == 0;
	s->group = draw(4) == 0;
}

static void the_switch_asks(void)
{
	stage_switch_asks(draw(STAGE_UPLINKS), anyone());
}

static void the_operator_speaks(void)
{
	struct nic *nic = stage_nic(anyone());

	if (!nic || nic->guest->prepared || nic->guest->incoming)
		return;
	nic->held_by_operator = draw(2);
	if (nic->held_by_operator)
		nic_logoff(nic);
	else
		nic_start(nic, NIC_STARTED);
}

static void the_session_is_taken_down(void)
{
	struct nic *nic = stage_nic(anyone());

	if (nic && nic->stage == NIC_RUNNING)
		nic_disconnected(nic);
}

static void the_certificate_changes(void)
{
	stage_credentials(draw(4));
}

static void hostd_is_restarted(void)
{
	if (draw(20) == 0)
		stage_restart();
}

static void (*const events[])(void) = {
	someone_is_told,
	someone_is_told,
	someone_is_told,
	someone_goes,
	someone_is_prepared,
	someone_is_released,
	policyd_answers,
	policyd_answers,
	all_are_told,
	the_carrier_changes,
	the_bridge_changes,
	an_uplink_comes_or_goes,
	the_switch_changes_its_mind,
	the_switch_asks,
	the_operator_speaks,
	the_session_is_taken_down,
	the_certificate_changes,
	hostd_is_restarted,
	the_parent_sleeps_or_wakes,
};

/* -- and at last -------------------------------------------------------------------------------- */

static void calm_down(void)
{
	int i;

	stage_parent_away(false);
	for (i = 0; i < STAGE_UPLINKS; i++) {
		memset(&stage_switch[i].deaf, 0, 3 * sizeof(bool));
		carrier[i] = true;
		stage_create(i);
		stage_carrier(i, true);
		stage_enslave(i, i ? "br1" : "br0");
	}
	stage_credentials(true);
	while (stage_asked())
		stage_answer(VMP_OK, "");
	stage_pass(1300000); /* held_max, and who is silent is asked once more */
	while (stage_asked())
		stage_answer(VMP_OK, "");
	stage_pass(10000);
}

static void all_is_well(const struct guest *g)
{
	const struct nic *nic;
	int i;

	for (i = 0; i < g->info.n_nic; i++) {
		nic = g->nic[i];
		if (!nic) {
			ck_assert(g->refused);
			ck_assert_str_ne(g->last_error, "");
		} else if (g->prepared || g->incoming) {
			ck_assert_int_eq(nic->stage, NIC_IDLE);
		} else {
			ck_assert_str_eq(nic_word(nic), nic->held_by_operator ? "logged-off" : "authorized");
		}
	}
}

/* Whom the switch has let in is a guest's, or the host's. */
static void nobody_else_is_in(void)
{
	struct uplink *u;
	int i, n;

	for (i = 0; (u = uplink_at(i)); i++) {
		for (n = 0; n <= STAGE_GUESTS; n++) {
			const struct nic *nic = uplink_nic(u, stage_mac(n));

			ck_assert_int_eq(stage_switch[i].authorized[n], nic && nic_is_authorized(nic));
		}
	}
}

START_TEST(anything_may_happen)
{
	const struct guest *g;
	int i;

	state = (unsigned)_i + 1;
	carrier[0] = carrier[1] = true;
	stage_config()->uplink[1].host = _i % 2;
	strcpy(stage_config()->uplink[0].replies, _i % 3 ? "auto" : "unicast");
	strcpy(stage_config()->authenticate, _i % 4 ? "resume" : "start");
	strcpy(stage_config()->on_stop, _i % 5 ? "logoff" : "leave");
	stage_restart();
	for (i = 0; i < STEPS; i++) {
		events[draw((int)(sizeof(events) / sizeof(events[0])))]();
		stage_check();
		if (draw(2))
			stage_pass((uint64_t)draw(draw(10) ? 200 : 20000));
		stage_check();
	}
	calm_down();
	for (g = guest_first(); g; g = g->next)
		all_is_well(g);
	nobody_else_is_in();
	stage_check();
	strcpy(stage_config()->on_stop, "leave");
}
END_TEST

Suite *check_storm(void)
{
	Suite *s = suite_create("storm");
	TCase *t = tcase_create("storm");

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, anything_may_happen, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
