#include "coa/nas.h"
#include "das.h"
#include "suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "of the NAS"
#define MS     1000LL
#define S      (1000 * MS)
#define MAX    4000

/* The world of one NAS: what it was sent, what was told of the tasks, and the time. */
static struct {
	int64_t now, wake;
	int n_sent, n_done, send_errno;
	struct packet last;
	int64_t sent_at[MAX];
	uint8_t id[MAX];
	struct task_result done[MAX];
} world;

static struct nas *nas;
static struct dialects *dialects;
static struct secrets *secrets;
static struct nas_limits limits;
static struct vmp_msg msg;

static int take_packet(void *ctx, const struct nas *to, const struct packet *packet)
{
	(void)ctx;
	(void)to;
	ck_assert_int_lt(world.n_sent, MAX);
	world.last = *packet;
	world.id[world.n_sent] = packet->octet[1];
	world.sent_at[world.n_sent++] = world.now;
	return world.send_errno;
}

static void take_result(void *ctx, const struct task_result *result)
{
	(void)ctx;
	ck_assert_int_lt(world.n_done, MAX);
	world.done[world.n_done++] = *result;
}

static void take_wake(void *ctx, struct nas *of, int64_t at)
{
	(void)ctx;
	(void)of;
	world.wake = at;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return 1795000000 + world.now / S;
}

/* The middle of the range: no jitter. */
static uint32_t draw(void *ctx)
{
	(void)ctx;
	return 1000;
}

static const struct nas_ops ops = {
	.send = take_packet, .done = take_result, .wake = take_wake, .wall = wall, .random = draw
};

static void open_dictionary(void)
{
	ck_assert_int_eq(packet_open("/usr/share/freeradius", &msg), VMP_OK);
}

static void setup(void)
{
	static const char d[] = "[rfc]\nidentify = User-Name Acct-Session-Id\n[x]\nport = 1700\nidentify = User-Name\n"
				"change = coa\ncoa = Cisco-AVPair = again\n[port]\nidentify = User-Name NAS-Port\n";
	static const char s[] = "[leaf1]\nsecret = " SECRET "\n";
	struct vmp_addr address;

	memset(&world, 0, sizeof(world));
	world.now = 1000 * S;
	limits = (struct nas_limits){ .timeout = 1 * S, .transmissions = 3, .window = 4, .rate = 1000 };
	ck_assert_int_eq(dialects_text("d", d, strlen(d), &dialects, &msg), VMP_OK);
	ck_assert_int_eq(secrets_text("s", s, strlen(s), &secrets, &msg), VMP_OK);
	ck_assert_int_eq(vmp_addr_parse("192.0.2.1", &address), VMP_OK);
	nas = nas_new(&address, 3799, &ops, &limits, world.now);
	ck_assert_ptr_nonnull(nas);
}

static void teardown(void)
{
	nas_free(nas);
	dialects_free(dialects);
	secrets_free(secrets);
}

static struct task *new_task(int number, enum vmp_coa_action action, const char *name, const char *dialect, int rate,
			     const char *user, struct task_result *result)
{
	char text[512];
	struct message m = { .type = M_COA, .number = (uint64_t)number, .action = action };

	m.blob_len = (size_t)snprintf(
		text, sizeof(text),
		"{\"nas\": {\"name\": \"%s\", \"address\": \"192.0.2.1\", \"port\": 0, \"dialect\": "
		"\"%s\", \"mode\": 0, \"rate\": %d}, \"session\": {\"User-Name\": \"%s\"}}",
		name, dialect, rate, user);
	m.blob = (const uint8_t *)text;
	return task_new(&m, dialects, secrets, 0xabcdef01, result);
}

static void add(int number, enum vmp_coa_action action, const char *dialect, int rate)
{
	struct task_result result;
	struct task *task = new_task(number, action, "leaf1", dialect, rate, "guest", &result);

	ck_assert_msg(task != NULL, "%s", result.text.text);
	nas_add(nas, task, world.now);
}

/* Let time pass, and what is due happen. */
static void pass(int64_t time)
{
	int64_t until = world.now + time;

	while (world.wake <= until) {
		ck_assert_int_ge(world.wake, world.now);
		world.now = world.wake;
		nas_run(nas, world.now);
	}
	world.now = until;
}

static int answer(uint8_t code, uint32_t cause)
{
	uint8_t octet[PACKET_MAX];
	size_t len = das_answer(&world.last, SECRET, code, cause, 0, octet);

	return nas_answer(nas, octet, len, world.now, &msg);
}

static void expect(int i, enum coa_outcome outcome, enum vmp_coa_action action, const char *text)
{
	ck_assert_int_gt(world.n_done, i);
	ck_assert_int_eq((int)world.done[i].outcome, (int)outcome);
	ck_assert_int_eq((int)world.done[i].action, (int)action);
	ck_assert_str_eq(world.done[i].text.text, text);
}

START_TEST(an_acknowledged_disconnect_is_done)
{
	add(17, VMP_COA_DISCONNECT, "", 0);
	ck_assert_int_eq(world.n_sent, 1);
	ck_assert_uint_eq(world.last.octet[0], 40);
	ck_assert(das_request_is_signed(&world.last, SECRET));
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	expect(0, COA_ACKNOWLEDGED, VMP_COA_DISCONNECT, "Disconnect-ACK");
	ck_assert_uint_eq(world.done[0].number, 17);
	ck_assert_int_eq(world.wake, INT64_MAX);
	ck_assert(nas_is_idle(nas, world.now));
	pass(100 * S);
	ck_assert_int_eq(world.n_sent, 1);
}
END_TEST

START_TEST(each_cause_has_its_outcome)
{
	static const struct {
		enum vmp_coa_action action;
		uint8_t code;
		uint32_t cause;
		enum coa_outcome outcome;
		const char *text;
	} cases[] = {
		{ VMP_COA_DISCONNECT, 42, 503, COA_GONE, "Disconnect-NAK: 503 Session-Context-Not-Found" },
		{ VMP_COA_DISCONNECT, 42, 504, COA_LATER, "Disconnect-NAK: 504 Session-Context-Not-Removable" },
		{ VMP_COA_DISCONNECT, 42, 401, COA_REFUSED, "Disconnect-NAK: 401 Unsupported-Attribute" },
		{ VMP_COA_DISCONNECT, 42, 0, COA_LATER, "Disconnect-NAK" },
		{ VMP_COA_REAUTHENTICATE, 44, 0, COA_ACKNOWLEDGED, "CoA-ACK" },
		{ VMP_COA_REAUTHENTICATE, 45, 507, COA_ACKNOWLEDGED, "CoA-NAK: 507 Request-Initiated" },
		{ VMP_COA_REAUTHENTICATE, 45, 503, COA_GONE, "CoA-NAK: 503 Session-Context-Not-Found" },
		{ VMP_COA_REAUTHENTICATE, 45, 501, COA_REFUSED, "CoA-NAK: 501 Administratively-Prohibited" },
		{ VMP_COA_REAUTHENTICATE, 45, 506, COA_LATER, "CoA-NAK: 506 Resources-Unavailable" },
	};

	add(1, cases[_i].action, "x", 0);
	ck_assert_int_eq(answer(cases[_i].code, cases[_i].cause), VMP_OK);
	expect(0, cases[_i].outcome, cases[_i].action, cases[_i].text);
	ck_assert_uint_eq(world.done[0].cause, cases[_i].cause);
}
END_TEST

START_TEST(a_coa_that_the_nas_cannot_do_becomes_a_disconnect)
{
	static const uint32_t causes[] = { 0, 401, 402, 404, 405, 406, 407, 508 };
	uint8_t id;

	add(5, VMP_COA_REAUTHENTICATE, "x", 0);
	ck_assert_uint_eq(world.last.octet[0], 43);
	id = world.last.octet[1];
	ck_assert_int_eq(answer(45, causes[_i]), VMP_OK);
	ck_assert_int_eq(world.n_done, 0);
	ck_assert_int_eq(world.n_sent, 2);
	ck_assert_uint_eq(world.last.octet[0], 40);
	ck_assert_uint_ne(world.last.octet[1], id);
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	expect(0, COA_ACKNOWLEDGED, VMP_COA_DISCONNECT, "Disconnect-ACK");
	ck_assert_int_eq(world.n_done, 1);
}
END_TEST

START_TEST(a_dialect_without_coa_disconnects_at_once)
{
	add(5, VMP_COA_REAUTHENTICATE, "", 0);
	ck_assert_uint_eq(world.last.octet[0], 40);
	ck_assert_int_eq(answer(42, 503), VMP_OK);
	expect(0, COA_GONE, VMP_COA_DISCONNECT, "Disconnect-NAK: 503 Session-Context-Not-Found");
}
END_TEST

START_TEST(a_silent_nas_is_asked_again_with_the_same_octets)
{
	struct packet first;
	int64_t start = world.now;

	add(9, VMP_COA_DISCONNECT, "", 0);
	first = world.last;
	pass(60 * S);
	ck_assert_int_eq(world.n_sent, 3);
	ck_assert_mem_eq(world.last.octet, first.octet, first.len);
	ck_assert_int_eq(world.sent_at[1] - start, 1 * S);
	ck_assert_int_eq(world.sent_at[2] - start, 3 * S);
	expect(0, COA_SILENT, VMP_COA_DISCONNECT, "no answer to 3 transmissions");
	ck_assert_int_eq(world.n_done, 1);
	ck_assert(nas_is_idle(nas, world.now));
}
END_TEST

START_TEST(a_late_answer_counts_as_long_as_it_is_waited_for)
{
	add(9, VMP_COA_DISCONNECT, "", 0);
	pass(6500 * MS);
	ck_assert_int_eq(world.n_sent, 3);
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	expect(0, COA_ACKNOWLEDGED, VMP_COA_DISCONNECT, "Disconnect-ACK");
	ck_assert_int_eq(answer(41, 0), VMP_EINVAL);
	ck_assert_int_eq(world.n_done, 1);
}
END_TEST

START_TEST(answers_that_do_not_verify_change_nothing_but_the_text)
{
	uint8_t octet[PACKET_MAX];
	size_t len;

	add(9, VMP_COA_DISCONNECT, "", 0);
	len = das_answer(&world.last, "another", 41, 0, 0, octet);
	ck_assert_int_eq(nas_answer(nas, octet, len, world.now, &msg), VMP_EACCES);
	ck_assert_int_eq(nas_answer(nas, octet, 3, world.now, &msg), VMP_EINVAL);
	ck_assert_int_eq(nas_answer(nas, octet, 0, world.now, &msg), VMP_EINVAL);
	ck_assert_int_eq(world.n_done, 0);
	pass(60 * S);
	ck_assert_int_eq(world.n_sent, 3);
	expect(0, COA_SILENT, VMP_COA_DISCONNECT, "answers do not verify: is the secret right?");
}
END_TEST

START_TEST(a_forgery_does_not_keep_the_good_answer_out)
{
	uint8_t octet[PACKET_MAX];
	size_t len;

	add(9, VMP_COA_DISCONNECT, "", 0);
	len = das_answer(&world.last, "another", 42, 503, 0, octet);
	ck_assert_int_eq(nas_answer(nas, octet, len, world.now, &msg), VMP_EACCES);
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	expect(0, COA_ACKNOWLEDGED, VMP_COA_DISCONNECT, "Disconnect-ACK");
}
END_TEST

START_TEST(a_network_that_does_not_send_is_told)
{
	world.send_errno = ENETUNREACH;
	add(9, VMP_COA_DISCONNECT, "", 0);
	pass(60 * S);
	expect(0, COA_SILENT, VMP_COA_DISCONNECT, "cannot send: Network is unreachable");
}
END_TEST

START_TEST(no_more_than_the_window_is_on_its_way)
{
	int i;

	for (i = 0; i < 10; i++)
		add(i + 1, VMP_COA_DISCONNECT, "", 0);
	pass(500 * MS);
	ck_assert_int_eq(world.n_sent, 4);
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	pass(1 * MS);
	ck_assert_int_eq(world.n_sent, 5);
	ck_assert_int_eq(world.n_done, 1);
	ck_assert_uint_eq(world.done[0].number, 4);
}
END_TEST

START_TEST(the_rate_is_kept)
{
	int64_t start = world.now;
	int i;

	for (i = 0; i < 60; i++) {
		add(i + 1, VMP_COA_DISCONNECT, "", 20);
		if (world.n_sent > world.n_done)
			ck_assert_int_eq(answer(41, 0), VMP_OK);
	}
	while (world.n_done < 60) {
		pass(1 * MS);
		if (world.n_sent > world.n_done)
			ck_assert_int_eq(answer(41, 0), VMP_OK);
		ck_assert_int_lt(world.now, start + 10 * S);
	}
	/* A burst of one at 20 a second. */
	ck_assert_int_ge(world.now - start, 2900 * MS);
	ck_assert_int_le(world.now - start, 3200 * MS);
	for (i = 4; i < 60; i++)
		ck_assert_int_ge(world.sent_at[i] - world.sent_at[i - 1], 49 * MS);
}
END_TEST

START_TEST(identifiers_differ_as_long_as_an_answer_may_come)
{
	bool used[256] = { false };
	int i;

	limits.window = 200;
	limits.rate = 100000;
	limits.transmissions = 1;
	for (i = 0; i < 200; i++)
		add(i + 1, VMP_COA_DISCONNECT, "", 0);
	pass(900 * MS);
	ck_assert_int_eq(world.n_sent, 200);
	for (i = 0; i < 200; i++) {
		ck_assert(!used[world.id[i]]);
		used[world.id[i]] = true;
	}
	pass(1 * S);
	ck_assert_int_eq(world.n_done, 200);
	/* These are quiet; the other 56 come first. */
	for (i = 0; i < 56; i++)
		add(i + 201, VMP_COA_DISCONNECT, "", 0);
	pass(500 * MS);
	ck_assert_int_eq(world.n_sent, 256);
	for (i = 200; i < 256; i++)
		ck_assert(!used[world.id[i]]);
	ck_assert(!nas_is_idle(nas, world.now));
	/* With none left, the one that is quiet for longest. */
	add(257, VMP_COA_DISCONNECT, "", 0);
	ck_assert_int_eq(world.n_sent, 257);
	ck_assert_uint_eq(world.id[256], world.id[0]);
	pass(60 * S);
	ck_assert(nas_is_idle(nas, world.now));
}
END_TEST

START_TEST(a_test_asks_for_a_session_that_is_nobodys)
{
	size_t len;

	add(3, VMP_COA_TEST, "", 0);
	ck_assert_uint_eq(world.last.octet[0], 40);
	ck_assert_mem_eq(das_attr(&world.last, 1, 0, &len), "020000000000", 12);
	ck_assert_mem_eq(das_attr(&world.last, 44, 0, &len), "vmprov-test-abcdef01", 20);
	pass(1500);
	ck_assert_int_eq(answer(42, 503), VMP_OK);
	expect(0, COA_GONE, VMP_COA_TEST, "answered in 1.5 ms: Disconnect-NAK: 503 Session-Context-Not-Found");
}
END_TEST

START_TEST(what_is_missing_is_told_at_once)
{
	struct task_result result;

	ck_assert_ptr_null(new_task(1, VMP_COA_DISCONNECT, "leaf2", "", 0, "guest", &result));
	ck_assert_int_eq(result.outcome, COA_UNABLE);
	ck_assert_str_eq(result.text.text, "no secret for NAS leaf2; see nas-secrets.conf");
	ck_assert_ptr_null(new_task(1, VMP_COA_DISCONNECT, "", "", 0, "guest", &result));
	ck_assert_str_eq(result.text.text, "no secret for NAS 192.0.2.1; see nas-secrets.conf");
	ck_assert_ptr_null(new_task(7, VMP_COA_REAUTHENTICATE, "leaf1", "y", 0, "guest", &result));
	ck_assert_str_eq(result.text.text, "no dialect y; see coa-dialects.conf");
	ck_assert_int_eq(result.outcome, COA_UNABLE);
	ck_assert_uint_eq(result.number, 7);
	ck_assert_ptr_null(new_task(1, VMP_COA_DISCONNECT, "leaf1", "", 0, "", &result));
	ck_assert_int_eq(result.outcome, COA_UNABLE);
	ck_assert_ptr_null(new_task(1, 0, "\\", "", 0, "", &result));
	ck_assert_int_eq(result.outcome, COA_UNABLE);
}
END_TEST

/* It is a matter of one session, not of its NAS. */
START_TEST(a_value_that_cannot_be_sent_is_left_out)
{
	static const char nas_json[] = "{\"nas\": {\"name\": \"leaf1\", \"address\": \"192.0.2.1\", \"port\": 0, "
				       "\"dialect\": \"port\", \"mode\": 0, \"rate\": 0}, \"session\": {%s%s}}";
	struct message m = { .type = M_COA, .number = 4 };
	struct task_result result;
	struct task *task;
	char text[512];

	m.blob = (const uint8_t *)text;
	m.blob_len = (size_t)snprintf(text, sizeof(text), nas_json, "\"User-Name\": \"a\", ", "\"NAS-Port\": \"swp1\"");
	task = task_new(&m, dialects, secrets, 0, &result);
	ck_assert_ptr_nonnull(task);
	ck_assert_ptr_null(task->job.session[JOB_NAS_PORT]);
	nas_add(nas, task, world.now);
	ck_assert_int_eq(world.n_sent, 1);
	m.blob_len = (size_t)snprintf(text, sizeof(text), nas_json, "", "\"NAS-Port\": \"swp1\"");
	ck_assert_ptr_null(task_new(&m, dialects, secrets, 0, &result));
	ck_assert_int_eq(result.outcome, COA_UNABLE);
	ck_assert_str_eq(result.text.text, "nothing that the NAS knows the session by is known");
}
END_TEST

START_TEST(a_clock_that_stands_or_jumps_harms_nothing)
{
	add(1, VMP_COA_DISCONNECT, "", 0);
	nas_run(nas, world.now);
	nas_run(nas, world.now);
	ck_assert_int_eq(world.n_sent, 1);
	world.now += 1000000LL * S;
	nas_run(nas, world.now);
	ck_assert_int_eq(world.n_sent, 2);
	ck_assert_int_eq(answer(41, 0), VMP_OK);
	expect(0, COA_ACKNOWLEDGED, VMP_COA_DISCONNECT, "Disconnect-ACK");
}
END_TEST

Suite *check_coa_nas(void)
{
	Suite *s = suite_create("coa_nas");
	TCase *t = tcase_create("coa_nas");

	tcase_add_unchecked_fixture(t, open_dictionary, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_acknowledged_disconnect_is_done);
	tcase_add_loop_test(t, each_cause_has_its_outcome, 0, 9);
	tcase_add_loop_test(t, a_coa_that_the_nas_cannot_do_becomes_a_disconnect, 0, 8);
	tcase_add_test(t, a_dialect_without_coa_disconnects_at_once);
	tcase_add_test(t, a_silent_nas_is_asked_again_with_the_same_octets);
	tcase_add_test(t, a_late_answer_counts_as_long_as_it_is_waited_for);
	tcase_add_test(t, answers_that_do_not_verify_change_nothing_but_the_text);
	tcase_add_test(t, a_forgery_does_not_keep_the_good_answer_out);
	tcase_add_test(t, a_network_that_does_not_send_is_told);
	tcase_add_test(t, no_more_than_the_window_is_on_its_way);
	tcase_add_test(t, the_rate_is_kept);
	tcase_add_test(t, identifiers_differ_as_long_as_an_answer_may_come);
	tcase_add_test(t, a_test_asks_for_a_session_that_is_nobodys);
	tcase_add_test(t, what_is_missing_is_told_at_once);
	tcase_add_test(t, a_value_that_cannot_be_sent_is_left_out);
	tcase_add_test(t, a_clock_that_stands_or_jumps_harms_nothing);
	suite_add_tcase(s, t);
	return s;
}
