/* Whatever the order in which reports come, and however often. */
#include "network.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

/* A guest goes from A to B; what of A comes last is late. */
enum { AUTH_A, START_A, INTERIM_A, AUTH_B, START_B, STOP_A, LATE_A, EVENTS };

static const struct {
	enum vmp_report_type type;
	char place;
	int64_t at;
} events[EVENTS] = {
	[AUTH_A] = { VMP_REPORT_AUTHORIZED, 'A', 100 }, [START_A] = { VMP_REPORT_START, 'A', 101 },
	[INTERIM_A] = { VMP_REPORT_INTERIM, 'A', 110 }, [AUTH_B] = { VMP_REPORT_AUTHORIZED, 'B', 120 },
	[START_B] = { VMP_REPORT_START, 'B', 121 },	[STOP_A] = { VMP_REPORT_STOP, 'A', 130 },
	[LATE_A] = { VMP_REPORT_INTERIM, 'A', 124 },
};

/* What NASes send of what ties accounting together. */
static const struct {
	bool class, acct;
} ties[] = { { true, true }, { true, false }, { false, true }, { false, false } };

static void happen(int guest, int event, bool class, bool acct)
{
	char place = events[event].place;
	uint64_t token = (uint64_t)guest * 2 + (place == 'B');

	if (events[event].type == VMP_REPORT_AUTHORIZED)
		network_auth(guest, place, token, events[event].at);
	else
		network_acct(events[event].type, guest, place, class ? token : 0, events[event].at,
			     !acct	    ? ""
			     : place == 'A' ? "S1"
					    : "S2",
			     (uint64_t)events[event].at);
}

/* The next permutation in order; false after the last. */
static bool permute(int *list, int n)
{
	int i = n - 2, j = n - 1, swap, end;

	while (i >= 0 && list[i] > list[i + 1])
		i--;
	if (i < 0)
		return false;
	while (list[j] < list[i])
		j--;
	swap = list[i], list[i] = list[j], list[j] = swap;
	for (i++, end = n - 1; i < end; i++, end--)
		swap = list[i], list[i] = list[end], list[end] = swap;
	return true;
}

static int place_in(const int *list, int event)
{
	int at = 0;

	while (list[at] != event)
		at++;
	return at;
}

START_TEST(every_order_of_a_move)
{
	int order[EVENTS] = { 0, 1, 2, 3, 4, 5, 6 }, guest = 1, i;

	ck_assert_int_eq(vmp_store_begin(network, &network_msg), VMP_OK);
	do {
		for (i = 0; i < EVENTS; i++)
			happen(guest, order[i], ties[_i].class, ties[_i].acct);
		/* It is in B, if it was authorized there last; else the Stop may have come to A's own session. */
		if (place_in(order, AUTH_A) < place_in(order, AUTH_B))
			ck_assert_int_eq(*network_sketch(guest), 'B');
		else if (place_in(order, AUTH_A) < place_in(order, STOP_A) && ties[_i].class)
			ck_assert_int_eq(*network_sketch(guest), '-');
		guest++;
	} while (permute(order, EVENTS));
	ck_assert_int_eq(guest, 5041);
	ck_assert_int_eq(vmp_store_commit(network, &network_msg), VMP_OK);
}
END_TEST

START_TEST(every_beginning_comes_twice)
{
	int guest = 1, n, i, round;
	char once[512];

	ck_assert_int_eq(vmp_store_begin(network, &network_msg), VMP_OK);
	for (n = 1; n <= EVENTS; n++, guest++) {
		long long changes = 0, again = 0;

		for (round = 0; round < 2; round++) {
			for (i = 0; i < n; i++)
				happen(guest, i, ties[_i].class, ties[_i].acct);
			ck_assert_int_eq(vmp_store_commit(network, &network_msg), VMP_OK);
			again = scratch_number("SELECT count(*) * 1000 + (SELECT count(*) FROM notice) FROM past");
			if (round)
				ck_assert_str_eq(network_sketch(guest), once);
			else
				changes = again;
			strncpy(once, network_sketch(guest), sizeof(once) - 1);
			ck_assert_int_eq(vmp_store_begin(network, &network_msg), VMP_OK);
		}
		ck_assert_int_eq(changes, again);
	}
	vmp_store_rollback(network);
}
END_TEST

START_TEST(two_places_flap)
{
	uint64_t token;

	ck_assert_int_eq(vmp_store_begin(network, &network_msg), VMP_OK);
	for (token = 1; token <= 200; token++) {
		char here = token % 2 ? 'A' : 'B', there = token % 2 ? 'B' : 'A';
		int64_t at = 1000 + (int64_t)token;

		network_auth(1, here, token, at);
		ck_assert_int_eq(network_effect.moved, token > 1);
		if (token > 1)
			network_acct(token % 3 ? VMP_REPORT_STOP : VMP_REPORT_INTERIM, 1, there, token - 1, at, "S",
				     token);
		ck_assert_int_eq(*network_sketch(1), here);
	}
	ck_assert_int_eq(vmp_store_commit(network, &network_msg), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), 1);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE state = 'moved'"), 199);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice WHERE kind = 'moved'"), 199);
	/* 200 seconds, two places, one alarm of each in 60 seconds at the most. */
	ck_assert_int_ge(scratch_number("SELECT count(*) FROM notice WHERE kind = 'clone'"), 2);
	ck_assert_int_le(scratch_number("SELECT count(*) FROM notice WHERE kind = 'clone'"), 8);
}
END_TEST

/* -- whatever comes ---------------------------------------------------------------------------------------------- */

#define GUESTS	5
#define REPORTS 5000

/* What must hold after each report: nothing is authorized in two places, and where it is, the last authorization says.
 */
struct model {
	char place[GUESTS]; /* of the last authorization; 0: none */
	uint64_t token[GUESTS];
};

static void check_model(const struct model *model, int guest)
{
	const char *sketch = network_sketch(guest);
	struct vmp_session s;

	if (*sketch == '-' || vmp_session_get(network, network_mac(guest), &s, &network_msg) != VMP_OK)
		return;
	/* Accounting alone moves nobody. */
	if (s.token && s.token == model->token[guest])
		ck_assert_int_eq(*sketch, model->place[guest]);
	ck_assert_int_eq(s.past_id, 0);
	vmp_session_done(network);
}

static void random_report(struct model *model, int64_t at)
{
	static const char spots[] = "AaBbCc";
	static uint64_t token = 100;
	enum vmp_report_type type = (enum vmp_report_type)(random() % 6);
	int guest = (int)(random() % GUESTS);
	bool known = model->place[guest] && random() % 3;
	char place = known && type != VMP_REPORT_AUTHORIZED ? model->place[guest] : spots[random() % 6];
	uint64_t class = known ? model->token[guest] - (uint64_t)(random() % 2) : 0;

	char acct[] = { place, (char)('0' + random() % 3), '\0' };

	if (random() % 4 == 0)
		acct[0] = '\0';
	if (type == VMP_REPORT_AUTHORIZED) {
		network_auth(guest, place, ++token, at);
		model->place[guest] = place;
		model->token[guest] = token;
		ck_assert_int_eq(*network_sketch(guest), place);
	} else if (type == VMP_REPORT_RESTART) {
		if (random() % 10 == 0)
			network_restart((char)(place & ~0x20), at);
	} else if (type != VMP_REPORT_REFUSED) {
		network_acct(type, guest, place, class, at - random() % 20, acct, (uint64_t)random());
	}
	check_model(model, guest);
}

START_TEST(whatever_comes)
{
	struct model model = { .place = "" };
	int i;

	srandom((unsigned)_i + 1);
	ck_assert_int_eq(vmp_store_begin(network, &network_msg), VMP_OK);
	for (i = 0; i < REPORTS; i++)
		random_report(&model, 1000 + i / 2);
	ck_assert_int_eq(vmp_store_commit(network, &network_msg), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) - count(DISTINCT mac) FROM session"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session WHERE mac IN (SELECT mac FROM past WHERE "
					"past.token = session.token AND token <> 0 AND past.authorized_at "
					"AND past.state = 'moved')"),
			 0);
	/* Each move has its notice, and the other way round. */
	ck_assert_int_gt(scratch_number("SELECT count(*) FROM past WHERE state = 'moved'"), 100);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE (state = 'moved') <> (id IN "
					"(SELECT past_id FROM notice WHERE kind = 'moved' AND notice.mac = past.mac))"),
			 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice WHERE kind = 'clone' AND past_id NOT IN "
					"(SELECT id FROM past WHERE state = 'moved')"),
			 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE state <> 'moved' AND (alarmed_at OR "
					"closed_at IS NULL)"),
			 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
			 0);
}
END_TEST

Suite *check_store_session_order(void)
{
	Suite *s = suite_create("store_session_order");
	TCase *t = tcase_create("store_session_order");

	tcase_add_checked_fixture(t, network_setup, network_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_loop_test(t, every_order_of_a_move, 0, sizeof(ties) / sizeof(ties[0]));
	tcase_add_loop_test(t, every_beginning_comes_twice, 0, sizeof(ties) / sizeof(ties[0]));
	tcase_add_test(t, two_places_flap);
	tcase_add_loop_test(t, whatever_comes, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
