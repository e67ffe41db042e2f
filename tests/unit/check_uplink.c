/* Whose turn it is on an uplink, and whom its frames are for; interfaces, the clock and the wire are the test's. */
#include "clock_stub.h"
#include "guests_stub.h"
#include "loop.h"
#include "packet_linux.h"
#include "port.h"
#include "suites.h"
#include "uplink.h"
#include "uplink_fence.h"

#include <string.h>

#define NICS   6
#define SWITCH 0x020000000001ULL

static struct config_uplink config;
static struct uplink up;
static struct nic nics[NICS];
static struct port ports[NICS]; /* their supplicants */
static struct event_base *base;
static bool fenced;
static char turns[64], taken[64];
static uint8_t wire[VMP_EAPOL_FRAME_MAX];
static size_t wire_len;

/* -- what stands for the rest of hostd ---------------------------------------------------------- */

bool uplink_fence_covers(const struct uplink *uplink)
{
	return uplink == &up && fenced;
}

static void note(char *list, const struct nic *nic)
{
	size_t n = strlen(list);

	list[n] = (char)('a' + (nic - nics));
	list[n + 1] = '\0';
}

void nic_turn(struct nic *nic)
{
	note(turns, nic);
}

bool nic_receive(struct nic *nic, const struct vmp_eapol *frame)
{
	(void)frame;
	note(taken, nic);
	return true;
}

struct nic *uplink_nic(struct uplink *uplink, uint64_t mac)
{
	size_t i;

	for (i = 0; i < NICS; i++) {
		if (uplink == &up && nics[i].mac == mac)
			return &nics[i];
	}
	return NULL;
}

void uplink_each_nic(struct uplink *uplink, void (*visit)(void *ctx, struct nic *nic), void *ctx)
{
	size_t i;

	for (i = 0; uplink == &up && i < NICS; i++)
		visit(ctx, &nics[i]);
}

int packet_write(int fd, const uint8_t *frame, size_t len)
{
	(void)fd;
	memcpy(wire, frame, len);
	wire_len = len;
	return VMP_OK;
}

/* -- the stage ---------------------------------------------------------------------------------- */

static void timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

static void setup(void)
{
	size_t i;

	stub_reset();
	stub_quiet(true);
	base = event_base_new();
	memset(&config, 0, sizeof(config));
	strcpy(config.name, "uplink0");
	strcpy(config.replies, "unicast");
	config.window = 3;
	config.rate = 100;
	memset(&up, 0, sizeof(up));
	memset(nics, 0, sizeof(nics));
	up.config = &config;
	up.up = true;
	up.timer = event_new(base, -1, 0, timer, NULL);
	for (i = 0; i < NIC_URGENCIES; i++)
		up.queue_end[i] = &up.queue[i];
	for (i = 0; i < NICS; i++) {
		nics[i].uplink = &up;
		nics[i].mac = 0x525400000001 + i;
		nics[i].urgency = NIC_STARTED;
		nics[i].stage = NIC_RUNNING;
		port_init(&ports[i]);
		nics[i].supplicant = ports[i].s;
	}
	stub_now_us = 1000000000;
	fenced = true;
	turns[0] = taken[0] = '\0';
	wire_len = 0;
}

static void teardown(void)
{
	size_t i;

	for (i = 0; i < NICS; i++)
		port_clear(&ports[i]);
	event_free(up.timer);
	event_base_free(base);
}

static void enqueue(const char *which)
{
	for (; *which; which++)
		uplink_enqueue(&nics[*which - 'a']);
}

/* As if the loop went on for so long. */
static void serve(uint64_t ms)
{
	uint64_t end = stub_now_us + ms * 1000;

	for (; stub_now_us <= end; stub_now_us += 1000)
		uplink_serve(&up);
}

/* -- whose turn --------------------------------------------------------------------------------- */

START_TEST(as_many_as_the_window_holds)
{
	enqueue("abcdef");
	serve(1000);
	ck_assert_str_eq(turns, "abc");
	ck_assert_uint_eq(up.n_queued, 3);
	uplink_release(&nics[1]);
	uplink_release(&nics[1]);
	serve(100);
	ck_assert_str_eq(turns, "abcd");
}
END_TEST

START_TEST(nobody_before_all_is_ready)
{
	enqueue("a");
	up.up = false;
	serve(10);
	up.up = true;
	up.fd = -1;
	serve(10);
	up.fd = 0;
	fenced = false;
	serve(10);
	ck_assert_str_eq(turns, "");
	fenced = true;
	serve(10);
	ck_assert_str_eq(turns, "a");
}
END_TEST

START_TEST(the_urgent_first)
{
	nics[0].urgency = NIC_AGAIN;
	nics[1].urgency = NIC_STARTED;
	nics[2].urgency = NIC_MIGRATED;
	nics[3].urgency = NIC_AGAIN;
	enqueue("abcd");
	config.window = 4;
	serve(1000);
	ck_assert_str_eq(turns, "cbad");
}
END_TEST

START_TEST(the_host_before_its_guests)
{
	up.host = &nics[5];
	nics[5].urgency = NIC_HOST;
	enqueue("abf");
	serve(1000);
	ck_assert_str_eq(turns, "f");
	uplink_release(&nics[5]);
	serve(1000);
	ck_assert_str_eq(turns, "f");
	uplink_host_done(&up);
	serve(1000);
	ck_assert_str_eq(turns, "fab");
}
END_TEST

START_TEST(who_leaves_the_queue_is_not_called)
{
	config.window = 6;
	enqueue("abcdef");
	uplink_dequeue(&nics[0]);
	uplink_dequeue(&nics[3]);
	uplink_dequeue(&nics[3]);
	uplink_dequeue(&nics[5]);
	enqueue("a");
	serve(1000);
	ck_assert_str_eq(turns, "bcea");
	ck_assert_uint_eq(up.n_queued, 0);
}
END_TEST

START_TEST(starts_keep_their_distance)
{
	size_t after[4];
	int i;

	config.window = 6;
	enqueue("abcdef");
	uplink_serve(&up);
	ck_assert_uint_eq(strlen(turns), 1);
	for (i = 0; i < 4; i++) {
		serve(15);
		after[i] = strlen(turns);
	}
	/* 10 ms each, by half more or less. */
	ck_assert(after[0] >= 2 && after[0] <= 4);
	ck_assert(after[3] >= 4);
	serve(1000);
	ck_assert_str_eq(turns, "abcdef");
}
END_TEST

START_TEST(one_alone_until_the_switch_has_answered)
{
	strcpy(config.replies, "auto");
	enqueue("abcd");
	serve(100);
	ck_assert_str_eq(turns, "a");
	uplink_claim(&nics[0]);
	serve(100);
	ck_assert_str_eq(turns, "abc");
}
END_TEST

START_TEST(or_has_had_the_time_to)
{
	strcpy(config.replies, "auto");
	enqueue("abcd");
	serve(100);
	uplink_release(&nics[0]);
	serve(100);
	ck_assert_str_eq(turns, "abcd");
}
END_TEST

static void one_by_one(void)
{
	enqueue("abc");
	serve(100);
	uplink_claim(&nics[0]);
	serve(100);
	ck_assert_str_eq(turns, "a");
	uplink_release(&nics[0]);
	serve(100);
	ck_assert_str_eq(turns, "ab");
}

START_TEST(one_at_a_time_when_all_hear_the_answers)
{
	strcpy(config.replies, "auto");
	up.grouped = true;
	one_by_one();
}
END_TEST

START_TEST(or_when_the_configuration_says_so)
{
	strcpy(config.replies, "group");
	one_by_one();
}
END_TEST

START_TEST(a_switch_that_begins_takes_a_place)
{
	uplink_claim(&nics[0]);
	uplink_claim(&nics[1]);
	uplink_claim(&nics[2]);
	uplink_claim(&nics[2]);
	uplink_claim(&nics[3]);
	ck_assert_uint_eq(up.n_running, 4);
	enqueue("e");
	serve(100);
	ck_assert_str_eq(turns, "");
	uplink_release(&nics[0]);
	uplink_release(&nics[1]);
	serve(100);
	ck_assert_str_eq(turns, "e");
}
END_TEST

/* -- whom frames are for ------------------------------------------------------------------------ */

static void give(uint64_t dst, uint64_t src, enum vmp_eapol_type type, const void *body, size_t len)
{
	uint8_t frame[VMP_EAPOL_FRAME_MAX];
	size_t n = vmp_eapol_write(dst, src, 2, type, body, len, frame);

	uplink_take(&up, frame, n);
}

static void identity(uint64_t dst, uint64_t src, uint8_t id)
{
	const uint8_t packet[] = { VMP_EAP_REQUEST, id, 0, 5, VMP_EAP_IDENTITY };

	give(dst, src, VMP_EAPOL_EAP, packet, sizeof(packet));
}

/* Let in at this time. */
static void let_in(int i, uint64_t at)
{
	ports[i].now = at;
	port_start(&ports[i]);
	port_identity(&ports[i], 1);
	port_challenge(&ports[i], 2);
	port_success(&ports[i], 2);
}

START_TEST(for_the_one_whose_address_it_is)
{
	identity(nics[2].mac, SWITCH, 1);
	ck_assert_str_eq(taken, "c");
	ck_assert_uint_eq(up.frames_in, 1);
	ck_assert_uint_eq(up.frames_foreign, 0);
}
END_TEST

START_TEST(for_nobody_here)
{
	identity(0x525400ffffff, SWITCH, 1);
	identity(nics[2].mac, nics[1].mac, 1); /* ours, brought back */
	give(VMP_EAPOL_PAE_GROUP, SWITCH, VMP_EAPOL_START, NULL, 0);
	ck_assert_str_eq(taken, "");
	ck_assert_uint_eq(up.frames_foreign, 3);
	ck_assert(!up.grouped);
}
END_TEST

START_TEST(what_is_no_frame)
{
	const uint8_t other[64] = { [12] = 0x08 }, truncated[16] = { [5] = 1, [11] = 2, [12] = 0x88, [13] = 0x8e };

	uplink_take(&up, other, sizeof(other));
	ck_assert_uint_eq(up.frames_in, 0);
	uplink_take(&up, truncated, sizeof(truncated));
	uplink_take(&up, truncated, 3);
	ck_assert_uint_eq(up.frames_bad, up.frames_in);
	ck_assert_uint_ge(up.frames_bad, 1);
	ck_assert_str_eq(taken, "");
}
END_TEST

START_TEST(for_the_group_it_is_the_one_that_waits)
{
	let_in(0, 1000);
	port_start(&ports[3]);
	nics[3].slot = true;
	up.n_running = 1;
	identity(VMP_EAPOL_PAE_GROUP, SWITCH, 7);
	ck_assert_str_eq(taken, "d");
	ck_assert(up.grouped);
}
END_TEST

START_TEST(or_the_one_that_was_let_in_first)
{
	let_in(0, 3000);
	let_in(1, 2000);
	let_in(2, 4000);
	identity(VMP_EAPOL_PAE_GROUP, SWITCH, 7);
	ck_assert_str_eq(taken, "b");
	/* It was for another: the repetition goes to the next. */
	identity(VMP_EAPOL_PAE_GROUP, SWITCH, 7);
	ck_assert_str_eq(taken, "ba");
}
END_TEST

START_TEST(or_nobody_while_another_waits)
{
	const uint8_t success[] = { VMP_EAP_SUCCESS, 9, 0, 4 };

	let_in(0, 3000);
	nics[4].slot = true;
	nics[4].supplicant = NULL;
	up.n_running = 1;
	identity(VMP_EAPOL_PAE_GROUP, SWITCH, 7);
	give(VMP_EAPOL_PAE_GROUP, SWITCH, VMP_EAPOL_EAP, success, sizeof(success));
	ck_assert_str_eq(taken, "");
	ck_assert_uint_eq(up.frames_foreign, 2);
}
END_TEST

START_TEST(frames_leave_with_the_guests_address)
{
	struct vmp_eapol frame;

	uplink_send(&nics[1], VMP_EAPOL_START, NULL, 0);
	ck_assert_int_eq(vmp_eapol_read(wire, wire_len, &frame), VMP_OK);
	ck_assert_uint_eq(frame.src, nics[1].mac);
	ck_assert_uint_eq(frame.dst, VMP_EAPOL_PAE_GROUP);
	ck_assert_uint_eq(frame.type, VMP_EAPOL_START);
	ck_assert_uint_eq(up.frames_out, 1);
	up.fd = -1;
	uplink_send(&nics[1], VMP_EAPOL_START, NULL, 0);
	ck_assert_uint_eq(up.frames_out, 1);
}
END_TEST

Suite *check_uplink(void)
{
	const TTest *const tests[] = { as_many_as_the_window_holds,
				       nobody_before_all_is_ready,
				       the_urgent_first,
				       the_host_before_its_guests,
				       who_leaves_the_queue_is_not_called,
				       starts_keep_their_distance,
				       one_alone_until_the_switch_has_answered,
				       or_has_had_the_time_to,
				       one_at_a_time_when_all_hear_the_answers,
				       or_when_the_configuration_says_so,
				       a_switch_that_begins_takes_a_place,
				       for_the_one_whose_address_it_is,
				       for_nobody_here,
				       what_is_no_frame,
				       for_the_group_it_is_the_one_that_waits,
				       or_the_one_that_was_let_in_first,
				       or_nobody_while_another_waits,
				       frames_leave_with_the_guests_address };
	Suite *s = suite_create("uplink");
	TCase *t = tcase_create("uplink");
	size_t i;

	tcase_add_checked_fixture(t, setup, teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}
