#include "../folder.h"
#include "key_stage.h"
#include "keyring.h"
#include "suites_member.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600

static struct keyring ring;
static struct keyring_pair pair;
static struct keyring_clock clock_now;
static bool changed;
/* What was no use: "web:7:why" of the last one. */
static unsigned n_bad;
static char bad[256];

static void on_bad(void *ctx, const struct keys_envelope *e, const char *why)
{
	ck_assert_ptr_eq(ctx, &ring);
	n_bad++;
	snprintf(bad, sizeof(bad), "%s:%u: %s", e->coi, e->epoch, why);
}

static void load(void)
{
	struct vmp_msg msg = { "" };

	keyring_pair_clear(&pair);
	ck_assert_msg(keyring_pair_read(&pair, key_stage.ca_file, key_stage.certificate, key_stage.key, &msg) == VMP_OK,
		      "%s", msg.text);
}

static void setup(void)
{
	folder_setup();
	key_stage_setup();
	load();
	keyring_clock_read(&clock_now);
	ck_assert_int_gt(clock_now.now, 1700000000);
	n_bad = 0;
}

static void teardown(void)
{
	keyring_clear(&ring);
	keyring_pair_clear(&pair);
	key_stage_teardown();
	folder_teardown();
}

/* Take them. @return how many keys there are then. */
static size_t take(const struct key_stage_one *list)
{
	struct keys_envelope *envelopes;
	const char *text = key_stage_answer(list);
	struct vmp_msg msg = { "" };
	size_t n;

	ck_assert_msg(keys_read(text, strlen(text), &envelopes, &n, &msg) == VMP_OK, "%s", msg.text);
	n_bad = 0;
	*bad = '\0';
	ck_assert_int_eq(keyring_take(&ring, envelopes, n, &pair, &clock_now, on_bad, &ring, &changed, &msg), VMP_OK);
	keys_envelopes_free(envelopes, n);
	return ring.n;
}

#define TAKE(...) take((const struct key_stage_one[]){ __VA_ARGS__, { .coi = NULL } })
#define WEB(n, is_current, ...)                                                                                        \
	{                                                                                                              \
		.coi = "web", .epoch = n, .current = is_current, .octet = n, __VA_ARGS__                               \
	}

/* After so many seconds by one clock, and by the other one. @return are keys gone? */
static bool look(int64_t now, int64_t boot)
{
	struct keyring_clock later = { clock_now.now + now, clock_now.boot_ms + (uint64_t)boot * 1000 };
	uint64_t next;

	return keyring_look(&ring, &later, &next);
}

static uint64_t next_ms(void)
{
	uint64_t next;

	(void)keyring_look(&ring, &clock_now, &next);
	return next;
}

static void is_bad(const char *why)
{
	ck_assert_uint_eq(n_bad, 1);
	ck_assert_msg(strstr(bad, why) != NULL, "%s", bad);
}

START_TEST(files_that_cannot_be_used)
{
	struct keyring_pair other;

	ck_assert_int_eq(keyring_pair_read(&other, "/nowhere/ca", key_stage.certificate, key_stage.key, NULL),
			 VMP_ENOENT);
	ck_assert_ptr_null(other.key);
	ck_assert_int_eq(keyring_pair_read(&other, key_stage.ca_file, "/nowhere/c", key_stage.key, NULL), VMP_ENOENT);
	folder_write("open.key", "x", 0644);
	ck_assert_int_eq(
		keyring_pair_read(&other, key_stage.ca_file, key_stage.certificate, folder_path("open.key"), NULL),
		VMP_EINVAL);
	ck_assert_ptr_null(other.ca);
	keyring_pair_clear(&other);
}
END_TEST

START_TEST(envelopes_that_do_not_open)
{
	ck_assert_uint_eq(TAKE(WEB(7, true, .spoilt = true)), 0);
	ck_assert_uint_eq(n_bad, 1);
	ck_assert(!changed);
	ck_assert_uint_eq(TAKE(WEB(7, true, .inside = "db")), 0);
	is_bad("web:7: it has epoch 7 of db inside");
	ck_assert_uint_eq(TAKE(WEB(7, true, .ends = -1)), 0);
	is_bad("it ended at");
	ck_assert_uint_eq(TAKE(WEB(7, true, .begins = KEYRING_EARLY + 60)), 0);
	is_bad("it begins at");
	/* And one that does. */
	ck_assert_uint_eq(TAKE(WEB(7, true)), 1);
	ck_assert_uint_eq(n_bad, 0);
}
END_TEST

START_TEST(clocks_differ_a_little)
{
	ck_assert_uint_eq(TAKE(WEB(7, true, .begins = KEYRING_EARLY - 60)), 1);
	ck_assert_uint_eq(n_bad, 0);
}
END_TEST

START_TEST(for_another_certificate)
{
	const char *text = key_stage_answer((const struct key_stage_one[]){ WEB(7, true), { .coi = NULL } });
	char *copy = strdup(text);
	struct keys_envelope *envelopes;
	size_t n;

	key_stage_renew(EVP_EC_gen("P-256"));
	load();
	ck_assert_int_eq(keys_read(copy, strlen(copy), &envelopes, &n, NULL), VMP_OK);
	ck_assert_int_eq(keyring_take(&ring, envelopes, n, &pair, &clock_now, on_bad, &ring, &changed, NULL), VMP_OK);
	ck_assert_uint_eq(ring.n, 0);
	ck_assert_uint_eq(n_bad, 1);
	/* Nobody needs to care. */
	ck_assert_int_eq(keyring_take(&ring, envelopes, n, &pair, &clock_now, NULL, NULL, &changed, NULL), VMP_OK);
	keys_envelopes_free(envelopes, n);
	free(copy);
}
END_TEST

START_TEST(all_is_replaced)
{
	ck_assert_uint_eq(TAKE(WEB(7, true), { .coi = "db", .epoch = 1, .current = true, .octet = 9 }), 2);
	ck_assert(changed);
	ck_assert(strcmp(ring.all[0].coi, "web") == 0 && ring.all[0].epoch == 7 && ring.all[0].current);
	ck_assert_int_eq(ring.all[0].not_after / 60, (clock_now.now + HOUR) / 60);
	ck_assert_uint_eq(ring.all[0].key[0], 7);
	ck_assert_uint_eq(ring.all[1].key[31], 9);
	ck_assert_uint_eq(TAKE(WEB(8, true), WEB(7, false)), 2);
	ck_assert(changed);
	ck_assert(ring.all[0].epoch == 8 && ring.all[1].epoch == 7 && !ring.all[1].current);
	ck_assert_uint_eq(take(&(struct key_stage_one){ .coi = NULL }), 0);
	ck_assert(changed);
	take(&(struct key_stage_one){ .coi = NULL });
	ck_assert(!changed);
}
END_TEST

START_TEST(what_changes)
{
	ck_assert_uint_eq(TAKE(WEB(7, true, .ends = HOUR)), 1);
	ck_assert(changed);
	/* Another key under the same name: a store that was put back. */
	ck_assert_uint_eq(TAKE({ .coi = "web", .epoch = 7, .current = true, .octet = 8 }), 1);
	ck_assert(changed);
	ck_assert_uint_eq(ring.all[0].key[0], 8);
	ck_assert_uint_eq(TAKE({ .coi = "web", .epoch = 7, .current = false, .octet = 8 }), 1);
	ck_assert(changed);
	ck_assert_uint_eq(TAKE({ .coi = "web", .epoch = 7, .current = false, .octet = 8, .ends = HOUR + 500 }), 1);
	ck_assert(changed);
}
END_TEST

START_TEST(the_same_is_no_change)
{
	/* Its end is a second of its own. */
	int64_t ends = HOUR;
	int i;

	for (i = 0; i < 20; i++) {
		ck_assert_uint_eq(TAKE(WEB(7, true, .ends = ends)), 1);
		if (i > 0 && !changed)
			return;
	}
	ck_abort_msg("it is always another one");
}
END_TEST

START_TEST(one_that_was_there_and_is_listed_stays)
{
	ck_assert_uint_eq(TAKE(WEB(7, true), WEB(6, false)), 2);
	ck_assert_uint_eq(TAKE(WEB(8, true), WEB(7, false, .spoilt = true)), 2);
	ck_assert_uint_eq(n_bad, 1);
	ck_assert(ring.all[1].epoch == 7 && ring.all[1].key[5] == 7 && !ring.all[1].current);
	/* For as long as it was good. */
	ck_assert(look(HOUR + 60, HOUR + 60));
	ck_assert_uint_eq(ring.n, 0);
}
END_TEST

START_TEST(each_ends_by_itself)
{
	TAKE(WEB(8, true, .ends = 2 * HOUR), WEB(7, false, .ends = HOUR), WEB(6, false, .ends = 3 * HOUR));
	ck_assert_uint_le(next_ms(), HOUR * 1000);
	ck_assert_uint_gt(next_ms(), (HOUR - 5) * 1000);
	ck_assert(!look(HOUR - 5, HOUR - 5));
	ck_assert_uint_eq(ring.n, 3);
	ck_assert(look(HOUR + 5, HOUR + 5));
	ck_assert(ring.n == 2 && ring.all[0].epoch == 8 && ring.all[1].epoch == 6 && ring.all[1].key[0] == 6);
	ck_assert_uint_gt(next_ms(), (2 * HOUR - 5) * 1000);
	ck_assert(look(2 * HOUR + 5, 2 * HOUR + 5));
	ck_assert(ring.n == 1 && ring.all[0].epoch == 6);
	ck_assert(look(3 * HOUR + 5, 3 * HOUR + 5));
	ck_assert(!look(3 * HOUR + 5, 3 * HOUR + 5));
	ck_assert_uint_eq(next_ms(), UINT64_MAX);
}
END_TEST

START_TEST(a_clock_that_is_set_keeps_nothing_for_longer)
{
	TAKE(WEB(7, true, .ends = HOUR));
	/* Back by a year: the other clock goes on. */
	ck_assert(!look(-365 * 24 * HOUR, 0));
	ck_assert(!look(-365 * 24 * HOUR + HOUR - 5, HOUR - 5));
	ck_assert(look(-365 * 24 * HOUR + HOUR + 5, HOUR + 5));
	/* Ahead: it is over. */
	TAKE(WEB(7, true, .ends = HOUR));
	ck_assert(look(HOUR + 5, 1));
	ck_assert_uint_eq(ring.n, 0);
}
END_TEST

START_TEST(times_beyond_all_bounds)
{
	uint64_t next;

	TAKE(WEB(7, true, .ends = 250000000000LL - 1800000000LL));
	ck_assert_uint_eq(ring.n, 1);
	clock_now.now = INT64_MIN;
	(void)keyring_look(&ring, &clock_now, &next);
	ck_assert_uint_eq(ring.n, 1);
	clock_now.now = INT64_MAX;
	(void)keyring_look(&ring, &clock_now, &next);
	ck_assert_uint_eq(ring.n, 0);
	ck_assert_uint_eq(next, UINT64_MAX);
}
END_TEST

START_TEST(with_an_rsa_certificate)
{
	key_stage_renew(EVP_RSA_gen(2048));
	load();
	ck_assert_uint_eq(TAKE(WEB(7, true)), 1);
	ck_assert_uint_eq(ring.all[0].key[0], 7);
}
END_TEST

Suite *check_keyring(void)
{
	Suite *s = suite_create("keyring");
	TCase *t = tcase_create("keyring");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, files_that_cannot_be_used);
	tcase_add_test(t, envelopes_that_do_not_open);
	tcase_add_test(t, clocks_differ_a_little);
	tcase_add_test(t, for_another_certificate);
	tcase_add_test(t, all_is_replaced);
	tcase_add_test(t, what_changes);
	tcase_add_test(t, the_same_is_no_change);
	tcase_add_test(t, one_that_was_there_and_is_listed_stays);
	tcase_add_test(t, each_ends_by_itself);
	tcase_add_test(t, a_clock_that_is_set_keeps_nothing_for_longer);
	tcase_add_test(t, times_beyond_all_bounds);
	tcase_add_test(t, with_an_rsa_certificate);
	suite_add_tcase(s, t);
	return s;
}
