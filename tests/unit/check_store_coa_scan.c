#include "store_coa.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define NOW 1000000

static char said[512];

START_TEST(how_far_it_was_followed)
{
	struct vmp_coa_follow f = { .change_id = 7,
				    .session_store = "0123456789abcdef0123456789abcdef",
				    .notice_id = 9 };
	int64_t first = -1;

	ck_assert_int_eq(WRITE(vmp_coa_follow_set(world, &f, &world_msg)), VMP_OK);
	ck_assert_int_eq(vmp_coa_follow_get(world, &f, &world_msg), VMP_OK);
	ck_assert_int_eq(f.change_id, 7);
	ck_assert_str_eq(f.session_store, "0123456789abcdef0123456789abcdef");
	ck_assert_int_eq(f.notice_id, 9);
	scratch_sql("DELETE FROM change WHERE id < 3");
	ck_assert_int_eq(vmp_coa_change_first(world, &first, &world_msg), VMP_OK);
	ck_assert_int_eq(first, 3);
	scratch_sql("DELETE FROM change");
	ck_assert_int_eq(vmp_coa_change_first(world, &first, &world_msg), VMP_OK);
	ck_assert_int_eq(first, 0);
}
END_TEST

START_TEST(a_new_store_was_not_followed_yet)
{
	struct vmp_coa_follow f;

	ck_assert_int_eq(vmp_coa_follow_get(world, &f, &world_msg), VMP_OK);
	ck_assert_int_eq(f.change_id, -1);
	ck_assert_str_eq(f.session_store, "");
	ck_assert_int_eq(f.notice_id, 0);
	scratch_refused("DELETE FROM coa_follow", "its one row stays");
	scratch_refused("REPLACE INTO coa_follow (id) VALUES (1)", "has its one row");
	scratch_refused("UPDATE coa_follow SET id = 2", "coa_follow: expected one row");
	scratch_refused("UPDATE coa_follow SET change_id = -2", "change_id: expected");
	scratch_refused("UPDATE coa_follow SET session_store = 'X'", "session_store: expected");
	scratch_refused("UPDATE coa_follow SET notice_id = 'x'", "notice_id: expected");
}
END_TEST

static void scan(enum vmp_coa_scan_kind kind, int64_t ref, int64_t not_before)
{
	const struct vmp_coa_scan s = { .kind = kind, .ref = ref };

	ck_assert_msg(WRITE(vmp_coa_scan_add(world, &s, not_before, &world_msg)) == VMP_OK, "%s", world_msg.text);
}

/* The kind, the COI and the MAC of the next, and its end; "-" when there is none. */
static const char *next(int64_t now)
{
	struct vmp_coa_scan s;
	int err = vmp_coa_scan_next(world, now, &s, &world_msg);

	if (err == VMP_ENOENT)
		return "-";
	ck_assert_int_eq(err, VMP_OK);
	snprintf(said, sizeof(said), "%d %lld %llx", (int)s.kind, (long long)s.ref, (unsigned long long)s.after);
	ck_assert_int_eq(WRITE(vmp_coa_scan_end(world, s.id, &world_msg)), VMP_OK);
	return said;
}

START_TEST(comparisons_come_in_order)
{
	ck_assert_str_eq(next(NOW), "-");
	scan(VMP_SCAN_TIES, 2, NOW + 5);
	scan(VMP_SCAN_COI, 1, NOW);
	scan(VMP_SCAN_ALL, 0, NOW);
	scan(VMP_SCAN_ALL, 1, NOW);
	ck_assert_str_eq(next(NOW), "1 1 0");
	ck_assert_str_eq(next(NOW), "0 0 0");
	ck_assert_str_eq(next(NOW), "0 1 0");
	ck_assert_str_eq(next(NOW + 4), "-");
	ck_assert_str_eq(next(NOW + 5), "2 2 0");
	ck_assert_str_eq(next(NOW + 5), "-");
	scan(VMP_SCAN_COI, 1, NOW);
	ck_assert_str_eq(next(NOW - 3601), "1 1 0"); /* the clock was set back */
}
END_TEST

START_TEST(a_comparison_that_has_not_begun_serves)
{
	scan(VMP_SCAN_COI, 1, NOW + 1);
	scan(VMP_SCAN_COI, 1, NOW + 2);
	scan(VMP_SCAN_COI, 2, NOW + 2);
	scan(VMP_SCAN_TIES, 1, NOW + 2);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coa_scan"), 3);
	ck_assert_int_eq(scratch_number("SELECT not_before FROM coa_scan WHERE id = 1"), NOW + 1);
	scan(VMP_SCAN_COI, 1, NOW);
	ck_assert_int_eq(scratch_number("SELECT not_before FROM coa_scan WHERE id = 1"), NOW);
	ck_assert_int_eq(WRITE(vmp_coa_scan_move(world, 1, world_mac(9), &world_msg)), VMP_OK);
	scan(VMP_SCAN_COI, 1, NOW);
	scan(VMP_SCAN_COI, 1, NOW);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coa_scan"), 4);
	ck_assert_str_eq(next(NOW), "1 1 525400000009");
	ck_assert_str_eq(next(NOW), "1 1 0");
}
END_TEST

START_TEST(comparisons_that_make_no_sense)
{
	scratch_refused("INSERT INTO coa_scan (kind) VALUES ('vm')", "kind: expected all, coi or ties");
	scratch_refused("INSERT INTO coa_scan (kind) VALUES ('coi')", "ref: expected a COI's id");
	scratch_refused("INSERT INTO coa_scan (kind, ref) VALUES ('all', 2)",
			"ref: expected a COI's id, and for all 0");
	scratch_refused("INSERT INTO coa_scan (kind, ref) VALUES ('all', '')", "ref: expected a COI's id");
	scratch_refused("INSERT INTO coa_scan (kind, after_mac) VALUES ('all', 'x')", "after_mac: expected");
	scratch_refused("INSERT INTO coa_scan (kind, not_before) VALUES ('all', 'now')", "not_before: expected");
	scratch_sql("INSERT INTO coa_scan (kind) VALUES ('all')");
	scratch_refused("REPLACE INTO coa_scan (id, kind, ref) VALUES (1, 'coi', 1)", "id: a comparison");
}
END_TEST

static int on_mac(void *ctx, uint64_t mac)
{
	size_t at = strlen(said);

	snprintf(said + at, sizeof(said) - at, "%d ", (int)(mac & 0xffffff));
	return ctx ? *(int *)ctx : VMP_OK;
}

static const char *members(bool ties, int after, int max)
{
	said[0] = '\0';
	ck_assert_int_eq(
		vmp_coa_member_each(world, 1, ties, after ? world_mac(after) : 0, max, on_mac, NULL, &world_msg),
		VMP_OK);
	return said;
}

START_TEST(members_in_steps)
{
	int stop = VMP_EACCES;

	ck_assert_str_eq(members(false, 0, 10), "");
	ck_assert_str_eq(members(true, 0, 10), "");
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'web'), ('525400000002', 'web,app'), "
		    "('525400000003', 'app'), ('525400000004', 'app,web'), ('525400000005', 'web')");
	ck_assert_str_eq(members(false, 0, 10), "1 2 4 5 ");
	ck_assert_str_eq(members(false, 1, 2), "2 4 ");
	ck_assert_str_eq(members(false, 5, 2), "");
	ck_assert_str_eq(members(true, 0, 10), "2 4 ");
	ck_assert_str_eq(members(true, 0, 1), "2 ");
	ck_assert_str_eq(members(true, 2, 1), "4 ");
	ck_assert_str_eq(members(true, 4, 1), "");
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_member_each(world, 1, true, 0, 10, on_mac, &stop, &world_msg), VMP_EACCES);
	ck_assert_str_eq(said, "2 ");
}
END_TEST

/* A step is bounded though nothing comes of it. */
START_TEST(members_without_ties_are_passed)
{
	scratch_sql("BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20005) "
		    "INSERT INTO vm (mac, name) SELECT 0x525400000000 + i, 'v' || i FROM n;"
		    "INSERT INTO member (mac, coi_id) SELECT mac, 1 FROM vm;"
		    "INSERT INTO member (mac, coi_id) VALUES (0x525400000000 + 20003, 2); COMMIT");
	ck_assert_str_eq(members(true, 0, 10), "20000 ");
	ck_assert_str_eq(members(true, 20000, 10), "20003 ");
	ck_assert_str_eq(members(true, 20003, 10), "");
}
END_TEST

START_TEST(a_coi_by_its_name)
{
	int64_t id = -1;

	ck_assert_int_eq(vmp_coa_coi_id(world, "App", &id, &world_msg), VMP_OK);
	ck_assert_int_eq(id, 2);
	ck_assert_int_eq(vmp_coa_coi_id(world, "none", &id, &world_msg), VMP_ENOENT);
}
END_TEST

static int revoked(int serial, uint64_t *mac, char name[254])
{
	return vmp_coa_revoked(world, world_hex(serial), mac, name, &world_msg);
}

START_TEST(whose_a_revoked_certificate_was)
{
	char name[254] = "?";
	uint64_t mac = 0;
	int n;

	world_guest(1, "web");
	ck_assert_int_eq(revoked(1, &mac, name), VMP_ENOENT); /* it is good */
	ck_assert_int_eq(revoked(9, &mac, name), VMP_ENOENT);
	ck_assert_int_eq(WRITE(vmp_store_cert_revoke(world, world_hex(1), 1, "test", NOW, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(revoked(1, &mac, name), VMP_OK);
	ck_assert_uint_eq(mac, world_mac(1));
	ck_assert_str_eq(name, "");
}
END_TEST

/* Certificate 0101...01 of a host, as the schema takes it. */
#define CERTIFICATE(kind, host)                                                                                        \
	"INSERT INTO certificate (serial, kind, host_id, subject, not_before, not_after, issued_at, key_digest, der) " \
	"VALUES ('01010101010101010101010101010101', '" kind "', " host ", 'hv.old', 1, 2, 1, zeroblob(32), x'00')"

/* reason, host, and what comes: NULL for nothing. */
static const struct {
	const char *insert, *revoke, *name;
} revocations[] = {
	{ CERTIFICATE("host", "1"), "UPDATE certificate SET revoked_at = 5", "hv1.example.org" },
	{ CERTIFICATE("host", "2"), "UPDATE certificate SET revoked_at = 5, reason = 5", "hv2" },
	{ CERTIFICATE("host", "1"), "UPDATE certificate SET revoked_at = 5, reason = 4", NULL },
	{ CERTIFICATE("host", "2"), "DELETE FROM host WHERE id = 2; UPDATE certificate SET revoked_at = 5", "hv.old" },
	{ CERTIFICATE("server", "NULL"), "UPDATE certificate SET revoked_at = 5", NULL },
};

START_TEST(whose_a_hosts_certificate_was)
{
	char name[254] = "?";
	uint64_t mac = 7;
	int err;

	scratch_sql(revocations[_i].insert);
	scratch_sql(revocations[_i].revoke);
	err = vmp_coa_revoked(world, "01010101010101010101010101010101", &mac, name, &world_msg);
	ck_assert_int_eq(err, revocations[_i].name ? VMP_OK : VMP_ENOENT);
	if (!revocations[_i].name)
		return;
	ck_assert_uint_eq(mac, 0);
	ck_assert_str_eq(name, revocations[_i].name);
}
END_TEST

Suite *check_store_coa_scan(void)
{
	Suite *s = suite_create("store_coa_scan");
	TCase *t = tcase_create("all");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_add_test(t, how_far_it_was_followed);
	tcase_add_test(t, a_new_store_was_not_followed_yet);
	tcase_add_test(t, comparisons_come_in_order);
	tcase_add_test(t, a_comparison_that_has_not_begun_serves);
	tcase_add_test(t, comparisons_that_make_no_sense);
	tcase_add_test(t, a_coi_by_its_name);
	tcase_add_test(t, members_in_steps);
	tcase_add_test(t, members_without_ties_are_passed);
	tcase_add_test(t, whose_a_revoked_certificate_was);
	tcase_add_loop_test(t, whose_a_hosts_certificate_was, 0, sizeof(revocations) / sizeof(revocations[0]));
	return s;
}
