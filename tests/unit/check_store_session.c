#include "network.h"
#include "store_internal.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *nas_a;
	int64_t port_a;
	const char *id_a, *nas_b;
	int64_t port_b;
	const char *id_b;
	bool same;
} places[] = {
	{ "192.0.2.1", 1, "p1", "192.0.2.1", 1, "p1", true },	 { "192.0.2.1", 1, "p1", "192.0.2.2", 1, "p1", false },
	{ "192.0.2.1", 1, "p1", "192.0.2.1", 1, "p2", false },	 { "192.0.2.1", 1, "p1", "192.0.2.1", 2, "p1", true },
	{ "192.0.2.1", 1, "p1", "192.0.2.1", 1, "", true },	 { "192.0.2.1", 1, "p1", "192.0.2.1", 2, "", false },
	{ "192.0.2.1", -1, "p1", "192.0.2.1", 2, "", true },	 { "192.0.2.1", -1, "", "192.0.2.1", -1, "", true },
	{ "192.0.2.1", 0, "", "192.0.2.1", 1, "", false },	 { "192.0.2.1", 0, "", "192.0.2.1", -1, "", true },
	{ "2001:db8::1", -1, "", "2001:db8::2", -1, "", false },
};

START_TEST(the_same_place)
{
	struct vmp_place a = { .nas = places[_i].nas_a, .nas_port = places[_i].port_a, .nas_port_id = places[_i].id_a };
	struct vmp_place b = { .nas = places[_i].nas_b, .nas_port = places[_i].port_b, .nas_port_id = places[_i].id_b };

	ck_assert_int_eq(vmp_place_same(&a, &b), places[_i].same);
	ck_assert_int_eq(vmp_place_same(&b, &a), places[_i].same);
}
END_TEST

START_TEST(nothing_yet)
{
	struct vmp_session session;

	ck_assert_int_eq(vmp_session_get(network, network_mac(1), &session, &network_msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_session_get_past(network, 1, &session, &network_msg), VMP_ENOENT);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), 0);
	vmp_session_done(network);
	vmp_session_done(network);
}
END_TEST

static int is_one_line(void *ctx, const struct vmp_notice *notice)
{
	const char *c;

	(void)ctx;
	ck_assert_int_ge((int)strlen(notice->detail), 30);
	for (c = notice->detail; *c; c++)
		ck_assert(*c >= ' ' && *c < 0x7f);
	return VMP_OK;
}

START_TEST(octets_come_back_as_they_were)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 100);
	char all[VMP_RAW_MAX];
	struct vmp_session s;
	int i;

	for (i = 0; i < VMP_RAW_MAX - 1; i++)
		all[i] = (char)(i + 1);
	all[VMP_RAW_MAX - 1] = '\0';
	report.place.user_name = report.place.calling_station_id = report.place.nas_port_id = all;
	report.place.acct_session_id = "\xff\xfe";
	network_take(&report);
	ck_assert_int_eq(vmp_session_get(network, network_mac(1), &s, &network_msg), VMP_OK);
	ck_assert_str_eq(s.place.user_name, all);
	ck_assert_str_eq(s.place.calling_station_id, all);
	ck_assert_str_eq(s.place.acct_session_id, "\xff\xfe");
	vmp_session_done(network);
	network_auth(1, 'B', 2, 110);
	ck_assert_int_eq(vmp_session_get_past(network, 1, &s, &network_msg), VMP_OK);
	ck_assert_str_eq(s.place.nas_port_id, all);
	vmp_session_done(network);
	report.token = 3;
	report.at = 120;
	report.place.nas = "192.0.2.1";
	network_take(&report);
	ck_assert(network_effect.clone);
	ck_assert_str_eq(network_effect.newer_port_id, all);
	ck_assert_int_eq(vmp_session_notice_each(network, 0, 9, is_one_line, NULL, &network_msg), VMP_OK);
}
END_TEST

static int add_mac(void *ctx, const struct vmp_session *session)
{
	int *sum = ctx;

	*sum = *sum * 10 + (int)(session->mac & 15);
	return *sum >= 1000 ? VMP_EACCES : VMP_OK;
}

static int listed(struct vmp_session_filter filter)
{
	int sum = 0;

	ck_assert_int_eq(vmp_session_each(network, &filter, add_mac, &sum, &network_msg),
			 sum >= 1000 ? VMP_EACCES : VMP_OK);
	return sum;
}

START_TEST(lists)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 4, 'B', 9, 100);

	network_auth(2, 'A', 1, 100);
	network_auth(1, 'B', 2, 100);
	network_auth(3, 'a', 3, 100);
	ck_assert_int_eq(listed((struct vmp_session_filter){ 0 }), 123);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .max = 2 }), 12);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .after = network_mac(1), .max = 1 }), 2);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .nas = "192.0.2.1" }), 23);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .mac = network_mac(3) }), 3);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .mac = network_mac(3), .nas = "192.0.2.2" }), 0);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .past = true }), 0);
	report.cert_name = "hv1";
	network_take(&report);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .cert_name = "hv1" }), 4);
	ck_assert_int_eq(listed((struct vmp_session_filter){ 0 }), 1234);
	network_auth(3, 'B', 4, 110);
	network_auth(2, 'B', 5, 110);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .past = true }), 32);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .past = true, .after = 1 }), 2);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .past = true, .mac = network_mac(3) }), 3);
	ck_assert_int_eq(listed((struct vmp_session_filter){ .past = true, .nas = "192.0.2.2" }), 0);
}
END_TEST

static int add_notice(void *ctx, const struct vmp_notice *notice)
{
	char *words = ctx;

	strncat(words, notice->kind, 1);
	ck_assert_int_gt(notice->id, 0);
	return strlen(words) == 3 ? VMP_EACCES : VMP_OK;
}

START_TEST(notices)
{
	char words[8] = "", id[33], other[33];
	int64_t last = -1;

	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 110);
	network_auth(1, 'A', 3, 120);
	network_restart('B', 130);
	ck_assert_int_eq(vmp_session_notice_each(network, 0, 2, add_notice, words, &network_msg), VMP_OK);
	ck_assert_str_eq(words, "mm");
	words[0] = '\0';
	ck_assert_int_eq(vmp_session_notice_each(network, 2, 9, add_notice, words, &network_msg), VMP_OK);
	ck_assert_str_eq(words, "cn");
	ck_assert_int_eq(vmp_session_notice_last(network, &last, &network_msg), VMP_OK);
	ck_assert_int_eq(last, 4);
	words[0] = '\0';
	ck_assert_int_eq(vmp_session_notice_each(network, 0, 9, add_notice, words, &network_msg), VMP_EACCES);
	ck_assert_int_eq(vmp_session_store_id(network, id, &network_msg), VMP_OK);
	ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
	network_lose();
	ck_assert_int_eq(vmp_session_notice_last(network, &last, &network_msg), VMP_OK);
	ck_assert_int_eq(last, 0);
	ck_assert_int_eq(vmp_session_store_id(network, other, &network_msg), VMP_OK);
	ck_assert_str_ne(id, other);
}
END_TEST

START_TEST(the_file_is_for_two_users_of_one_group)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	mode_t old = umask(077);
	char path[160];
	struct stat st;
	size_t i;

	network_lose();
	network_auth(1, 'A', 1, 100);
	umask(old);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", scratch_path, ends[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0660);
	}
	ck_assert_int_eq(vmp_store_touch(network, &network_msg), VMP_OK);
}
END_TEST

/* Version 1 was never written to; what it holds is given up. */
START_TEST(an_older_file)
{
	char mark[96];
	int from, to;

	network_remove();
	snprintf(mark, sizeof(mark), "PRAGMA journal_mode = WAL; PRAGMA user_version = 1; PRAGMA application_id = %d",
		 0x766d7076 + (int)VMP_STORE_SESSION);
	scratch_sql(vmp_schema_session[0].sql);
	scratch_sql(mark);
	scratch_sql("INSERT INTO session (mac, state, nas_address, class, authorized_at, updated_at) "
		    "VALUES (0x525400000001, 'started', '192.0.2.1', 'x', 1, 1)");
	ck_assert_int_eq(vmp_store_open(&network, scratch_path, VMP_STORE_SESSION, VMP_STORE_WRITE, 50, &network_msg),
			 VMP_EVERSION);
	ck_assert_int_eq(vmp_store_open(&network, scratch_path, VMP_STORE_SESSION, VMP_STORE_CREATE, 50, &network_msg),
			 VMP_OK);
	ck_assert_int_eq(vmp_store_migrate(network, &from, &to, &network_msg), VMP_OK);
	ck_assert_int_eq(from, 1);
	ck_assert_int_eq(to, vmp_store_version_known(VMP_STORE_SESSION));
	network_auth(1, 'A', 1, 100);
	ck_assert_str_eq(network_sketch(1), "A authorized 1 ");
}
END_TEST

Suite *check_store_session(void)
{
	Suite *s = suite_create("store_session");
	TCase *t = tcase_create("store_session");

	tcase_add_checked_fixture(t, network_setup, network_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_loop_test(t, the_same_place, 0, sizeof(places) / sizeof(places[0]));
	tcase_add_test(t, nothing_yet);
	tcase_add_test(t, octets_come_back_as_they_were);
	tcase_add_test(t, lists);
	tcase_add_test(t, notices);
	tcase_add_test(t, an_older_file);
	tcase_add_test(t, the_file_is_for_two_users_of_one_group);
	suite_add_tcase(s, t);
	return s;
}
