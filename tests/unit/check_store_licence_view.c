/* What an administrator sees of licences. */
#include "store_licence_view.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char said[2000];
static int64_t seq;

static void setup(void)
{
	world_setup();
	seq = 0;
	scratch_sql(
		"INSERT INTO licence_pool (name, product, owned) VALUES ('main', 'os', 10);"
		"INSERT INTO licence_pool (name, product, owned, overdraft, tenant_id) VALUES ('gold', 'os', 3, 1, 2);"
		"INSERT INTO licence_pool (name, product, owned, enabled) VALUES ('db', 'db', 4, 0)");
	world_guest(1, "web");
	world_guest(9, "gw");
}

struct held {
	int64_t pool, count, over_s, lapsing, lapsed_s; /* from now on */
};

/* Guest n has a lease of os from one or two pools. */
static void hold(int guest, int64_t in_use, const struct held *a, const struct held *b)
{
	struct vmp_lease l = { .seq = ++seq, .wants = 7, .in_use = in_use, .life_ms = 60000, .grace_ms = 5000 };
	const struct vmp_licence_holder h = { .kind = VMP_CERT_GATEWAY, .mac = world_mac(guest), .tenant_id = 1 };
	const struct held *all[] = { a, b };
	int64_t now = world_clock.boot_ms;
	int i;

	snprintf(l.holder, sizeof(l.holder), "%s", world_uuid(guest));
	snprintf(l.product, sizeof(l.product), "os");
	snprintf(l.request_id, sizeof(l.request_id), "%s", world_uuid(77));
	l.end_ms = now + 60000;
	for (i = 0; i < 2 && all[i]; i++)
		l.part[l.n_part++] = (struct vmp_lease_part){ .pool = all[i]->pool,
							      .count = all[i]->count,
							      .over_ms = now + all[i]->over_s * 1000,
							      .lapsing = all[i]->lapsing,
							      .lapsed_ms = now + all[i]->lapsed_s * 1000 };
	ck_assert_msg(WRITE(vmp_licence_lease_write(world, &l, &h, true, &world_clock, &world_msg)) == VMP_OK, "%s",
		      world_msg.text);
}

#define SAY(...) snprintf(said + strlen(said), sizeof(said) - strlen(said), __VA_ARGS__)

static int say_usage(void *ctx, const struct vmp_licence_usage *u)
{
	(void)ctx;
	SAY("%s/%s(%s) %lld+%lld: %lld %lld %lld %lld %s\n", u->product, u->pool, u->tenant, (long long)u->owned,
	    (long long)u->overdraft, (long long)u->leased, (long long)u->in_use, (long long)u->guests,
	    (long long)u->denied, u->state);
	return VMP_OK;
}

static const char *usage(void)
{
	said[0] = '\0';
	ck_assert_msg(vmp_licence_usage_each(world, &world_clock, say_usage, NULL, &world_msg) == VMP_OK, "%s",
		      world_msg.text);
	return said;
}

static int say_row(void *ctx, const struct vmp_licence_row *r)
{
	(void)ctx;
	SAY("%s %s %s %s: %s = %lld of %lld, %lld used, %lld guests, %lld s left%s; %s\n", r->kind, r->name, r->tenant,
	    r->product, r->pools, (long long)r->count, (long long)r->wants, (long long)r->in_use, (long long)r->guests,
	    (long long)r->left_s, r->other_boot ? " of another boot" : "", r->reason);
	return VMP_OK;
}

static const char *rows(const char *product, const char *holder)
{
	const struct vmp_licence_row_filter filter = { product, holder };

	said[0] = '\0';
	if (vmp_licence_row_each(world, &filter, &world_clock, say_row, NULL, &world_msg) != VMP_OK)
		SAY("error: %s", world_msg.text);
	return said;
}

static int say_finding(void *ctx, const char *finding)
{
	(void)ctx;
	SAY("%s\n", finding);
	return VMP_OK;
}

static const char *doctor(void)
{
	said[0] = '\0';
	ck_assert_msg(vmp_licence_doctor(world, &world_clock, say_finding, NULL, &world_msg) == VMP_OK, "%s",
		      world_msg.text);
	return said;
}

static int end(const char *holder, const char *product, int *n)
{
	return WRITE(vmp_licence_end(world, holder, product, "administrator joe", n, &world_msg));
}

/* -- refused -------------------------------------------------------------------------------------------------- */

START_TEST(nobody_of_that_name)
{
	int n = 7;

	ck_assert_str_eq(rows(NULL, "nobody"), "error: nobody: expected the UUID, MAC address or name of a guest");
	ck_assert_str_eq(rows(NULL, world_uuid(5)), "");
	ck_assert_int_eq(end("nobody", NULL, &n), VMP_ENOENT);
	ck_assert_int_eq(end(world_uuid(9), NULL, &n), VMP_ENOENT);
	ck_assert_int_eq(n, 0);
	hold(9, 0, &(struct held){ 1, 1, 65, 0, 0 }, NULL);
	ck_assert_int_eq(end(world_uuid(9), "db", &n), VMP_ENOENT);
	ck_assert_msg(strstr(world_msg.text, "has no lease of db") != NULL, "%s", world_msg.text);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM audit WHERE event = 'licence-ended'"), 0);
}
END_TEST

static int stop(void *ctx, const struct vmp_licence_usage *u)
{
	(void)ctx;
	(void)u;
	return VMP_EIO;
}

START_TEST(what_a_callback_returns_ends_it)
{
	ck_assert_int_eq(vmp_licence_usage_each(world, &world_clock, stop, NULL, &world_msg), VMP_EIO);
	ck_assert_str_ne(usage(), "");
}
END_TEST

/* -- usage ---------------------------------------------------------------------------------------------------- */

START_TEST(nothing_is_had)
{
	ck_assert_str_eq(usage(), "db/db() 4+0: 0 0 0 0 disabled\n"
				  "os/main() 10+0: 0 0 0 0 open\n"
				  "os/gold(acme) 3+1: 0 0 0 0 open\n");
}
END_TEST

START_TEST(what_is_used_is_of_the_first_parts)
{
	hold(9, 4, &(struct held){ 2, 3, 65, 0, 0 }, &(struct held){ 1, 5, 65, 0, 0 });
	hold(1, 1, &(struct held){ 1, 1, 65, 0, 0 }, NULL);
	scratch_sql("INSERT INTO licensed (mac, uuid, product, holder) SELECT mac, uuid, 'os', "
		    "'6ba7b810-9dad-41d1-80b4-000000000009' FROM guest WHERE uuid LIKE '%01'");
	ck_assert_str_eq(usage(), "db/db() 4+0: 0 0 0 0 disabled\n"
				  "os/main() 10+0: 6 2 0 0 open\n"
				  "os/gold(acme) 3+1: 3 3 1 0 open\n");
}
END_TEST

START_TEST(what_lapses_counts_and_what_is_over_does_not)
{
	hold(9, 0, &(struct held){ 1, 2, 65, 3, 10 }, &(struct held){ 2, 4, -1, 5, -1 });
	ck_assert_msg(strstr(usage(), "os/main() 10+0: 5 0") != NULL, "%s", said);
	ck_assert_msg(strstr(usage(), "os/gold(acme) 3+1: 0 0") != NULL, "%s", said);
	scratch_sql("UPDATE lease SET boot_id = 'another'"); /* nobody knows */
	ck_assert_msg(strstr(usage(), "os/main() 10+0: 5 0") != NULL, "%s", said);
	ck_assert_msg(strstr(usage(), "os/gold(acme) 3+1: 9 0") != NULL, "%s", said);
}
END_TEST

START_TEST(refusals_count_where_they_could_have_been_granted)
{
	struct vmp_licence_denial d = {
		.holder = world_uuid(1), .product = "os", .reason = "all licences are in use", .tenant_id = 1
	};
	int64_t now = world_clock.now;

	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, now, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, now, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, now - 90000, &world_msg)), VMP_OK);
	d.tenant_id = 2;
	d.holder = world_uuid(9);
	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, now, &world_msg)), VMP_OK);
	ck_assert_str_eq(usage(), "db/db() 4+0: 0 0 0 0 disabled\n"
				  "os/main() 10+0: 0 0 0 3 open\n"
				  "os/gold(acme) 3+1: 0 0 0 1 open\n");
}
END_TEST

START_TEST(states_of_pools)
{
	scratch_sql("UPDATE licence_pool SET not_after = 1000 WHERE name = 'main';"
		    "UPDATE licence_pool SET not_before = 9000000000 WHERE name = 'gold'");
	ck_assert_str_eq(usage(), "db/db() 4+0: 0 0 0 0 disabled\n"
				  "os/main() 10+0: 0 0 0 0 over\n"
				  "os/gold(acme) 3+1: 0 0 0 0 not yet\n");
}
END_TEST

/* -- leases --------------------------------------------------------------------------------------------------- */

#define ROW9 "gateway 52:54:00:00:00:09 default os: gold:3 main:2 = 5 of 7, 4 used, 0 guests, 60 s left; \n"

START_TEST(leases_by_whom_and_what)
{
	hold(9, 4, &(struct held){ 2, 3, 65, 0, 0 }, &(struct held){ 1, 2, 65, 0, 0 });
	hold(1, 0, NULL, NULL);
	ck_assert_str_eq(rows("os", NULL),
			 "gateway 52:54:00:00:00:01 default os:  = 0 of 7, 0 used, 0 guests, 60 s left; \n" ROW9);
	ck_assert_str_eq(rows("db", NULL), "");
	ck_assert_str_eq(rows(NULL, world_uuid(9)), ROW9);
	ck_assert_str_eq(rows(NULL, "6BA7B810-9DAD-41D1-80B4-000000000009"), ROW9);
	ck_assert_str_eq(rows(NULL, "5254.0000.0009"), ROW9);
	ck_assert_str_eq(rows("os", "52:54:00:00:00:09"), ROW9);
	scratch_sql("UPDATE vm SET name = 'gw1' WHERE mac = 90520730730505");
	ck_assert_msg(strstr(rows(NULL, "gw1"), "gateway gw1 ") == said, "%s", said);
}
END_TEST

START_TEST(leases_of_who_is_gone)
{
	hold(9, 0, &(struct held){ 9, 1, 65, 0, 0 }, NULL);
	scratch_sql("DELETE FROM vm WHERE mac = 90520730730505; UPDATE lease SET boot_id = 'another'");
	ck_assert_str_eq(rows(NULL, "52:54:00:00:00:09"),
			 "gateway  default os: 9:1 = 1 of 7, 0 used, 0 guests, 60 s left of another boot; \n");
}
END_TEST

START_TEST(a_lease_is_ended)
{
	int n = 0;

	hold(9, 0, &(struct held){ 1, 1, 65, 0, 0 }, NULL);
	ck_assert_int_eq(end("52:54:00:00:00:09", "os", &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease"), 0);
	ck_assert_str_eq(scratch_text("SELECT actor || ': ' || subject || ', ' || detail FROM audit "
				      "WHERE event = 'licence-ended'"),
			 "administrator joe: vm 52:54:00:00:00:09, os");
}
END_TEST

/* -- refusals ------------------------------------------------------------------------------------------------- */

static int say_refusal(void *ctx, const struct vmp_licence_refusal *r)
{
	(void)ctx;
	SAY("%s %s %s: %s (%lld of %lld) %lld\n", r->name, r->tenant, r->product, r->reason, (long long)r->available,
	    (long long)r->wants, (long long)r->n);
	return VMP_OK;
}

START_TEST(refusals_the_last_ones)
{
	struct vmp_licence_denial d = { .holder = world_uuid(1),
					.product = "os",
					.reason = "all licences are in use",
					.tenant_id = 1,
					.wants = 4,
					.available = 3 };

	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, 1000, &world_msg)), VMP_OK);
	d.product = "db";
	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, 1000, &world_msg)), VMP_OK);
	d.holder = world_uuid(5);
	ck_assert_int_eq(WRITE(vmp_licence_deny(world, &d, 1000, &world_msg)), VMP_OK);
	said[0] = '\0';
	ck_assert_int_eq(vmp_licence_refusal_each(world, NULL, 2, say_refusal, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "52:54:00:00:00:01 default db: all licences are in use (3 of 4) 1\n"
			       " default db: all licences are in use (3 of 4) 1\n");
	said[0] = '\0';
	ck_assert_int_eq(vmp_licence_refusal_each(world, "os", 0, say_refusal, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "52:54:00:00:00:01 default os: all licences are in use (3 of 4) 1\n");
}
END_TEST

/* -- doctor --------------------------------------------------------------------------------------------------- */

START_TEST(nothing_is_wrong)
{
	hold(9, 0, &(struct held){ 1, 10, 65, 0, 0 }, NULL);
	ck_assert_str_eq(doctor(), "");
}
END_TEST

START_TEST(more_is_leased_than_owned)
{
	hold(9, 0, &(struct held){ 1, 10, 65, 1, 65 }, NULL);
	ck_assert_str_eq(doctor(), "pool main: 11 licences of os are leased, and 10 owned\n");
}
END_TEST

START_TEST(a_closed_pool_is_drawn_on)
{
	scratch_sql("UPDATE licence_pool SET enabled = 0; UPDATE template SET enabled = 0");
	hold(9, 0, &(struct held){ 1, 1, 65, 0, 0 }, NULL);
	ck_assert_str_eq(doctor(), "pool main: is disabled, and 1 licences of os run out\n");
}
END_TEST

START_TEST(a_product_without_a_pool)
{
	scratch_sql("UPDATE template SET licence_product = 'db2' WHERE name = 'web';"
		    "UPDATE template SET licence_product = 'os' WHERE name = 'gold'");
	ck_assert_str_eq(doctor(), "template web: needs licences of db2, of which its tenant has no pool\n");
	scratch_sql("UPDATE template SET licence_product = 'os'; UPDATE licence_pool SET tenant_id = 2");
	ck_assert_str_eq(doctor(), "template web: needs licences of os, of which its tenant has no pool\n");
}
END_TEST

START_TEST(a_holder_that_is_gone)
{
	hold(9, 0, &(struct held){ 1, 1, 65, 0, 0 }, NULL);
	scratch_sql("DELETE FROM vm WHERE mac = 90520730730505");
	ck_assert_msg(strstr(doctor(), "lease of os by 6ba7b810-9dad-41d1-80b4-000000000009: its holder") == said, "%s",
		      said);
	world_clock.boot_ms += 66000;
	ck_assert_str_eq(doctor(), "");
}
END_TEST

START_TEST(a_recovery)
{
	struct vmp_licence_state state = { .recover_until_ms = world_clock.boot_ms + 1500 };

	memcpy(state.recover_boot_id, world_clock.boot_id, sizeof(state.recover_boot_id));
	ck_assert_int_eq(WRITE(vmp_licence_state_write(world, &state, &world_msg)), VMP_OK);
	ck_assert_msg(strstr(doctor(), "for 2 more seconds") != NULL, "%s", said);
	world_clock.boot_ms += 1500;
	ck_assert_str_eq(doctor(), "");
}
END_TEST

Suite *check_store_licence_view(void)
{
	Suite *s = suite_create("store_licence_view");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, nobody_of_that_name);
	tcase_add_test(t, what_a_callback_returns_ends_it);
	tcase_add_test(t, nothing_is_had);
	tcase_add_test(t, what_is_used_is_of_the_first_parts);
	tcase_add_test(t, what_lapses_counts_and_what_is_over_does_not);
	tcase_add_test(t, refusals_count_where_they_could_have_been_granted);
	tcase_add_test(t, states_of_pools);
	tcase_add_test(t, leases_by_whom_and_what);
	tcase_add_test(t, leases_of_who_is_gone);
	tcase_add_test(t, a_lease_is_ended);
	tcase_add_test(t, refusals_the_last_ones);
	tcase_add_test(t, nothing_is_wrong);
	tcase_add_test(t, more_is_leased_than_owned);
	tcase_add_test(t, a_closed_pool_is_drawn_on);
	tcase_add_test(t, a_product_without_a_pool);
	tcase_add_test(t, a_holder_that_is_gone);
	tcase_add_test(t, a_recovery);
	suite_add_tcase(s, t);
	return s;
}
