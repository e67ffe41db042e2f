#include "script.h"
#include "self.h"
#include "suites_member.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD                                                                                                           \
	"{\"id\": \"11111111-2222-4333-8444-5555555555aa\", \"name\": \"web1\", \"wireguard_key\": \"x\", "            \
	"\"endpoint\": \"\", \"inner_address\": \"fd12:3456:789a:1:5054:ff:feaa:bbcc\", \"inner_ipv4\": "              \
	"\"10.64.0.7\", "                                                                                              \
	"\"inner_prefix\": \"fd12:3456:789a:1::/64\", \"inner_ipv4_prefix\": \"10.64.0.0/10\", \"gateway\": false, "   \
	"\"remote\": true}"

static const uint8_t key[VMP_COI_SECRET] = { 0,	 1,  2,	 3,  4,	 5,  6,	 7,  8,	 9,  10, 11, 12, 13, 14, 15,
					     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

/* -- the answer ------------------------------------------------------------------------------------------------- */

static void is_refused(const char *text, const char *why)
{
	struct self_answer answer, before;
	struct vmp_msg msg = { "" };

	memset(&answer, 0x55, sizeof(answer));
	before = answer;
	ck_assert_msg(self_read(text, strlen(text), &answer, &msg) == VMP_EINVAL, "%s", text);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: %s", text, msg.text);
	ck_assert_mem_eq(&answer, &before, sizeof(answer));
}

static char *with(const char *name, const char *value)
{
	json_t *doc = json_loads(GOOD, 0, NULL);
	char *text;

	if (value)
		json_object_set_new(doc, name, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(doc, name);
	text = json_dumps(doc, 0);
	json_decref(doc);
	return text;
}

static const struct {
	const char *name, *value, *why;
} wrong[] = {
	{ "id", NULL, "id: " },
	{ "id", "7", "id: " },
	{ "id", "\"11111111-2222-4333-8444-5555555555AA\"", "id: " },
	{ "name", NULL, "name: " },
	{ "name", "\"\"", "name: " },
	{ "inner_address", NULL, "inner_address: " },
	{ "inner_address", "\"\"", "inner_address: " },
	{ "inner_address", "\"10.64.0.7\"", "inner_address: " },
	{ "inner_address", "\"fd12:3456:789a:1::/64\"", "inner_address: " },
	{ "inner_address", "\"fd12:3456:789a:2::1\"", "inner_address: expected one of inner_prefix" },
	{ "inner_ipv4", NULL, "inner_ipv4: " },
	{ "inner_ipv4", "\"10.128.0.1\"", "inner_ipv4: expected one of inner_ipv4_prefix" },
	{ "inner_prefix", NULL, "inner_prefix: " },
	{ "inner_prefix", "\"\"", "inner_prefix: " },
	{ "inner_prefix", "\"fd12:3456:789a:1::1/64\"", "inner_prefix: " },
	{ "inner_prefix", "\"10.64.0.0/10\"", "inner_prefix: expected one of IPv6" },
	{ "inner_ipv4_prefix", NULL, "inner_ipv4_prefix: " },
	{ "inner_ipv4_prefix", "\"fd12::/64\"", "inner_ipv4_prefix: expected one of IPv4" },
	{ "inner_ipv4_prefix", "\"\"", "inner_ipv4: expected one of inner_ipv4_prefix" },
	{ "gateway", NULL, "gateway: " },
	{ "gateway", "0", "gateway: " },
	{ "remote", NULL, "remote: " },
	{ "remote", "null", "remote: " },
};

START_TEST(values_that_are_refused)
{
	char *text = with(wrong[_i].name, wrong[_i].value);

	is_refused(text, wrong[_i].why);
	free(text);
}
END_TEST

START_TEST(no_json)
{
	is_refused("", "expected JSON");
	is_refused("[]", "");
	is_refused("{\"id\": 1, \"id\": 1}", "expected JSON");
}
END_TEST

START_TEST(what_is_read)
{
	struct self_answer answer;
	char *text = with("inner_ipv4", "\"\"");
	char out[PREFIX_TEXT];

	ck_assert_int_eq(self_read(text, strlen(text), &answer, NULL), VMP_OK);
	ck_assert(answer.inner4.family == 0 && answer.inner4_site.family == AF_INET);
	free(text);
	ck_assert_int_eq(self_read(GOOD, strlen(GOOD), &answer, NULL), VMP_OK);
	ck_assert_str_eq(answer.id, "11111111-2222-4333-8444-5555555555aa");
	ck_assert_uint_eq(answer.uuid[15], 0xaa);
	ck_assert_str_eq(answer.name, "web1");
	prefix_write(&answer.inner6, out);
	ck_assert_str_eq(out, "fd12:3456:789a:1:5054:ff:feaa:bbcc");
	prefix_write(&answer.inner4, out);
	ck_assert_str_eq(out, "10.64.0.7");
	prefix_write(&answer.inner6_site, out);
	ck_assert_str_eq(out, "fd12:3456:789a:1::/64");
	prefix_write(&answer.inner4_site, out);
	ck_assert_str_eq(out, "10.64.0.0/10");
	ck_assert(!answer.gateway && answer.remote);
}
END_TEST

/* -- asking ----------------------------------------------------------------------------------------------------- */

static struct self *self;
static unsigned n_done;
static int last_err;
static char last_name[129];
static bool free_it;

static void on_done(void *ctx, int err, const struct self_answer *answer, const char *why)
{
	ck_assert_ptr_eq(ctx, &self);
	ck_assert_int_eq(*why != '\0', err != VMP_OK);
	ck_assert_int_eq(answer != NULL, err == VMP_OK);
	n_done++;
	last_err = err;
	snprintf(last_name, sizeof(last_name), "%s", answer ? answer->name : why);
	if (free_it) {
		self_free(self);
		self = NULL;
	}
}

static void begin(void)
{
	struct self_settings settings = { .client = script_client(0),
					  .certificate = stage.certificate,
					  .key = stage.key,
					  .done = on_done,
					  .ctx = &self };

	ck_assert_int_eq(self_new(stage.base, &settings, &self, NULL), VMP_OK);
}

static void end(void)
{
	self_free(self);
	self = NULL;
}

static bool done(void)
{
	return n_done > 0;
}

static bool done_twice(void)
{
	return n_done >= 2;
}

START_TEST(what_is_asked)
{
	begin();
	script_say(200, GOOD);
	ck_assert_int_eq(self_put(self, key, "192.0.2.1:51820", NULL), VMP_OK);
	script_until(done);
	ck_assert_int_eq(last_err, VMP_OK);
	ck_assert_str_eq(last_name, "web1");
	ck_assert_str_eq(script.seen[0].line, "PUT /v1/self");
	ck_assert_str_eq(script.seen[0].body, "{\"wireguard_key\": \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\", "
					      "\"endpoint\": \"192.0.2.1:51820\"}");
	ck_assert_str_eq(script.seen[0].peer, "for the server");
	/* Once is enough, until it is said again. */
	script_turn(1200);
	ck_assert_uint_eq(script.n_seen, 1);
	script_say(200, GOOD);
	ck_assert_int_eq(self_put(self, key, "", NULL), VMP_OK);
	script_until(done_twice);
	ck_assert_ptr_nonnull(strstr(script.seen[1].body, "\"endpoint\": \"\"}"));
	end();
}
END_TEST

START_TEST(endpoints_that_are_none)
{
	char long_one[200];
	static const char *const bad[] = { "\"", "192.0.2.1:51820\"", "host:1", "1 ", "\n" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(self_put(self, key, bad[i], NULL), VMP_EINVAL);
	memset(long_one, '1', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	ck_assert_int_eq(self_put(self, key, long_one, NULL), VMP_EINVAL);
	script_turn(50);
	ck_assert_uint_eq(script.n_seen, 0);
	end();
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		int status, err;
		bool soon;
	} refused[] = { { 403, VMP_EACCES, false }, { 401, VMP_EACCES, false }, { 404, VMP_ENOENT, false },
			{ 400, VMP_EINVAL, false }, { 409, VMP_EIO, true },	{ 503, VMP_EIO, true },
			{ 200, VMP_EIO, true } };

	begin();
	script_say(refused[_i].status, "{\"error\": \"because\"}");
	ck_assert_int_eq(self_put(self, key, "", NULL), VMP_OK);
	script_until(done);
	ck_assert_int_eq(last_err, refused[_i].err);
	if (!refused[_i].soon) {
		ck_assert_ptr_nonnull(strstr(last_name, "because"));
		script_turn(900);
		ck_assert_uint_eq(script.n_seen, 1);
	} else {
		script_say(200, GOOD);
		script_until(done_twice);
		ck_assert_int_eq(last_err, VMP_OK);
	}
	end();
}
END_TEST

START_TEST(another_one_in_its_place)
{
	begin();
	ck_assert_int_eq(self_put(self, key, "192.0.2.1:1", NULL), VMP_OK);
	script_await(1);
	ck_assert_uint_eq(script.n_seen, 1);
	ck_assert_int_eq(self_put(self, key, "192.0.2.1:2", NULL), VMP_OK);
	script_await(2);
	ck_assert_uint_eq(script.n_seen, 2);
	script_say(200, GOOD);
	script_until(done);
	script_turn(100);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_ptr_nonnull(strstr(script.seen[1].body, "192.0.2.1:2"));
	end();
}
END_TEST

START_TEST(freed_whenever)
{
	begin();
	ck_assert_int_eq(self_put(self, key, "", NULL), VMP_OK);
	script_turn(100);
	end();
	script_turn(100);
	ck_assert_uint_eq(n_done, 0);
	begin();
	free_it = true;
	script_say(403, "{}");
	ck_assert_int_eq(self_put(self, key, "", NULL), VMP_OK);
	script_until(done);
	ck_assert_ptr_null(self);
	self_free(NULL);
}
END_TEST

START_TEST(files_that_cannot_be_used)
{
	remove(stage.key);
	begin();
	ck_assert_int_eq(self_put(self, key, "", NULL), VMP_OK);
	script_until(done);
	ck_assert_int_eq(last_err, VMP_EIO);
	end();
}
END_TEST

Suite *check_self(void)
{
	const TTest *const tests[] = { what_is_asked,  endpoints_that_are_none,	  another_one_in_its_place,
				       freed_whenever, files_that_cannot_be_used, NULL };
	Suite *s = suite_create("self");
	TCase *t = tcase_create("read");

	tcase_add_loop_test(t, values_that_are_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, no_json);
	tcase_add_test(t, what_is_read);
	suite_add_tcase(s, t);
	tcase_add_loop_test(script_add(s, "ask", tests), refusals, 0, 7);
	return s;
}
