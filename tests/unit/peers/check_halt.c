/* member/member.c: begin, halt, refusals, the end. */
#include "../folder.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"
#include "stage.h"
#include "suites_peers.h"

#include <string.h>
#include <sys/stat.h>

static struct machine *a;

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
}

static void up(void)
{
	stage_up();
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	stage_done();
}

/* -- the key ------------------------------------------------------------------------------------------------------ */

START_TEST(key_is_made)
{
	struct stat st;
	uint8_t public_key[VMP_COI_SECRET];

	stage_begin();
	memcpy(public_key, member.public_key, sizeof(public_key));
	ck_assert_int_eq(stat(folder_path("wireguard.key"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq(strlen(folder_read("wireguard.key")), 45);
	member_free(true);
	stage_begin();
	ck_assert_int_eq(memcmp(public_key, member.public_key, sizeof(public_key)), 0);
}
END_TEST

static void refuses(const char *text, unsigned mode)
{
	struct vmp_msg msg = { "" };

	folder_write("wireguard.key", text, mode);
	ck_assert_int_ne(member_new(stage.base, &stage.settings, &msg), VMP_OK);
	ck_assert_ptr_nonnull(strstr(msg.text, "wireguard.key"));
	ck_assert_ptr_null(member.base);
	ck_assert_str_eq(folder_read("wireguard.key"), text);
}

START_TEST(bad_keys)
{
	refuses("", 0600);
	refuses("nonsense\n", 0600);
	refuses("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==\n", 0600);
	refuses("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n", 0640);
}
END_TEST

/* -- settings ----------------------------------------------------------------------------------------------------- */

static void says(const char *expected)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_ne(member_new(stage.base, &stage.settings, &msg), VMP_OK);
	ck_assert_msg(strstr(msg.text, expected) != NULL, "%s", msg.text);
}

START_TEST(bad_settings)
{
	struct member_settings good = stage.settings;

	stage.settings.port = 65535;
	says("port 65535");
	stage.settings = good;
	stage.settings.engine = "steam";
	says("engine steam");
	stage.settings = good;
	stage.settings.endpoint = "somewhere";
	says("endpoint somewhere");
	stage.settings = good;
	stage.settings.interface = "a-name-too-long";
	says("interface a-name-too-long");
	stage.settings = good;
	stage.settings.table = 254;
	says("table 254");
}
END_TEST

/* -- up ----------------------------------------------------------------------------------------------------------- */

START_TEST(up_in_order)
{
	const char *done;

	stage_begin();
	ck_assert_str_eq(member_trouble(), "not registered yet");
	ck_assert_str_eq(stage.put, "127.0.0.1:40000");
	stage_registered();
	done = stage_done();
	ck_assert(done_before(done, "guard\n", "address fd00::80 vmprov0"));
	ck_assert(done_before(done, "address fd00::80 vmprov0", "rules+ 6"));
	ck_assert(done_before(done, "route+ fd00::/64 unreachable", "route+ fd00::/64 vmprov0n"));
	ck_assert(done_before(done, "route+ fd00::/64 vmprov0n", "rules+ 6"));
	ck_assert(done_before(done, "route+ fd00::/64 vmprov0n", "site rule+ fd00::/64"));
	ck_assert(done_before(done, "route+ 10.64.0.0/10 vmprov0n", "rules+ 4"));
	ck_assert_ptr_nonnull(member_trouble());
	stage_tell(true, NULL);
	ck_assert_ptr_null(member_trouble());
}
END_TEST

/* Nothing keeps others from speaking in the name of machines inside: there are none, until something does. */
START_TEST(unguarded)
{
	stage.guard_err = VMP_EIO;
	stage_begin();
	stage_registered();
	ck_assert_ptr_null(strstr(stage_done(), "address"));
	ck_assert_ptr_nonnull(strstr(member_trouble(), "as the test wants it"));
	ck_assert_uint_eq(stage.puts, 1);
	stage.guard_err = VMP_OK;
	stage_run(31000);
	ck_assert_uint_eq(stage.puts, 2);
	stage_registered();
	stage_tell(true, NULL);
	ck_assert_ptr_null(member_trouble());
	ck_assert_ptr_nonnull(strstr(stage_done(), "guard\n"));
}
END_TEST

/* Whoever flushes all rules takes the guard away. */
START_TEST(guard_is_flushed)
{
	stage_begin();
	stage_registered();
	stage_tell(true, NULL);
	stage_done();
	stage_run(3000);
	ck_assert_ptr_null(strstr(stage_done(), "guard\n"));
	stage.guard_away = true;
	stage_run(3000);
	ck_assert_ptr_nonnull(strstr(stage_done(), "guard\n"));
	ck_assert_ptr_null(member_trouble());
	stage.guard_away = true;
	stage.guard_err = VMP_EIO;
	stage_run(3000);
	ck_assert_ptr_nonnull(strstr(member_trouble(), "as the test wants it"));
}
END_TEST

/* A site whose prefix has the underlay in it would cut this machine off. */
START_TEST(site_is_the_underlay)
{
	ck_assert_int_eq(prefix_read("127.0.0.0/8", &stage.self.inner4_site, NULL), VMP_OK);
	ck_assert_int_eq(prefix_read("127.0.0.80", &stage.self.inner4, NULL), VMP_OK);
	stage_begin();
	stage_registered();
	ck_assert_ptr_null(strstr(stage_done(), "guard\n"));
	ck_assert_ptr_nonnull(strstr(member_trouble(), "127.0.0.1:40000"));
}
END_TEST

/* The machine lost its power: names of before are gone at once, since nothing keeps packets for them inside yet. */
START_TEST(names_of_before)
{
	stage.names = 7;
	stage_begin();
	stage_run(200);
	ck_assert_uint_eq(stage.names, 0);
}
END_TEST

/* Keys on the disk go even when this life has not come to them. */
START_TEST(refused_with_older_keys)
{
	struct stat st;

	folder_write("coi-keys.json", "{}", 0600);
	stage_begin();
	stage_self_fails(VMP_EACCES, "disabled");
	ck_assert_int_eq(stat(folder_path("coi-keys.json"), &st), -1);
}
END_TEST

START_TEST(without_ipv4)
{
	const char *done;

	stage.self.inner4.family = stage.self.inner4_site.family = 0;
	stage_begin();
	stage_registered();
	done = stage_done();
	ck_assert_ptr_null(strstr(done, "10.64"));
	ck_assert_ptr_null(strstr(done, "rules+ 4"));
	ck_assert_ptr_nonnull(strstr(done, "rules+ 6"));
}
END_TEST

/* Before the directory has told all, nobody is told that somebody is not there. */
START_TEST(too_early)
{
	stage_begin();
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.refused, 0); /* no address of ours yet */
	stage_registered();
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.refused, 0);
	stage_tell(true, NULL);
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.refused, 1);
}
END_TEST

START_TEST(go_again)
{
	up();
	member_go();
	member_go();
	stage_registered();
	stage_run(1000);
	ck_assert_str_eq(stage_done(), "");
	ck_assert(machine_agreed(a));
	ck_assert_uint_eq(stage.agains, 1);
	ck_assert_uint_ge(stage.fetches, 2);
}
END_TEST

/* policyd is away: what there is goes on. */
START_TEST(not_reached)
{
	up();
	stage_directory_state(VMP_EIO, "no route");
	member_go();
	stage_self_fails(VMP_EIO, "no route");
	stage_run(1000);
	ck_assert(machine_agreed(a));
	ck_assert_ptr_null(member_trouble());
	ck_assert_uint_eq(stage.wipes, 0);
}
END_TEST

/* -- down --------------------------------------------------------------------------------------------------------- */

static void is_down(void)
{
	ck_assert_uint_eq(stage.n_wg, 0);
	ck_assert_uint_eq(stage.n_key, 0);
	ck_assert_uint_eq(peers_count(), 0);
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_ge(stage.wipes, 1);
	stage_run(200);
	ck_assert_uint_eq(stage.names, 0);
	ck_assert_uint_eq(a->byes, 1);
	ck_assert(!a->is_peer);
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.refused, 1);
	ck_assert_uint_eq(pairs_count(), 0);
}

START_TEST(halted)
{
	const char *done;

	up();
	member_halt("the licence is over");
	done = stage_done();
	ck_assert(done_before(done, "wg- a", "route- fd00::1 "));
	/* Packets go nowhere else meanwhile. */
	ck_assert_ptr_null(strstr(done, "rules-"));
	ck_assert_ptr_null(strstr(done, "route- fd00::/64"));
	is_down();
	ck_assert_str_eq(member_trouble(), "the licence is over");
	member_halt("again");
	machine_need(a);
	stage_run(60000);
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_eq(stage.puts, 1);
}
END_TEST

START_TEST(halted_and_gone_on)
{
	up();
	member_halt("the licence is over");
	stage_run(100);
	member_go();
	ck_assert_uint_eq(stage.puts, 2);
	stage_key("c1", 1);
	stage_registered();
	machine_join(a, false);
	stage_tell(true, a, NULL);
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
	ck_assert_ptr_null(member_trouble());
}
END_TEST

START_TEST(directory_refuses)
{
	up();
	stage_directory_state(VMP_EACCES, "revoked");
	is_down();
	ck_assert_str_eq(member_trouble(), "revoked");
	/* What is told to one that is not wanted says nothing. */
	stage_tell(true, a, NULL);
	ck_assert_uint_eq(peers_count(), 0);
	ck_assert_uint_eq(stage.puts, 1);
	stage_run(31000);
	ck_assert_uint_eq(stage.puts, 2);
	stage_self_fails(VMP_EACCES, "still revoked");
	ck_assert_str_eq(member_trouble(), "still revoked");
	stage_registered();
	ck_assert_uint_eq(stage.agains, 1);
	stage_key("c1", 1);
	stage_tell(true, a, NULL);
	ck_assert_uint_eq(peers_count(), 1);
	ck_assert_ptr_null(member_trouble());
}
END_TEST

START_TEST(directory_takes_us_back)
{
	up();
	stage_directory_state(VMP_EACCES, "disabled");
	stage_directory_state(VMP_OK, "");
	ck_assert_uint_eq(stage.puts, 2);
}
END_TEST

START_TEST(self_refused)
{
	up();
	member_go();
	stage_self_fails(VMP_EACCES, "no licence for web");
	is_down();
	ck_assert_str_eq(member_trouble(), "no licence for web");
}
END_TEST

START_TEST(refused_at_first)
{
	stage_begin();
	stage_self_fails(VMP_EACCES, "revoked");
	ck_assert_str_eq(member_trouble(), "revoked");
	stage_run(31000);
	ck_assert_uint_eq(stage.puts, 2);
}
END_TEST

/* -- its own entry ------------------------------------------------------------------------------------------------ */

START_TEST(other_inner_address)
{
	up();
	ck_assert_int_eq(prefix_read("fd00::81", &stage.self.inner6, NULL), VMP_OK);
	member_go();
	stage_registered();
	ck_assert_uint_eq(stage.n_wg, 0);
	ck_assert_ptr_nonnull(strstr(stage_done(), "address fd00::81 vmprov0"));
	ck_assert_uint_eq(stage.agains, 1);
	ck_assert_uint_eq(peers_count(), 0);
}
END_TEST

/* -- the end ------------------------------------------------------------------------------------------------------ */

START_TEST(ended)
{
	const char *done;

	up();
	member_free(true);
	done = stage_done();
	ck_assert(done_before(done, "wg- a", "wg away"));
	/* A program that goes on sending must not send in the clear. */
	ck_assert_ptr_null(strstr(done, "rules-"));
	ck_assert_ptr_null(strstr(done, "unreachable"));
	stage_run(100);
	ck_assert_uint_eq(a->byes, 1);
	ck_assert_str_eq(member_trouble(), "not there");
	ck_assert_uint_eq(stage.names, 0);
}
END_TEST

START_TEST(ended_for_a_moment)
{
	up();
	member_free(false);
	ck_assert_str_eq(stage_done(), "");
	ck_assert_ptr_nonnull(machine_wg(a));
	stage_run(100);
	ck_assert_uint_eq(a->byes, 0);
	ck_assert_uint_eq(stage.names, 2);
}
END_TEST

Suite *check_halt(void)
{
	Suite *s = suite_create("halt");
	TCase *t = tcase_create("halt");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, key_is_made);
	tcase_add_test(t, bad_keys);
	tcase_add_test(t, bad_settings);
	tcase_add_test(t, up_in_order);
	tcase_add_test(t, unguarded);
	tcase_add_test(t, guard_is_flushed);
	tcase_add_test(t, site_is_the_underlay);
	tcase_add_test(t, names_of_before);
	tcase_add_test(t, refused_with_older_keys);
	tcase_add_test(t, without_ipv4);
	tcase_add_test(t, too_early);
	tcase_add_test(t, go_again);
	tcase_add_test(t, not_reached);
	tcase_add_test(t, halted);
	tcase_add_test(t, halted_and_gone_on);
	tcase_add_test(t, directory_refuses);
	tcase_add_test(t, directory_takes_us_back);
	tcase_add_test(t, self_refused);
	tcase_add_test(t, refused_at_first);
	tcase_add_test(t, other_inner_address);
	tcase_add_test(t, ended);
	tcase_add_test(t, ended_for_a_moment);
	suite_add_tcase(s, t);
	return s;
}
