#include "key_stage.h"
#include "keys.h"
#include "script.h"
#include "suites_member.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct keys *keys;
static unsigned n_changed;
static char states[64];
static char cache[FOLDER_PATH];
static bool wipe_it, free_it;

static void on_changed(void *ctx)
{
	ck_assert_ptr_eq(ctx, states);
	n_changed++;
	if (wipe_it)
		keys_wipe(keys);
}

static void on_state(void *ctx, int err, const char *why)
{
	size_t len = strlen(states);

	ck_assert_ptr_eq(ctx, states);
	ck_assert_int_eq(*why != '\0', err != VMP_OK);
	ck_assert_uint_lt(len, sizeof(states) - 1);
	states[len] = err == VMP_OK ? 'o' : err == VMP_EACCES ? 'r' : err == VMP_ENOENT ? 'n' : 'u';
	if (free_it) {
		keys_free(keys);
		keys = NULL;
	}
}

static void begin(void)
{
	struct keys_settings settings = { .client = script_client(KEYS_ANSWER),
					  .certificate = key_stage.certificate,
					  .key = key_stage.key,
					  .ca = key_stage.ca_file,
					  .cache = cache,
					  .changed = on_changed,
					  .state = on_state,
					  .ctx = states };
	struct vmp_msg msg = { "" };

	ck_assert_msg(keys_new(stage.base, &settings, &keys, &msg) == VMP_OK, "%s", msg.text);
}

static void setup(void)
{
	script_setup();
	key_stage_setup();
	/* No TLS with its certificate, which is of another CA than the server's: the server would not let it in. */
	web_server_free(stage.server);
	stage_serve(&(struct web_tls){ .own = &stage.server_own });
	script_answers();
	snprintf(cache, sizeof(cache), "%s", folder_path("coi-keys.json"));
}

static void teardown(void)
{
	keys_free(keys);
	keys = NULL;
	key_stage_teardown();
	script_teardown();
}

#define WEB(n, is_current, ...)                                                                                        \
	{                                                                                                              \
		.coi = "web", .epoch = n, .current = is_current, .octet = n, __VA_ARGS__                               \
	}
#define SAY(...) script_say(200, key_stage_answer((const struct key_stage_one[]){ __VA_ARGS__, { .coi = NULL } }))
#define GETS	 script_count("GET /v1/coi-keys")

static const struct keys_one *all(size_t n)
{
	const struct keys_one *out;

	ck_assert_uint_eq(keys_all(keys, &out), n);
	return out;
}

static bool has_changed(void)
{
	return n_changed > 0;
}

static bool has_changed_twice(void)
{
	return n_changed >= 2;
}

static bool state_told(void)
{
	return *states != '\0';
}

static bool state_told_twice(void)
{
	return strlen(states) >= 2;
}

static bool fetched_twice(void)
{
	return GETS >= 2;
}

static bool put(void)
{
	return script.n_put > 0;
}

static bool put_twice(void)
{
	return script.n_put >= 2;
}

/* -- fetching --------------------------------------------------------------------------------------------------- */

START_TEST(nothing_is_fetched_by_itself)
{
	begin();
	all(0);
	script_turn(100);
	ck_assert_uint_eq(script.n_seen, 0);
	ck_assert_uint_eq(n_changed, 0);
	ck_assert_str_eq(states, "");
}
END_TEST

START_TEST(keys_come)
{
	const struct keys_one *out;

	begin();
	SAY(WEB(7, false), WEB(8, true));
	keys_fetch(keys);
	script_until(has_changed);
	out = all(2);
	ck_assert(out[0].epoch == 7 && !out[0].current && out[0].key[0] == 7);
	ck_assert(out[1].epoch == 8 && out[1].current && out[1].key[31] == 8);
	ck_assert_str_eq(states, "o");
	script_turn(1200);
	ck_assert_uint_eq(GETS, 1);
	ck_assert_uint_eq(n_changed, 1);
}
END_TEST

START_TEST(several_fetches_are_one_and_one_a_second)
{
	int i;

	begin();
	for (i = 0; i < 10; i++)
		keys_fetch(keys);
	script_await(1);
	ck_assert_uint_eq(script.n_seen, 1);
	/* One is on its way, and may have been answered before what they are about. */
	for (i = 0; i < 10; i++)
		keys_fetch(keys);
	SAY(WEB(7, true));
	SAY(WEB(8, true));
	script_until(has_changed_twice);
	ck_assert_uint_eq(GETS, 2);
	ck_assert_double_ge(script.seen[script.n_seen - 1].at - script.seen[0].at, 0.5);
	ck_assert_uint_eq(all(1)->epoch, 8);
	script_turn(1200);
	ck_assert_uint_eq(GETS, 2);
}
END_TEST

START_TEST(the_same_is_no_change)
{
	const char *text = key_stage_answer((const struct key_stage_one[]){ WEB(7, true), { .coi = NULL } });

	begin();
	script_say(200, text);
	keys_fetch(keys);
	script_until(has_changed);
	script_say(200, text);
	keys_fetch(keys);
	script_until(fetched_twice);
	script_turn(100);
	ck_assert_uint_eq(n_changed, 1);
	ck_assert_str_eq(states, "o");
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		int status;
		char state;
	} refused[] = { { 403, 'r' }, { 401, 'r' }, { 404, 'n' }, { 500, 'u' }, { 503, 'u' } };

	begin();
	script_say(refused[_i].status, "{\"error\": \"revoked\"}");
	keys_fetch(keys);
	script_until(state_told);
	ck_assert_int_eq(states[0], refused[_i].state);
	ck_assert_uint_eq(n_changed, 0);
	if (refused[_i].state == 'u')
		script_until(fetched_twice);
	script_turn(refused[_i].state == 'u' ? 0 : 1300);
	ck_assert_uint_eq(GETS, refused[_i].state == 'u' ? 2 : 1);
	ck_assert_uint_eq(strlen(states), 1);
}
END_TEST

START_TEST(at_once_after_a_refusal_when_told)
{
	begin();
	script_say(403, "{\"error\": \"no licence\"}");
	keys_fetch(keys);
	script_until(state_told);
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	ck_assert_str_eq(states, "ro");
}
END_TEST

START_TEST(what_makes_no_sense_changes_nothing)
{
	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	script_say(200, "{\"keys\": [{}]}");
	keys_fetch(keys);
	script_until(state_told_twice);
	ck_assert_str_eq(states, "ou");
	all(1);
	ck_assert_uint_eq(n_changed, 1);
	/* It is tried again by itself. */
	SAY(WEB(8, true));
	script_until(has_changed_twice);
	ck_assert_str_eq(states, "ouo");
}
END_TEST

START_TEST(one_that_does_not_open_is_fetched_again)
{
	begin();
	SAY(WEB(7, true), { .coi = "db", .epoch = 1, .current = true, .octet = 1, .spoilt = true });
	keys_fetch(keys);
	script_until(has_changed);
	all(1);
	SAY(WEB(7, true), { .coi = "db", .epoch = 1, .current = true, .octet = 1 });
	script_until(has_changed_twice);
	ck_assert_uint_eq(all(2)[1].key[0], 1);
	ck_assert_str_eq(states, "o");
}
END_TEST

START_TEST(renewed_while_it_is_on_its_way)
{
	const char *text;

	begin();
	keys_fetch(keys);
	script_await(1);
	ck_assert_uint_eq(script.n_seen, 1);
	/* For the certificate that asked. */
	text = key_stage_answer((const struct key_stage_one[]){ WEB(7, true), { .coi = NULL } });
	key_stage_renew(EVP_EC_gen("P-256"));
	script_say(200, text);
	script_until(has_changed);
	all(1);
}
END_TEST

START_TEST(files_that_cannot_be_used)
{
	ck_assert_int_eq(rename(key_stage.key, folder_path("away")), 0);
	begin();
	keys_fetch(keys);
	script_until(state_told);
	ck_assert_str_eq(states, "u");
	ck_assert_uint_eq(script.n_seen, 0);
	ck_assert_int_eq(rename(folder_path("away"), key_stage.key), 0);
	SAY(WEB(7, true));
	script_until(has_changed);
}
END_TEST

START_TEST(keys_end_by_themselves)
{
	begin();
	SAY(WEB(7, true, .ends = 3));
	keys_fetch(keys);
	script_until(has_changed);
	all(1);
	script_until(has_changed_twice);
	all(0);
	/* And it looks whether there is another one. */
	script_until(fetched_twice);
}
END_TEST

START_TEST(freed_whenever)
{
	begin();
	keys_fetch(keys);
	script_turn(100);
	keys_free(keys);
	keys = NULL;
	script_say(200, "{\"keys\": []}");
	script_turn(100);
	ck_assert_str_eq(states, "");
	begin();
	free_it = true;
	script_say(403, "{\"error\": \"revoked\"}");
	keys_fetch(keys);
	script_until(state_told);
	ck_assert_ptr_null(keys);
	keys_free(NULL);
}
END_TEST

/* -- acknowledgements ------------------------------------------------------------------------------------------- */

START_TEST(the_highest_epoch_is_acknowledged_once)
{
	begin();
	SAY(WEB(8, true), WEB(7, false), { .coi = "db", .epoch = 3, .current = true, .octet = 3 });
	keys_fetch(keys);
	script_until(put_twice);
	ck_assert_uint_eq(script_count("PUT /v1/coi-keys/web"), 1);
	ck_assert_uint_eq(script_count("PUT /v1/coi-keys/db"), 1);
	ck_assert_str_eq(script.seen[1].body, "{\"epoch\": 8}");
	ck_assert_str_eq(script.seen[2].body, "{\"epoch\": 3}");
	SAY(WEB(8, true), { .coi = "db", .epoch = 4, .current = true, .octet = 4 });
	keys_fetch(keys);
	script_until(has_changed_twice);
	script_turn(200);
	ck_assert_uint_eq(script.n_put, 3);
	ck_assert_str_eq(script_last(), "PUT /v1/coi-keys/db");
	ck_assert_str_eq(script.seen[script.n_seen - 1].body, "{\"epoch\": 4}");
}
END_TEST

START_TEST(one_that_does_not_open_is_not_acknowledged)
{
	begin();
	SAY(WEB(7, false), WEB(8, true, .spoilt = true));
	keys_fetch(keys);
	script_until(put);
	ck_assert_str_eq(script.seen[1].body, "{\"epoch\": 7}");
}
END_TEST

START_TEST(acknowledgements_are_repeated)
{
	script.put_status = 503;
	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(put);
	script.put_status = 0;
	script_until(put_twice);
	script_turn(1500);
	ck_assert_uint_eq(script.n_put, 2);
}
END_TEST

START_TEST(acknowledgements_of_what_is_gone_are_not)
{
	script.put_status = 404;
	begin();
	SAY(WEB(7, true), { .coi = "db", .epoch = 3, .current = true, .octet = 3 });
	keys_fetch(keys);
	script_until(put_twice);
	script_turn(1500);
	ck_assert_uint_eq(script.n_put, 2);
}
END_TEST

/* -- the disk --------------------------------------------------------------------------------------------------- */

static void again(void)
{
	keys_free(keys);
	keys = NULL;
	*states = '\0';
	n_changed = 0;
	begin();
}

START_TEST(a_restart_without_policyd)
{
	struct stat st;

	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	ck_assert_int_eq(stat(cache, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* Envelopes, not keys. */
	ck_assert_ptr_null(strstr(folder_read("coi-keys.json"), "BwcHBwcHBw"));
	script_down();
	again();
	ck_assert_uint_eq(all(1)->key[0], 7);
	ck_assert_str_eq(states, "");
	ck_assert_uint_eq(n_changed, 0);
}
END_TEST

START_TEST(what_ended_meanwhile)
{
	begin();
	SAY(WEB(7, true, .ends = 2), WEB(6, false));
	keys_fetch(keys);
	script_until(has_changed);
	keys_free(keys);
	keys = NULL;
	script_turn(3100);
	again();
	ck_assert_uint_eq(all(1)->epoch, 6);
}
END_TEST

START_TEST(caches_of_no_use)
{
	static const char *const texts[] = { "", "x", "{}", "{\"keys\": [{}]}" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		folder_write("coi-keys.json", texts[i], 0600);
		again();
		all(0);
	}
	/* One that others may write is none. */
	folder_write("coi-keys.json", key_stage_answer((const struct key_stage_one[]){ WEB(7, true), { .coi = NULL } }),
		     0644);
	again();
	all(0);
	ck_assert_int_eq(chmod(cache, 0600), 0);
	again();
	all(1);
	key_stage_renew(EVP_EC_gen("P-256"));
	again();
	all(0);
	ck_assert_int_eq(unlink(key_stage.key), 0);
	again();
	all(0);
}
END_TEST

START_TEST(without_a_cache)
{
	*cache = '\0';
	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	keys_wipe(keys);
	all(0);
	snprintf(cache, sizeof(cache), "/nowhere/coi-keys.json");
	again();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	all(1);
}
END_TEST

START_TEST(all_is_forgotten)
{
	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(put);
	/* Also what is on its way. */
	keys_fetch(keys);
	script_until(fetched_twice);
	ck_assert_uint_eq(GETS, 2);
	keys_wipe(keys);
	all(0);
	ck_assert_int_ne(access(cache, F_OK), 0);
	ck_assert_uint_eq(n_changed, 1);
	SAY(WEB(7, true));
	script_turn(1500);
	all(0);
	/* Until it is told; and then policyd hears of it again. */
	keys_fetch(keys);
	SAY(WEB(7, true));
	script_until(has_changed_twice);
	script_until(put_twice);
	all(1);
}
END_TEST

START_TEST(a_fetch_that_was_to_come_is_forgotten)
{
	begin();
	keys_fetch(keys);
	keys_wipe(keys);
	script_turn(200);
	ck_assert_uint_eq(script.n_seen, 0);
}
END_TEST

START_TEST(a_slow_answer_is_waited_for)
{
	begin();
	keys_fetch(keys);
	script_await(1);
	keys_fetch(keys);
	script_turn(1300);
	ck_assert_uint_eq(GETS, 1);
	SAY(WEB(7, true));
	script_until(fetched_twice);
}
END_TEST

START_TEST(forgotten_from_inside)
{
	wipe_it = true;
	begin();
	SAY(WEB(7, true));
	keys_fetch(keys);
	script_until(has_changed);
	all(0);
	script_turn(300);
	ck_assert_uint_eq(script.n_put, 0);
	ck_assert_int_ne(access(cache, F_OK), 0);
}
END_TEST

static TCase *add(Suite *s, const char *name, const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 40);
	for (; *tests; tests++)
		tcase_add_test(t, *tests);
	suite_add_tcase(s, t);
	return t;
}

Suite *check_keys(void)
{
	const TTest *const fetches[] = { nothing_is_fetched_by_itself,
					 keys_come,
					 several_fetches_are_one_and_one_a_second,
					 the_same_is_no_change,
					 at_once_after_a_refusal_when_told,
					 what_makes_no_sense_changes_nothing,
					 one_that_does_not_open_is_fetched_again,
					 renewed_while_it_is_on_its_way,
					 files_that_cannot_be_used,
					 keys_end_by_themselves,
					 freed_whenever,
					 NULL };
	const TTest *const acknowledgements[] = { the_highest_epoch_is_acknowledged_once,
						  one_that_does_not_open_is_not_acknowledged,
						  acknowledgements_are_repeated,
						  acknowledgements_of_what_is_gone_are_not, NULL };
	const TTest *const disk[] = { a_restart_without_policyd,
				      what_ended_meanwhile,
				      caches_of_no_use,
				      without_a_cache,
				      all_is_forgotten,
				      forgotten_from_inside,
				      a_fetch_that_was_to_come_is_forgotten,
				      a_slow_answer_is_waited_for,
				      NULL };
	Suite *s = suite_create("keys");

	tcase_add_loop_test(add(s, "fetch", fetches), refusals, 0, 5);
	add(s, "acknowledge", acknowledgements);
	add(s, "disk", disk);
	return s;
}
