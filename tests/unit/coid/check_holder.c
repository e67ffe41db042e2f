#include "holder.h"
#include "pki.h"
#include "suites_coid.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCT "web-std"
#define NOW	1000000
#define HALF	(UINT32_MAX / 2)

static struct holder h;
static char body[HOLDER_BODY];

static void setup(void)
{
	holder_init(&h, PRODUCT, NOW);
}

static const char *member(const char *name)
{
	static char text[64];
	json_t *json = json_loads(body, 0, NULL);
	const json_t *value = json_object_get(json, name);

	ck_assert_ptr_nonnull(value);
	if (json_is_string(value))
		snprintf(text, sizeof(text), "%s", json_string_value(value));
	else
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	json_decref(json);
	return text;
}

static void request(int64_t now)
{
	ck_assert(holder_is_due(&h, now));
	ck_assert_int_eq(holder_request(&h, now, body), VMP_OK);
	ck_assert(!holder_is_due(&h, now));
}

static enum holder_result answer(int status, const char *text, int64_t now)
{
	return holder_answer(&h, status, text, strlen(text), "no answer", 0, now);
}

static char *granted(int64_t seq, int64_t n, int64_t duration, int64_t grace)
{
	static char text[256];

	snprintf(text, sizeof(text),
		 "{\"product\":\"web-std\",\"request_id\":\"x\",\"seq\":%" PRId64 ",\"granted\":%" PRId64
		 ",\"duration_s\":%" PRId64 ",\"grace_s\":%" PRId64 ",\"available\":0,\"reason\":\"\",\"short\":false}",
		 seq, n, duration, grace);
	return text;
}

static void hold(int64_t seq, int64_t now)
{
	request(now);
	ck_assert_int_eq(answer(200, granted(seq, 1, 100, 50), now + 500), HOLDER_GRANTED);
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

START_TEST(the_first_request)
{
	ck_assert_int_eq(holder_state(&h, NOW), HOLDER_NONE);
	ck_assert_int_eq(holder_next(&h, NOW), NOW);
	request(NOW);
	ck_assert_str_eq(member("product"), PRODUCT);
	ck_assert_str_eq(member("seen"), "0");
	ck_assert_str_eq(member("has"), "0");
	ck_assert_str_eq(member("in_use"), "0");
	ck_assert_str_eq(member("wants"), "1");
	ck_assert_uint_eq(strlen(member("request_id")), VMP_UUID_TEXT - 1);
	ck_assert_int_eq(holder_next(&h, NOW), INT64_MAX);
}
END_TEST

START_TEST(no_answer_is_asked_again_with_the_same_id)
{
	static const int statuses[] = { 0, 408, 429, 500, 503, 200, 409, 302 };
	char id[VMP_UUID_TEXT];

	request(NOW);
	memcpy(id, h.request_id, sizeof(id));
	ck_assert_int_eq(answer(statuses[_i], "", NOW + 10), HOLDER_FAILED);
	ck_assert(!holder_is_due(&h, NOW + 10));
	ck_assert_int_ge(h.ask_ms, NOW + 10 + 750);
	ck_assert_int_le(h.ask_ms, NOW + 10 + 1250);
	request(h.ask_ms);
	ck_assert_str_eq(member("request_id"), id);
}
END_TEST

START_TEST(a_no_is_asked_again_with_another_id)
{
	static const int statuses[] = { 400, 401, 403, 404 };
	char id[VMP_UUID_TEXT];

	request(NOW);
	memcpy(id, h.request_id, sizeof(id));
	ck_assert_int_eq(answer(statuses[_i], "{\"error\":\"not you\"}", NOW), HOLDER_REFUSED);
	ck_assert_ptr_nonnull(strstr(h.reason, "not you"));
	request(h.ask_ms);
	ck_assert_str_ne(member("request_id"), id);
}
END_TEST

START_TEST(pauses_grow_to_a_minute)
{
	int64_t now = NOW, before = 0, pause = 0;
	int i;

	for (i = 0; i < 12; i++) {
		request(now);
		before = pause;
		ck_assert_int_eq(holder_answer(&h, 503, "", 0, "", HALF, now), HOLDER_FAILED);
		pause = h.ask_ms - now;
		ck_assert_int_ge(pause, before);
		now = h.ask_ms;
	}
	ck_assert_int_ge(pause, 59000);
	ck_assert_int_le(pause, 61000);
	ck_assert_int_eq(before, pause);
}
END_TEST

START_TEST(bad_answers_are_none)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"seq\":1}",
		"{\"seq\":-1,\"granted\":1,\"duration_s\":10,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":-1,\"duration_s\":10,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":0,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":-5,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":10,\"grace_s\":-1}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":9223372036854775807,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":10,\"grace_s\":9223372036854775807}",
		"{\"seq\":\"1\",\"granted\":1,\"duration_s\":10,\"grace_s\":0}",
		"{\"seq\":1,\"granted\":1,\"duration_s\":10,\"grace_s\":0,\"seq\":2}",
	};

	request(NOW);
	ck_assert_msg(answer(200, texts[_i], NOW) == HOLDER_FAILED, "%s", texts[_i]);
	ck_assert_int_eq(holder_state(&h, NOW), HOLDER_NONE);
	ck_assert_int_eq(h.seen, 0);
}
END_TEST

/* -- a lease ------------------------------------------------------------------------------------------------------ */

START_TEST(it_counts_from_when_it_was_asked_for)
{
	hold(7, NOW);
	ck_assert_int_eq(h.seen, 7);
	/* 100 s and 50 s, each less a hundredth, a second at least. */
	ck_assert_int_eq(holder_state(&h, NOW + 98999), HOLDER_HELD);
	ck_assert_int_eq(holder_state(&h, NOW + 99000), HOLDER_GRACE);
	ck_assert_int_eq(holder_state(&h, NOW + 148499), HOLDER_GRACE);
	ck_assert_int_eq(holder_state(&h, NOW + 148500), HOLDER_OVER);
	ck_assert_int_eq(holder_next(&h, NOW + 500), NOW + 50000);
}
END_TEST

START_TEST(a_repeated_request_counts_from_its_repetition)
{
	request(NOW);
	answer(0, "", NOW + 10000);
	request(NOW + 20000);
	ck_assert_int_eq(answer(200, granted(7, 1, 80, 0), NOW + 20100), HOLDER_GRANTED);
	ck_assert_int_eq(h.end_ms, NOW + 20000 + 79000);
}
END_TEST

START_TEST(it_is_renewed_at_half)
{
	hold(7, NOW);
	ck_assert(!holder_is_due(&h, NOW + 49999));
	request(NOW + 50000);
	ck_assert_str_eq(member("seen"), "7");
	ck_assert_str_eq(member("has"), "1");
	ck_assert_str_eq(member("in_use"), "1");
	ck_assert_int_eq(answer(200, granted(8, 1, 100, 50), NOW + 50100), HOLDER_GRANTED);
	ck_assert_int_eq(h.end_ms, NOW + 50000 + 99000);
	/* Machines that came together do not renew together. */
	request(h.ask_ms);
	holder_answer(&h, 200, granted(9, 1, 100, 50), strlen(granted(9, 1, 100, 50)), "", UINT32_MAX, NOW + 100000);
	ck_assert_int_lt(h.ask_ms, NOW + 100000 + 45100);
}
END_TEST

START_TEST(a_refused_renewal_takes_nothing_away)
{
	hold(7, NOW);
	request(NOW + 50000);
	ck_assert_int_eq(answer(409,
				"{\"seq\":8,\"granted\":0,\"duration_s\":0,\"grace_s\":0,\"reason\":\"all licences are "
				"in use\"}",
				NOW + 50100),
			 HOLDER_REFUSED);
	ck_assert_str_eq(h.reason, "all licences are in use");
	ck_assert_int_eq(holder_state(&h, NOW + 98999), HOLDER_HELD);
	ck_assert_int_eq(holder_state(&h, NOW + 99001), HOLDER_GRACE);
	request(h.ask_ms);
	ck_assert_str_eq(member("seen"), "8");
	ck_assert_str_eq(member("has"), "0");
}
END_TEST

/* However long servers have been silent, it asks several times in what is left. */
START_TEST(it_asks_more_often_towards_its_end)
{
	int64_t now = NOW + 50000;
	int asked = 0;

	hold(7, NOW);
	h.failures = 20;
	while (now < h.end_ms) {
		request(now);
		holder_answer(&h, 0, NULL, 0, "silence", HALF, now);
		ck_assert_int_ge(h.ask_ms - now, 750);
		now = h.ask_ms;
		asked++;
	}
	ck_assert_int_ge(asked, 8);
	ck_assert_int_lt(asked, 60);
}
END_TEST

START_TEST(stale_takes_the_count_and_asks_at_once)
{
	char id[VMP_UUID_TEXT];

	request(NOW);
	memcpy(id, h.request_id, sizeof(id));
	ck_assert_int_eq(
		answer(409,
		       "{\"seq\":40,\"granted\":1,\"duration_s\":90,\"grace_s\":50,\"reason\":\"x\",\"stale\":true}",
		       NOW + 100),
		HOLDER_STALE);
	ck_assert_int_eq(holder_state(&h, NOW + 100), HOLDER_NONE);
	request(NOW + 100);
	ck_assert_str_eq(member("seen"), "40");
	ck_assert_str_eq(member("has"), "0");
	ck_assert_str_ne(member("request_id"), id);
	/* And not in a circle. */
	ck_assert_int_eq(
		answer(409, "{\"seq\":41,\"granted\":0,\"duration_s\":0,\"grace_s\":0,\"stale\":true}", NOW + 200),
		HOLDER_STALE);
	ck_assert(!holder_is_due(&h, NOW + 1099));
	request(NOW + 1100);
	ck_assert_str_eq(member("seen"), "41");
}
END_TEST

START_TEST(stale_leaves_no_more_than_the_server_knows_of)
{
	hold(7, NOW);
	request(NOW + 50000);
	answer(409, "{\"seq\":3,\"granted\":0,\"duration_s\":0,\"grace_s\":0,\"stale\":true}", NOW + 50100);
	ck_assert_int_eq(holder_state(&h, NOW + 50100), HOLDER_GRACE);
	request(NOW + 50100);
	ck_assert_str_eq(member("has"), "0");
	ck_assert_int_eq(answer(200, granted(4, 1, 100, 50), NOW + 50200), HOLDER_GRANTED);
	ck_assert_int_eq(holder_state(&h, NOW + 50200), HOLDER_HELD);
}
END_TEST

START_TEST(after_its_end_it_says_that_it_has_none)
{
	hold(7, NOW);
	request(NOW + 200000);
	ck_assert_int_eq(holder_state(&h, NOW + 200000), HOLDER_OVER);
	ck_assert_str_eq(member("has"), "0");
}
END_TEST

START_TEST(a_short_one_is_in_its_grace_at_once)
{
	request(NOW);
	answer(200, granted(1, 1, 1, 10), NOW);
	ck_assert_int_eq(holder_state(&h, NOW), HOLDER_GRACE);
	ck_assert_int_eq(holder_state(&h, NOW + 10000), HOLDER_OVER);
}
END_TEST

/* -- the end ------------------------------------------------------------------------------------------------------ */

START_TEST(nothing_to_give_back)
{
	holder_release(&h, NOW);
	ck_assert(holder_is_released(&h));
	ck_assert(!holder_is_due(&h, NOW + 1000000));
}
END_TEST

START_TEST(given_back)
{
	hold(7, NOW);
	holder_release(&h, NOW + 1000);
	ck_assert_int_eq(holder_state(&h, NOW + 1000), HOLDER_OVER);
	ck_assert(!holder_is_released(&h));
	request(NOW + 1000);
	ck_assert_str_eq(member("wants"), "0");
	ck_assert_str_eq(member("has"), "1");
	ck_assert_str_eq(member("in_use"), "0");
	ck_assert_str_eq(member("seen"), "7");
	ck_assert_int_eq(answer(200, granted(8, 0, 0, 0), NOW + 1100), HOLDER_RETURNED);
	ck_assert(holder_is_released(&h));
}
END_TEST

/* One request at a time: the answer is awaited, and what it gives is given back. */
START_TEST(given_back_while_it_is_asked_for)
{
	char id[VMP_UUID_TEXT];

	request(NOW);
	memcpy(id, h.request_id, sizeof(id));
	holder_release(&h, NOW + 10);
	ck_assert(!holder_is_due(&h, NOW + 10));
	answer(200, granted(5, 1, 100, 50), NOW + 20);
	ck_assert_int_ne(holder_state(&h, NOW + 20), HOLDER_HELD);
	request(NOW + 20);
	ck_assert_str_eq(member("wants"), "0");
	ck_assert_str_eq(member("seen"), "5");
	ck_assert_str_ne(member("request_id"), id);
}
END_TEST

/* The server may have granted what nobody heard of. */
START_TEST(a_lost_answer_is_given_back_as_well)
{
	char id[VMP_UUID_TEXT];

	request(NOW);
	memcpy(id, h.request_id, sizeof(id));
	answer(0, "", NOW + 10);
	holder_release(&h, NOW + 20);
	ck_assert(!holder_is_released(&h));
	request(NOW + 20);
	ck_assert_str_eq(member("wants"), "0");
	ck_assert_str_ne(member("request_id"), id);
	answer(409, "{\"seq\":9,\"granted\":1,\"duration_s\":90,\"grace_s\":50,\"stale\":true}", NOW + 30);
	request(NOW + 30);
	ck_assert_str_eq(member("seen"), "9");
	answer(200, granted(10, 0, 0, 0), NOW + 40);
	ck_assert(holder_is_released(&h));
}
END_TEST

START_TEST(who_may_not_ask_cannot_give_back)
{
	hold(7, NOW);
	holder_release(&h, NOW + 1000);
	request(NOW + 1000);
	answer(403, "{\"error\":\"no\"}", NOW + 1100);
	ck_assert(holder_is_released(&h));
}
END_TEST

/* -- with a real book --------------------------------------------------------------------------------------------- */

#define HOLDERS 4
#define OWNED	2
#define STEP_MS 100

static struct side {
	struct holder holder;
	char uuid[VMP_UUID_TEXT];
	char pending[512]; /* an answer on its way; "": none */
	int status;
	int64_t arrives;
	bool lost;
} sides[HOLDERS];

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void serve(struct vmp_lease_book *book, struct side *s, int64_t now)
{
	static const int64_t pools[] = { 1 };
	json_t *json = json_loads(body, 0, NULL);
	const char *id;
	json_int_t seen, has, in_use, wants;
	struct vmp_lease_answer a;
	struct vmp_msg msg;

	ck_assert_int_eq(json_unpack(json, "{s:s, s:I, s:I, s:I, s:I}", "request_id", &id, "seen", &seen, "has", &has,
				     "in_use", &in_use, "wants", &wants),
			 0);
	struct vmp_lease_request r = { .holder = s->uuid,
				       .product = PRODUCT,
				       .id = id,
				       .seen = seen,
				       .has = has,
				       .in_use = in_use,
				       .wants = wants,
				       .least = 1,
				       .pools = pools,
				       .n_pools = 1 };
	ck_assert_int_eq(vmp_lease_ask(book, &r, now, &a, &msg), VMP_OK);
	json_decref(json);
	s->status = a.stale || a.refused || (a.granted == 0 && wants > 0) ? 409 : 200;
	snprintf(s->pending, sizeof(s->pending),
		 "{\"seq\":%lld,\"granted\":%lld,\"duration_s\":%lld,\"grace_s\":%lld,\"reason\":\"\"%s}",
		 (long long)a.seq, (long long)a.granted, (long long)(a.granted ? a.life_ms / 1000 : 0),
		 (long long)(a.granted ? a.grace_ms / 1000 : 0), a.stale ? ",\"stale\":true" : "");
}

static void live(struct vmp_lease_book *book, struct side *s, int64_t now)
{
	struct holder *one = &s->holder;

	if (one->asking && now >= s->arrives) {
		if (s->lost)
			holder_answer(one, 0, NULL, 0, "lost", draw(UINT32_MAX), now);
		else
			holder_answer(one, s->status, s->pending, strlen(s->pending), "", draw(UINT32_MAX), now);
	}
	if (draw(400) == 0 && !one->asking) {
		/* It is killed, and starts anew. */
		holder_init(one, PRODUCT, now);
	} else if (draw(300) == 0) {
		holder_release(one, now);
	} else if (holder_is_released(one) && draw(20) == 0) {
		holder_init(one, PRODUCT, now);
	}
	if (!holder_is_due(one, now))
		return;
	ck_assert_int_eq(holder_request(one, now, body), VMP_OK);
	s->arrives = now + draw(3000);
	s->lost = draw(4) == 0;
	if (!s->lost || draw(2))
		serve(book, s, now);
}

/* Never do more use one than are owned, graces included; and each of them gets one. */
START_TEST(no_more_than_are_owned)
{
	struct vmp_lease_book *book = vmp_lease_book_new(NULL);
	struct vmp_lease_pool pool = { .id = 1,
				       .product = PRODUCT,
				       .owned = OWNED,
				       .life_ms = 10000,
				       .grace_ms = 4000,
				       .until_ms = INT64_MAX,
				       .open = true };
	unsigned long long granted_to[HOLDERS] = { 0 };
	int64_t now;
	int i, using;

	seed = (uint64_t)_i + 1;
	ck_assert_int_eq(vmp_lease_pool_set(book, &pool), VMP_OK);
	for (i = 0; i < HOLDERS; i++) {
		snprintf(sides[i].uuid, sizeof(sides[i].uuid), "11111111-2222-4333-8444-5555555555%02d", i);
		holder_init(&sides[i].holder, PRODUCT, 1000);
	}
	for (now = 1000; now < 1000 + 600000; now += STEP_MS) {
		for (i = 0, using = 0; i < HOLDERS; i++) {
			enum holder_state state;

			live(book, &sides[i], now);
			state = holder_state(&sides[i].holder, now);
			using += state == HOLDER_HELD || state == HOLDER_GRACE;
			granted_to[i] += state == HOLDER_HELD;
		}
		ck_assert_int_le(using, OWNED);
	}
	for (i = 0; i < HOLDERS; i++)
		ck_assert_uint_gt(granted_to[i], 0);
	vmp_lease_book_free(book);
}
END_TEST

Suite *check_holder(void)
{
	Suite *s = suite_create("holder");
	TCase *t = tcase_create("holder");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_first_request);
	tcase_add_loop_test(t, no_answer_is_asked_again_with_the_same_id, 0, 8);
	tcase_add_loop_test(t, a_no_is_asked_again_with_another_id, 0, 4);
	tcase_add_test(t, pauses_grow_to_a_minute);
	tcase_add_loop_test(t, bad_answers_are_none, 0, 12);
	tcase_add_test(t, it_counts_from_when_it_was_asked_for);
	tcase_add_test(t, a_repeated_request_counts_from_its_repetition);
	tcase_add_test(t, it_is_renewed_at_half);
	tcase_add_test(t, a_refused_renewal_takes_nothing_away);
	tcase_add_test(t, it_asks_more_often_towards_its_end);
	tcase_add_test(t, stale_takes_the_count_and_asks_at_once);
	tcase_add_test(t, stale_leaves_no_more_than_the_server_knows_of);
	tcase_add_test(t, after_its_end_it_says_that_it_has_none);
	tcase_add_test(t, a_short_one_is_in_its_grace_at_once);
	tcase_add_test(t, nothing_to_give_back);
	tcase_add_test(t, given_back);
	tcase_add_test(t, given_back_while_it_is_asked_for);
	tcase_add_test(t, a_lost_answer_is_given_back_as_well);
	tcase_add_test(t, who_may_not_ask_cannot_give_back);
	tcase_add_loop_test(t, no_more_than_are_owned, 0, 20);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	return s;
}
