#include "directory.h"
#include "script.h"
#include "suites_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PEER                                                                                                           \
	"{\"id\": \"11111111-2222-4333-8444-5555555555aa\", \"name\": \"web1\", \"wireguard_key\": \"" KEY             \
	"\", \"endpoint\": \"\", \"inner_address\": \"fd12::a\", \"inner_ipv4\": \"\", \"gateway\": false, "           \
	"\"remote\": false, \"routes\": [], \"cois\": [{\"id\": 3, \"name\": \"web\", \"priority\": 20, "              \
	"\"members\": 3, \"epoch\": 7}]}"
#define ALL(version)	 "{\"version\": " #version ", \"full\": true, \"peers\": [" PEER "], \"gone\": []}"
#define NOTHING(version) "{\"version\": " #version ", \"full\": false, \"peers\": [], \"gone\": []}"
#define DEPARTED(version)                                                                                              \
	"{\"version\": " #version                                                                                      \
	", \"full\": false, \"peers\": [], \"gone\": [\"11111111-2222-4333-8444-5555555555aa\"]}"
#define PATH(since) "GET /v1/directory?since=" #since "&wait=50"

static struct directory *directory;
/* What was told; each state by the first letter of "ok", "refused", "unreachable". */
static unsigned begins, peers, gone, ends, answers, refuse_end;
static char states[64];
static int64_t version;
static bool free_it, again_from_peer, again_from_answered;

static int on_begin(void *ctx, bool full)
{
	(void)ctx;
	(void)full;
	begins++;
	return VMP_OK;
}

static int on_peer(void *ctx, const struct directory_peer *peer)
{
	(void)ctx;
	ck_assert_str_eq(peer->name, "web1");
	peers++;
	if (again_from_peer)
		directory_again(directory);
	again_from_peer = false;
	return VMP_OK;
}

static int on_gone(void *ctx, const char *id)
{
	(void)ctx;
	ck_assert_uint_eq(strlen(id), 36);
	gone++;
	return VMP_OK;
}

static int on_end(void *ctx)
{
	(void)ctx;
	ends++;
	return ends == refuse_end ? VMP_ENOMEM : VMP_OK;
}

static void on_state(void *ctx, int err, const char *why)
{
	size_t len = strlen(states);

	ck_assert_ptr_eq(ctx, states);
	ck_assert_int_eq(*why != '\0', err != VMP_OK);
	ck_assert_uint_lt(len, sizeof(states) - 1);
	ck_assert(err == VMP_OK || err == VMP_EACCES || err == VMP_ENOENT || err == VMP_EIO);
	states[len] = err == VMP_OK ? 'o' : err == VMP_EACCES ? 'r' : err == VMP_ENOENT ? 'n' : 'u';
	if (free_it) {
		directory_free(directory);
		directory = NULL;
	}
}

static void on_answered(void *ctx, int64_t at)
{
	(void)ctx;
	answers++;
	version = at;
	if (again_from_answered)
		directory_again(directory);
	again_from_answered = false;
}

static void begin(void)
{
	struct directory_settings settings = { .client = script_client(DIRECTORY_ANSWER),
					       .certificate = stage.certificate,
					       .key = stage.key,
					       .calls = { on_begin, on_peer, on_gone, on_end },
					       .state = on_state,
					       .answered = on_answered,
					       .ctx = states };

	ck_assert_int_eq(directory_new(stage.base, &settings, &directory, NULL), VMP_OK);
}

static void end(void)
{
	directory_free(directory);
	directory = NULL;
}

static bool answered(void)
{
	return answers > 0;
}

static bool asked_twice(void)
{
	return script.n_seen >= 2;
}

static bool asked_thrice(void)
{
	return script.n_seen >= 3;
}

static bool state_told(void)
{
	return *states != '\0';
}

static bool state_told_twice(void)
{
	return strlen(states) >= 2;
}

START_TEST(all_at_first_and_what_is_new_from_then_on)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	ck_assert_str_eq(script.seen[0].line, PATH(0));
	ck_assert_str_eq(script.seen[1].line, PATH(812));
	ck_assert_str_eq(script.seen[1].peer, "for the server");
	ck_assert(begins == 1 && peers == 1 && gone == 0 && ends == 1 && answers == 1 && version == 812);
	script_say(200, DEPARTED(815));
	script_until(asked_thrice);
	ck_assert_str_eq(script.seen[2].line, PATH(815));
	ck_assert(begins == 2 && peers == 1 && gone == 1 && ends == 2 && answers == 2 && version == 815);
	ck_assert_str_eq(states, "o");
	ck_assert_double_lt(script.seen[2].at - script.seen[0].at, 1.0);
	end();
}
END_TEST

START_TEST(an_answer_without_machines_may_be_a_new_key)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	/* Before the wait is over. */
	script_say(200, NOTHING(813));
	script_until(asked_thrice);
	ck_assert(answers == 2 && version == 813);
	/* The same version says that nothing is new. */
	script_say(200, NOTHING(813));
	script_await(4);
	ck_assert_uint_eq(script.n_seen, 4);
	ck_assert_uint_eq(answers, 2);
	end();
}
END_TEST

START_TEST(a_lost_connection_is_made_again_within_a_second)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	script_say(503, "{\"error\": \"stopping\"}");
	script_until(asked_thrice);
	ck_assert_str_eq(states, "ou");
	ck_assert_str_eq(script.seen[2].line, PATH(812));
	ck_assert_double_lt(script.seen[2].at - script.seen[1].at, 1.2);
	script_say(200, NOTHING(812));
	script_until(state_told_twice);
	script_turn(100);
	ck_assert_str_eq(states, "ouo");
	end();
}
END_TEST

START_TEST(nobody_is_there)
{
	begin();
	script_down();
	script_until(state_told);
	ck_assert_str_eq(states, "u");
	/* It is told once, however often it is tried. */
	script_turn(1500);
	ck_assert_str_eq(states, "u");
	ck_assert_uint_ge(http_client_counters(stage.client)->requests, 2);
	ck_assert_uint_le(http_client_counters(stage.client)->requests, 3);
	end();
}
END_TEST

START_TEST(what_makes_no_sense_is_no_answer)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	script_say(200, "{\"version\": 813, \"full\": false, \"peers\": [7], \"gone\": []}");
	script_until(asked_thrice);
	ck_assert_str_eq(states, "ou");
	ck_assert_uint_eq(answers, 1);
	/* All anew, since nobody knows what it would have said. */
	ck_assert_str_eq(script.seen[2].line, PATH(0));
	end();
}
END_TEST

START_TEST(what_could_not_be_taken_comes_anew)
{
	refuse_end = 2;
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	script_say(200, DEPARTED(813));
	script_until(asked_thrice);
	ck_assert_str_eq(script.seen[2].line, PATH(0));
	ck_assert_str_eq(states, "ou");
	end();
}
END_TEST

START_TEST(an_answer_may_be_large)
{
	static char text[300000];
	int len = snprintf(text, sizeof(text), "{\"more\": \"%*s\",", 200000, "x");

	snprintf(text + len, sizeof(text) - (size_t)len, "%s", &ALL(812)[1]);
	begin();
	script_say(200, text);
	script_until(answered);
	ck_assert_uint_eq(peers, 1);
	end();
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		int status;
		char state;
	} refused[] = {
		{ 403, 'r' }, { 401, 'r' }, { 404, 'n' }, { 400, 'u' }, { 409, 'u' }, { 500, 'u' }, { 302, 'u' }
	};

	begin();
	script_say(refused[_i].status, "{\"error\": \"revoked\"}");
	script_until(state_told);
	ck_assert_int_eq(states[0], refused[_i].state);
	/* Not at once after a refusal. */
	if (refused[_i].state == 'u')
		script_until(asked_twice);
	else
		script_turn(900);
	ck_assert_uint_eq(script.n_seen, refused[_i].state == 'u' ? 2 : 1);
	ck_assert_uint_eq(begins, 0);
	end();
}
END_TEST

START_TEST(revoked_while_it_waits)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	script_say(403, "{\"error\": \"revoked\"}");
	script_until(state_told_twice);
	ck_assert_str_eq(states, "or");
	end();
}
END_TEST

START_TEST(freed_by_a_refusal)
{
	begin();
	free_it = true;
	script_say(403, "{\"error\": \"revoked\"}");
	script_until(state_told);
	ck_assert_ptr_null(directory);
	script_turn(100);
	ck_assert_uint_eq(script.n_seen, 1);
}
END_TEST

START_TEST(freed_while_it_waits)
{
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	end();
	script_say(403, "{\"error\": \"revoked\"}");
	script_turn(100);
	ck_assert_uint_eq(answers, 1);
	ck_assert_str_eq(states, "o");
	directory_free(NULL);
}
END_TEST

START_TEST(again_while_it_waits)
{
	struct maker other = stage_certificate("the next one", &stage.server_ca, "clientAuth", NULL);

	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	stage_write_pair(&other, stage.certificate, stage.key);
	directory_again(directory);
	/* The answer to the old one is nobody's. */
	script_await(3);
	ck_assert_uint_eq(script.n_seen, 3);
	ck_assert_str_eq(script.seen[2].line, PATH(0));
	ck_assert_str_eq(script.seen[2].peer, "the next one");
	script_say(200, ALL(812));
	script_await(4);
	ck_assert_uint_eq(answers, 2);
	ck_assert_str_eq(states, "o");
	ck_assert_str_eq(script_last(), PATH(812));
	end();
	maker_clear(&other);
}
END_TEST

START_TEST(again_after_a_refusal)
{
	begin();
	script_say(403, "{\"error\": \"no licence\"}");
	script_until(state_told);
	directory_again(directory);
	script_say(200, ALL(812));
	script_until(answered);
	ck_assert_str_eq(states, "ro");
	end();
}
END_TEST

START_TEST(again_from_inside)
{
	again_from_peer = again_from_answered = true;
	begin();
	script_say(200, ALL(812));
	script_until(asked_twice);
	ck_assert_str_eq(script.seen[1].line, PATH(0));
	script_say(200, ALL(813));
	script_until(asked_thrice);
	ck_assert_str_eq(script.seen[2].line, PATH(813));
	ck_assert_double_lt(script.seen[2].at - script.seen[0].at, 1.0);
	end();
}
END_TEST

START_TEST(a_version_that_asks_for_all_is_no_busy_loop)
{
	begin();
	script_say(200, ALL(0));
	script_until(answered);
	script_turn(500);
	ck_assert_uint_eq(script.n_seen, 1);
	script_until(asked_twice);
	end();
}
END_TEST

START_TEST(files_that_cannot_be_used)
{
	remove(stage.certificate);
	begin();
	script_until(state_told);
	ck_assert_str_eq(states, "u");
	ck_assert_uint_eq(script.n_seen, 0);
	stage_write_pair(&stage.server_client, stage.certificate, stage.key);
	script_say(200, ALL(812));
	script_until(answered);
	ck_assert_str_eq(states, "uo");
	end();
}
END_TEST

Suite *check_directory(void)
{
	const TTest *const tests[] = { all_at_first_and_what_is_new_from_then_on,
				       an_answer_without_machines_may_be_a_new_key,
				       a_lost_connection_is_made_again_within_a_second,
				       nobody_is_there,
				       what_makes_no_sense_is_no_answer,
				       what_could_not_be_taken_comes_anew,
				       an_answer_may_be_large,
				       revoked_while_it_waits,
				       freed_by_a_refusal,
				       freed_while_it_waits,
				       again_while_it_waits,
				       again_after_a_refusal,
				       again_from_inside,
				       a_version_that_asks_for_all_is_no_busy_loop,
				       files_that_cannot_be_used,
				       NULL };
	Suite *s = suite_create("directory");
	TCase *t = script_add(s, "directory", tests);

	tcase_add_loop_test(t, refusals, 0, 7);
	return s;
}
