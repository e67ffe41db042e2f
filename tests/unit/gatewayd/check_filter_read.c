#include "rules.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vmp_msg msg;

static int read_text(const char *text, struct filter_set *out)
{
	memset(out, 0xff, sizeof(*out));
	return filter_read(text, strlen(text), out, &msg);
}

/* -- what is refused ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *why;
} bad_answers[] = {
	{ "", "" },
	{ "[]", "" },
	{ "{\"full\": true, \"rules\": []}", "version" },
	{ "{\"version\": -1, \"full\": true, \"rules\": []}", "version" },
	{ "{\"version\": \"1\", \"full\": true, \"rules\": []}", "version" },
	{ "{\"version\": 1, \"rules\": []}", "full" },
	{ "{\"version\": 1, \"full\": false, \"rules\": []}", "full: expected true" },
	{ "{\"version\": 1, \"full\": true}", "rules" },
	{ "{\"version\": 1, \"full\": true, \"rules\": {}}", "rules" },
	{ "{\"version\": 1, \"full\": true, \"rules\": [7]}", "expected an object" },
	{ "{\"version\": 1, \"full\": true, \"rules\": [{}]}", "id" },
	{ "{\"version\": 1, \"full\": true, \"rules\": []} x", "" },
	{ "{\"version\": 1, \"version\": 2, \"full\": true, \"rules\": []}", "" },
};

START_TEST(bad_answers_are_refused)
{
	struct filter_set set;

	ck_assert_int_eq(read_text(bad_answers[_i].text, &set), VMP_EINVAL);
	ck_assert_msg(*msg.text && strstr(msg.text, bad_answers[_i].why), "%s", msg.text);
	ck_assert_uint_eq(set.n, 0);
	ck_assert_ptr_null(set.rule);
}
END_TEST

static const struct {
	struct rules_one rule;
	const char *why;
} bad_rules[] = {
	{ { .id = 0 }, "id" },
	{ { .id = -4 }, "id" },
	{ { .id = 1, .coi = "" }, "coi" },
	{ { .id = 1, .coi = "we b" }, "coi" },
	{ { .id = 1, .coi = "web; flush ruleset" }, "coi" },
	{ { .id = 1, .direction = "both" }, "direction: expected in, out" },
	{ { .id = 1, .direction = "" }, "direction" },
	{ { .id = 1, .protocol = "sctp" }, "protocol: expected any, tcp" },
	{ { .id = 1, .action = "allow" }, "action: expected accept, drop" },
	{ { .id = 1, .source = "\"192.0.2.1/24\"" }, "source[0]" },
	{ { .id = 1, .source = "\"2001:db8::/32\", \"x\"" }, "source[1]" },
	{ { .id = 1, .source = "7" }, "source[0]" },
	{ { .id = 1, .source = "\"\"" }, "source[0]" },
	{ { .id = 1, .source = "\"0.0.0.0/0 } accept; #\"" }, "source[0]" },
	{ { .id = 1, .destination = "\"192.0.2.0/33\"" }, "destination[0]" },
	{ { .id = 1, .ports = "\"0x50\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"\"" }, "ports[0]" },
	{ { .id = 1, .ports = "80" }, "ports[0]" },
	{ { .id = 1, .ports = "\"80\", \"65536\"" }, "ports[1]" },
	{ { .id = 1, .ports = "\"123456\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"080\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"90-80\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"80-\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"-80\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"80-90-100\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\" 80\"" }, "ports[0]" },
	{ { .id = 1, .ports = "\"http\"" }, "ports[0]" },
	{ { .id = 1, .source_ports = "\"80 }\"" }, "source_ports[0]" },
	{ { .id = 1, .protocol = "any", .ports = "\"80\"" }, "neither tcp nor udp" },
	{ { .id = 1, .protocol = "icmp", .source_ports = "\"80\"" }, "neither tcp nor udp" },
};

START_TEST(one_bad_rule_refuses_all)
{
	const struct rules_one rules[] = { { .id = 100 }, bad_rules[_i].rule, { .id = 101 } };
	const char *text = rules_text(9, rules, 3);
	struct filter_set set;

	ck_assert_int_eq(read_text(text, &set), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad_rules[_i].why) != NULL, "%s", msg.text);
	ck_assert_uint_eq(set.n, 0);
	ck_assert_int_eq(set.version, 9);
}
END_TEST

START_TEST(it_is_named_by_its_id)
{
	const struct rules_one rules[] = { { .id = 4711, .action = "allow" } };
	struct filter_set set;

	ck_assert_int_eq(read_text(rules_text(1, rules, 1), &set), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "rule 4711: action"));
}
END_TEST

START_TEST(an_id_stands_once)
{
	const struct rules_one rules[] = { { .id = 3 }, { .id = 7 }, { .id = 3, .coi = "db" } };
	struct filter_set set;

	ck_assert_int_eq(read_text(rules_text(1, rules, 3), &set), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "rule 3"));
}
END_TEST

/* A member that narrows a rule must not be overlooked. */
START_TEST(what_is_not_known_in_a_rule_is_refused)
{
	const struct rules_one rules[] = { { .id = 3 } };
	char text[1024];
	struct filter_set set;
	char *log;

	snprintf(text, sizeof(text), "%s", rules_text(1, rules, 1));
	log = strstr(text, "\"log\"");
	ck_assert_ptr_nonnull(log);
	memmove(log + strlen("\"ttl\": 1, "), log, strlen(log) + 1);
	memcpy(log, "\"ttl\": 1, ", strlen("\"ttl\": 1, "));
	ck_assert_int_eq(read_text(text, &set), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "ttl: not known"));
}
END_TEST

START_TEST(a_missing_member_is_refused)
{
	static const char *const members[] = { "id",	 "coi",		"position", "direction",
					       "source", "destination", "protocol", "source_ports",
					       "ports",	 "action",	"log" };
	const struct rules_one rules[] = { { .id = 3 } };
	char text[1024], quoted[32];
	struct filter_set set;
	char *at;

	snprintf(text, sizeof(text), "%s", rules_text(1, rules, 1));
	snprintf(quoted, sizeof(quoted), "\"%s\":", members[_i]);
	at = strstr(text, quoted);
	ck_assert_ptr_nonnull(at);
	at[1] = 'X';
	ck_assert_int_eq(read_text(text, &set), VMP_EINVAL);
}
END_TEST

START_TEST(too_many_are_refused)
{
	size_t n = FILTER_RULES + 1, i, at;
	char *text = malloc(n * 256 + 100);
	struct filter_set set;

	ck_assert_ptr_nonnull(text);
	at = (size_t)sprintf(text, "{\"version\": 1, \"full\": true, \"rules\": [");
	for (i = 0; i < n; i++)
		at += (size_t)sprintf(text + at,
				      "%s{\"id\":%zu,\"coi\":\"web\",\"position\":1,\"direction\":\"in\",\"source\":[],"
				      "\"destination\":[],\"protocol\":\"tcp\",\"source_ports\":[],\"ports\":[],"
				      "\"action\":\"drop\",\"log\":false}",
				      i ? "," : "", i + 1);
	strcpy(text + at, "]}");
	ck_assert_int_eq(read_text(text, &set), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "rules"));
	free(text);
}
END_TEST

/* A list has 1000 octets with policyd, and one that is longer here would have all rules refused. */
START_TEST(what_policyd_can_say_is_read)
{
	char ports[8 * 500 + 1];
	const struct rules_one rules[] = { { .id = 7, .protocol = "udp", .ports = ports } };
	struct filter_set set;
	size_t i, at = 0;

	for (i = 0; i < 500; i++)
		at += (size_t)snprintf(ports + at, sizeof(ports) - at, "%s\"%zu\"", i ? "," : "", 1 + i % 9);
	set = rules_set(1, rules, 1);
	ck_assert_uint_eq(set.rule[0].ports.n, 1);
	ck_assert_uint_eq(set.rule[0].ports.of[0].last, 9);
	filter_set_clear(&set);
}
END_TEST

/* -- what is taken ------------------------------------------------------------------------------------------------ */

START_TEST(a_rule_is_read)
{
	const struct rules_one rules[] = { { .id = 7,
					     .coi = "web-1.x_",
					     .direction = "out",
					     .protocol = "udp",
					     .source = "\"2001:db8::/32\", \"192.0.2.1\"",
					     .source_ports = "\"0-65535\"",
					     .ports = "\"53\", \"8000-8100\"",
					     .action = "reject",
					     .log = true } };
	struct filter_set set = rules_set(42, rules, 1);
	const struct filter_rule *r = &set.rule[0];

	ck_assert_int_eq(set.version, 42);
	ck_assert_uint_eq(set.n, 1);
	ck_assert_int_eq(r->id, 7);
	ck_assert_str_eq(r->coi, "web-1.x_");
	ck_assert_int_eq(r->direction, FILTER_OUT);
	ck_assert_int_eq(r->protocol, FILTER_UDP);
	ck_assert_int_eq(r->action, FILTER_REJECT);
	ck_assert(r->log);
	ck_assert_uint_eq(r->source.n, 2);
	ck_assert_int_eq(r->source.of[0].family, AF_INET);
	ck_assert_uint_eq(r->destination.n, 0);
	ck_assert_uint_eq(r->source_ports.n, 1);
	ck_assert_uint_eq(r->source_ports.of[0].last, 65535);
	ck_assert_uint_eq(r->ports.n, 2);
	ck_assert_uint_eq(r->ports.of[1].first, 8000);
	filter_set_clear(&set);
}
END_TEST

START_TEST(none_are_fine)
{
	struct filter_set set = rules_set(1, NULL, 0);

	ck_assert_uint_eq(set.n, 0);
	filter_set_clear(&set);
}
END_TEST

START_TEST(prefixes_within_others_go)
{
	const struct rules_one rules[] = { { .id = 7,
					     .source = "\"10.1.0.0/16\", \"10.0.0.0/8\", \"10.2.3.4\", \"10.0.0.0/8\", "
						       "\"2001:db8::1\", \"11.0.0.0/8\"" } };
	struct filter_set set = rules_set(1, rules, 1);
	const struct filter_prefixes *list = &set.rule[0].source;
	struct prefix eight = rules_prefix("10.0.0.0/8"), one = rules_prefix("2001:db8::1");

	ck_assert_uint_eq(list->n, 3);
	ck_assert(prefix_equal(&list->of[0], &eight));
	ck_assert(prefix_equal(&list->of[2], &one));
	filter_set_clear(&set);
}
END_TEST

START_TEST(ranges_that_touch_become_one)
{
	const struct rules_one rules[] = {
		{ .id = 7, .ports = "\"90-100\", \"80\", \"81-89\", \"95\", \"200\", \"65535\", \"100-110\"" }
	};
	struct filter_set set = rules_set(1, rules, 1);
	const struct filter_ports *list = &set.rule[0].ports;

	ck_assert_uint_eq(list->n, 3);
	ck_assert_uint_eq(list->of[0].first, 80);
	ck_assert_uint_eq(list->of[0].last, 110);
	ck_assert_uint_eq(list->of[1].first, 200);
	ck_assert_uint_eq(list->of[2].last, 65535);
	filter_set_clear(&set);
}
END_TEST

/* -- marks -------------------------------------------------------------------------------------------------------- */

static void mark(struct filter_set *set, const struct filter_set *before, uint32_t *last)
{
	size_t i, j;

	filter_marks(set, before, last);
	for (i = 0; i < set->n; i++) {
		ck_assert_uint_ne(set->rule[i].mark, 0);
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(set->rule[i].mark, set->rule[j].mark);
	}
}

/* Which rules of after keep their mark: 'k'; 'n': a new one. */
static void check_marks(const struct rules_one *before, size_t n_before, const struct rules_one *after, size_t n_after,
			const char *wanted)
{
	struct filter_set none = { .n = 0 }, old = rules_set(1, before, n_before), set = rules_set(2, after, n_after);
	uint32_t last = UINT32_MAX - 1;
	char got[16] = "";
	size_t i, j;

	mark(&old, &none, &last);
	mark(&set, &old, &last);
	for (i = 0; i < n_after; i++) {
		got[i] = 'n';
		for (j = 0; j < n_before; j++) {
			if (old.rule[j].mark == set.rule[i].mark)
				got[i] = old.rule[j].id == set.rule[i].id ? 'k' : '?';
		}
	}
	ck_assert_str_eq(got, wanted);
	filter_set_clear(&old);
	filter_set_clear(&set);
}

START_TEST(rules_that_stay_keep_their_marks)
{
	const struct rules_one a[] = { { .id = 1 }, { .id = 2, .action = "drop" }, { .id = 3, .log = true } };
	const struct rules_one logged[] = { { .id = 1, .log = true }, { .id = 2, .action = "drop" }, { .id = 3 } };
	const struct rules_one fewer[] = { { .id = 3 } }, more[] = {
		{ .id = 1 }, { .id = 9, .ports = "\"1\"" }, { .id = 2, .action = "drop" }, { .id = 3 }
	};

	check_marks(a, 3, a, 3, "kkk");
	check_marks(a, 3, logged, 3, "kkk");
	check_marks(a, 3, fewer, 1, "k");
	check_marks(a, 3, more, 4, "knkk");
}
END_TEST

START_TEST(a_rule_that_is_another_gets_a_new_one)
{
	const struct rules_one a[] = { { .id = 1 }, { .id = 2 } };
	const struct rules_one ports[] = { { .id = 1, .ports = "\"1\"" }, { .id = 2 } };
	const struct rules_one source[] = { { .id = 1 }, { .id = 2, .source = "\"10.0.0.0/8\"" } };
	const struct rules_one coi[] = { { .id = 1, .coi = "db" }, { .id = 2, .direction = "out" } };

	check_marks(a, 2, ports, 2, "nk");
	check_marks(a, 2, source, 2, "kn");
	check_marks(a, 2, coi, 2, "nn");
}
END_TEST

/* What an accepted connection would meet first now. */
START_TEST(what_is_dropped_ahead_ends_those_behind_it)
{
	const struct rules_one a[] = { { .id = 1 }, { .id = 2, .action = "drop" }, { .id = 3 } };
	const struct rules_one first[] = { { .id = 2, .action = "drop" }, { .id = 1 }, { .id = 3 } };
	const struct rules_one another[] = { { .id = 1 }, { .id = 9, .action = "reject" }, { .id = 3 } };
	const struct rules_one elsewhere[] = { { .id = 9, .action = "drop", .coi = "db" },
					       { .id = 8, .action = "drop", .direction = "out" },
					       { .id = 1 },
					       { .id = 2, .action = "drop" },
					       { .id = 3 } };
	const struct rules_one wider[] = { { .id = 1 },
					   { .id = 2, .action = "drop", .source = "\"::/0\"" },
					   { .id = 3 } };

	check_marks(a, 3, first, 3, "knk");
	check_marks(a, 3, another, 3, "knn");
	check_marks(a, 3, elsewhere, 5, "nnkkk");
	check_marks(a, 3, wider, 3, "knn");
}
END_TEST

Suite *check_filter_read(void)
{
	Suite *suite = suite_create("filter_read");
	TCase *refused = tcase_create("refused"), *taken = tcase_create("taken"), *marks = tcase_create("marks");

	tcase_add_loop_test(refused, bad_answers_are_refused, 0, sizeof(bad_answers) / sizeof(bad_answers[0]));
	tcase_add_loop_test(refused, one_bad_rule_refuses_all, 0, sizeof(bad_rules) / sizeof(bad_rules[0]));
	tcase_add_test(refused, it_is_named_by_its_id);
	tcase_add_test(refused, an_id_stands_once);
	tcase_add_test(refused, what_is_not_known_in_a_rule_is_refused);
	tcase_add_loop_test(refused, a_missing_member_is_refused, 0, 11);
	tcase_add_test(refused, too_many_are_refused);
	tcase_add_test(refused, what_policyd_can_say_is_read);
	tcase_add_test(taken, a_rule_is_read);
	tcase_add_test(taken, none_are_fine);
	tcase_add_test(taken, prefixes_within_others_go);
	tcase_add_test(taken, ranges_that_touch_become_one);
	tcase_add_test(marks, rules_that_stay_keep_their_marks);
	tcase_add_test(marks, a_rule_that_is_another_gets_a_new_one);
	tcase_add_test(marks, what_is_dropped_ahead_ends_those_behind_it);
	suite_add_tcase(suite, refused);
	suite_add_tcase(suite, taken);
	suite_add_tcase(suite, marks);
	return suite;
}
