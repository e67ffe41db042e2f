#include "filter_compile.h"
#include "rules.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vmp_msg msg;
static const struct filter_frame plain = { "vmprov0", "", "icmp", false, false };
static const struct prefix none;

/* What stands in a block, without the tabs before its lines; until the next call. NULL: there is none. */
static const char *block(const char *text, const char *head)
{
	static char out[8192];
	const char *at = strstr(text, head), *end = at ? strstr(at, "\n\t}\n") : NULL;
	size_t n = 0;

	if (!end)
		return NULL;
	for (at += strlen(head); at <= end; at++) {
		if (*at != '\t' && (n > 0 || *at != '\n'))
			out[n++] = *at;
	}
	out[n] = '\0';
	return out;
}

/* COIs that have rules have numbers from 1, in the rules' order. */
static char *compile(const struct filter_frame *frame, const struct rules_one *rules, size_t n)
{
	struct filter_set set = rules_set(1, rules, n), before = { .n = 0 };
	struct filter_elements elements = { .of = NULL };
	struct filter_cois cois = { .of = NULL };
	uint32_t last = 0x10;
	char *text = NULL;
	unsigned number;
	size_t i;

	filter_marks(&set, &before, &last);
	for (i = 0; i < n; i++) {
		number = filter_coi_number(&cois, set.rule[i].coi);
		cois.of[number - 1].rules = true;
	}
	ck_assert_int_eq(filter_elements_end(&elements, &msg), VMP_OK);
	ck_assert_int_eq(filter_compile(frame, &set, &cois, &elements, &text, &msg), VMP_OK);
	ck_assert_ptr_nonnull(text);
	filter_cois_clear(&cois);
	filter_set_clear(&set);
	return text;
}

/* -- a rule ------------------------------------------------------------------------------------------------------- */

#define REPLY	"ct direction reply return\n"
#define ABOUT	"ct state related meta l4proto { icmp, ipv6-icmp } "
#define NONE	ABOUT "return\n"
#define ERRORS	ABOUT "ct mark { 0x00000011 } accept\n" NONE
#define COUNTED "counter name rule_7 "
#define PASS	COUNTED "ct mark set 0x00000011 accept\n"
#define LIMIT	"ct state new limit rate 20/second burst 20 packets log prefix \"vmprov filter 7: \"\n"

static const struct {
	struct rules_one rule;
	const char *chain, *wanted;
} single[] = {
	{ { .id = 7, .protocol = "any" }, "in_1", REPLY ERRORS PASS },
	{ { .id = 7 }, "in_1", REPLY ERRORS "meta l4proto tcp " PASS },
	{ { .id = 7 }, "out_1", "ct direction reply ct mark { 0x00000011 } accept\n" REPLY NONE },
	{ { .id = 7, .direction = "out" }, "out_1", REPLY ERRORS "meta l4proto tcp " PASS },
	{ { .id = 7, .direction = "out" }, "in_1", "ct direction reply ct mark { 0x00000011 } accept\n" REPLY NONE },
	{ { .id = 7, .action = "drop" }, "in_1", REPLY NONE "meta l4proto tcp " COUNTED "drop\n" },
	{ { .id = 7, .action = "reject" },
	  "in_1",
	  REPLY NONE "meta l4proto tcp " COUNTED "reject with icmpx admin-prohibited\n" },
	{ { .id = 7, .protocol = "icmp", .action = "drop" },
	  "in_1",
	  REPLY NONE "meta l4proto { icmp, ipv6-icmp } " COUNTED "drop\n" },
	{ { .id = 7, .protocol = "udp", .source_ports = "\"53\"", .ports = "\"1000-2000\", \"5\"", .action = "drop" },
	  "in_1",
	  REPLY NONE "meta l4proto udp udp sport { 53 } udp dport { 5, 1000-2000 } " COUNTED "drop\n" },
	{ { .id = 7, .source = "\"192.0.2.0/24\"", .action = "drop" },
	  "in_1",
	  REPLY NONE "ip saddr { 192.0.2.0/24 } meta l4proto tcp " COUNTED "drop\n" },
	{ { .id = 7, .destination = "\"2001:db8::1\"", .action = "drop" },
	  "in_1",
	  REPLY NONE "ip6 daddr { 2001:db8::1 } meta l4proto tcp " COUNTED "drop\n" },
	{ { .id = 7, .source = "\"192.0.2.1\", \"198.51.100.0/24\", \"::/0\"", .action = "drop" },
	  "in_1",
	  REPLY NONE "ip saddr { 192.0.2.1, 198.51.100.0/24 } meta l4proto tcp " COUNTED "drop\n"
		     "ip6 saddr { ::/0 } meta l4proto tcp " COUNTED "drop\n" },
	{ { .id = 7,
	    .source = "\"192.0.2.1\", \"2001:db8::/32\"",
	    .destination = "\"198.51.100.1\"",
	    .action = "drop" },
	  "in_1",
	  REPLY NONE "ip saddr { 192.0.2.1 } ip daddr { 198.51.100.1 } meta l4proto tcp " COUNTED "drop\n" },
	{ { .id = 7, .source = "\"192.0.2.1\"", .destination = "\"2001:db8::1\"", .action = "drop" },
	  "in_1",
	  REPLY NONE },
	{ { .id = 7, .protocol = "any", .action = "drop", .log = true }, "in_1", REPLY NONE LIMIT COUNTED "drop\n" },
};

START_TEST(a_rule_becomes_text)
{
	char *text = compile(&plain, &single[_i].rule, 1), head[32];

	snprintf(head, sizeof(head), "chain %s {", single[_i].chain);
	ck_assert_str_eq(block(text, head), single[_i].wanted);
	ck_assert_ptr_nonnull(strstr(text, "\tcounter rule_7 { }\n"));
	free(text);
}
END_TEST

START_TEST(rules_stay_in_order_and_in_their_coi)
{
	const struct rules_one rules[] = { { .id = 3, .protocol = "any", .action = "drop" },
					   { .id = 1, .protocol = "udp" },
					   { .id = 2, .coi = "db", .protocol = "any" } };
	char *text = compile(&plain, rules, 3);

	ck_assert_str_eq(block(text, "chain in_1 {"),
			 REPLY ABOUT "ct mark { 0x00000012 } accept\n" NONE "counter name rule_3 drop\n"
				     "meta l4proto udp counter name rule_1 ct mark set 0x00000012 accept\n");
	ck_assert_str_eq(block(text, "chain out_2 {"), "ct direction reply ct mark { 0x00000013 } accept\n" REPLY NONE);
	free(text);
}
END_TEST

/* -- the frame ---------------------------------------------------------------------------------------------------- */

START_TEST(without_rules_nothing_passes)
{
	char *text = compile(&plain, NULL, 0);

	ck_assert_int_eq(strncmp(text, FILTER_AWAY "table inet vmprov_gateway {\n", strlen(FILTER_AWAY) + 28), 0);
	ck_assert_str_eq(block(text, "chain between {"), "goto refuse\n");
	ck_assert_str_eq(block(text, "chain refuse {"),
			 "counter name dropped\nlimit rate 20/second burst 20 packets reject with icmpx "
			 "admin-prohibited\ndrop\n");
	ck_assert_str_eq(
		block(text, "chain forward {"),
		"type filter hook forward priority 0; policy accept;\n"
		"iifname != { \"vmprov0\", \"vmprov0n\" } oifname != { \"vmprov0\", \"vmprov0n\" } goto refuse\n"
		"ct state invalid goto refuse\n"
		"iifname { \"vmprov0\", \"vmprov0n\" } oifname { \"vmprov0\", \"vmprov0n\" } goto between\n"
		"iifname { \"vmprov0\", \"vmprov0n\" } ip saddr vmap @from4\n"
		"oifname { \"vmprov0\", \"vmprov0n\" } ip saddr @machines4 goto refuse\n"
		"oifname { \"vmprov0\", \"vmprov0n\" } ip daddr vmap @to4\n"
		"iifname { \"vmprov0\", \"vmprov0n\" } ip6 saddr vmap @from6\n"
		"oifname { \"vmprov0\", \"vmprov0n\" } ip6 saddr @machines6 goto refuse\n"
		"oifname { \"vmprov0\", \"vmprov0n\" } ip6 daddr vmap @to6\n"
		"goto refuse\n");
	ck_assert_ptr_null(strstr(text, "masquerade"));
	ck_assert_ptr_null(strstr(text, "jump"));
	free(text);
}
END_TEST

START_TEST(the_clear_side_can_be_named)
{
	const struct filter_frame frame = { "wg7", "eth0, eth1", "", true, true };
	char *text = compile(&frame, NULL, 0);
	const char *forward = block(text, "chain forward {");

	ck_assert_ptr_nonnull(
		strstr(forward, "\niifname != { \"wg7\", \"wg7n\" } oifname != { \"wg7\", \"wg7n\" } accept\n"));
	ck_assert_ptr_nonnull(
		strstr(forward, "\niifname { \"wg7\", \"wg7n\" } oifname != { \"eth0\", \"eth1\" } goto refuse\n"));
	ck_assert_ptr_nonnull(
		strstr(forward, "\noifname { \"wg7\", \"wg7n\" } iifname != { \"eth0\", \"eth1\" } goto refuse\n"));
	ck_assert_str_eq(block(text, "chain postrouting {"),
			 "type nat hook postrouting priority 100; policy accept;\n"
			 "oifname != { \"wg7\", \"wg7n\" } ip saddr @machines4 masquerade\n"
			 "oifname != { \"wg7\", \"wg7n\" } ip6 saddr @machines6 masquerade\n");
	free(text);
}
END_TEST

START_TEST(what_the_gateway_itself_takes)
{
	const struct filter_frame some = { "vmprov0", "", "icmp tcp/8444,udp/53", false, false },
				  nothing = { "vmprov0", "", "", false, false };
	char *text = compile(&some, NULL, 0);
	const char *input = block(text, "chain input {");

	ck_assert_ptr_nonnull(strstr(input, "\niifname { \"vmprov0\", \"vmprov0n\" } tcp dport 8444 accept\n"
					    "iifname { \"vmprov0\", \"vmprov0n\" } udp dport 53 accept\n"
					    "counter name dropped drop\n"));
	ck_assert_ptr_nonnull(strstr(input, "icmpv6 type echo-request accept\n"));
	ck_assert_ptr_nonnull(strstr(input, "\niifname != { \"vmprov0\", \"vmprov0n\" } ip6 daddr @own6 counter"));
	free(text);
	text = compile(&nothing, NULL, 0);
	input = block(text, "chain input {");
	ck_assert_ptr_null(strstr(input, "echo-request"));
	ck_assert_ptr_null(strstr(input, "dport"));
	free(text);
}
END_TEST

/* -- elements ----------------------------------------------------------------------------------------------------- */

struct machine {
	const char *inner6, *inner4;
	bool remote;
	unsigned coi;
	unsigned cois[3];
};

/* COIs 1 and 2 have rules, 3 has none; 2 and 3 have remote machines. */
static struct filter_elements make(const struct machine *machines, size_t n)
{
	static struct filter_coi of[] = { { "web", true, false }, { "db", true, true }, { "mail", false, true } };
	const struct filter_cois cois = { of, 3 };
	struct filter_elements elements = { .of = NULL };
	size_t i;

	for (i = 0; i < n; i++) {
		const struct machine *m = &machines[i];
		struct prefix inner6 = m->inner6 ? rules_prefix(m->inner6) : none;
		struct prefix inner4 = m->inner4 ? rules_prefix(m->inner4) : none;
		struct filter_machine machine = { .inner6 = &inner6,
						  .inner4 = &inner4,
						  .remote = m->remote,
						  .coi = m->coi,
						  .cois = m->cois,
						  .n_coi = 3 };

		filter_elements_machine(&elements, &cois, &machine);
	}
	ck_assert_int_eq(filter_elements_end(&elements, &msg), VMP_OK);
	return elements;
}

static void check_change(const struct machine *before, size_t n_before, const struct machine *after, size_t n_after,
			 const char *wanted)
{
	struct filter_elements from = make(before, n_before), to = make(after, n_after);
	char *text = NULL;

	ck_assert_int_eq(filter_elements_change(&from, &to, &text, &msg), VMP_OK);
	if (wanted)
		ck_assert_str_eq(text, wanted);
	else
		ck_assert_ptr_null(text);
	free(text);
	filter_elements_clear(&from);
	filter_elements_clear(&to);
}

#define DELETE "delete element inet vmprov_gateway "
#define ADD    "add element inet vmprov_gateway "

static const struct machine web = { "fd12::a", NULL, false, 1, { 1 } },
			    both = { "fd12::a", "10.64.0.10", false, 1, { 1 } },
			    moved = { "fd12::a", NULL, false, 2, { 1, 2 } },
			    nowhere = { "fd12::a", NULL, false, 0, { 1 } },
			    ruleless = { "fd12::a", NULL, false, 3, { 3 } }, far = { "fd12::f", NULL, true, 2, { 2 } };

START_TEST(nothing_changes_nothing)
{
	check_change(NULL, 0, NULL, 0, NULL);
	check_change(&both, 1, &both, 1, NULL);
}
END_TEST

START_TEST(a_machine_comes_and_goes)
{
	check_change(NULL, 0, &both, 1,
		     ADD "machines4 { 10.64.0.10 }\n" ADD "machines6 { fd12::a }\n" ADD
			 "to4 { 10.64.0.10 : jump in_1 }\n" ADD "to6 { fd12::a : jump in_1 }\n" ADD
			 "from4 { 10.64.0.10 : jump out_1 }\n" ADD "from6 { fd12::a : jump out_1 }\n");
	check_change(&both, 1, &web, 1,
		     DELETE "machines4 { 10.64.0.10 }\n" DELETE "to4 { 10.64.0.10 }\n" DELETE "from4 { 10.64.0.10 }\n");
	check_change(&web, 1, NULL, 0,
		     DELETE "machines6 { fd12::a }\n" DELETE "to6 { fd12::a }\n" DELETE "from6 { fd12::a }\n");
}
END_TEST

START_TEST(a_machine_that_talks_in_no_coi_goes_nowhere)
{
	check_change(&web, 1, &nowhere, 1, DELETE "to6 { fd12::a }\n" DELETE "from6 { fd12::a }\n");
}
END_TEST

START_TEST(a_coi_without_rules_leads_nowhere)
{
	check_change(NULL, 0, &ruleless, 1, ADD "machines6 { fd12::a }\n" ADD "members_3_6 { fd12::a }\n");
}
END_TEST

START_TEST(another_coi_in_one_step)
{
	check_change(&web, 1, &moved, 1,
		     DELETE "to6 { fd12::a }\n" DELETE "from6 { fd12::a }\n" ADD "to6 { fd12::a : jump in_2 }\n" ADD
			    "from6 { fd12::a : jump out_2 }\n" ADD "members_2_6 { fd12::a }\n");
}
END_TEST

START_TEST(a_remote_machine_is_told_apart)
{
	check_change(NULL, 0, &far, 1,
		     ADD "machines6 { fd12::f }\n" ADD "to6 { fd12::f : jump in_2 }\n" ADD
			 "from6 { fd12::f : jump out_2 }\n" ADD "members_2_6 { fd12::f }\n" ADD
			 "remotes_2_6 { fd12::f }\n");
}
END_TEST

/* nftables would refuse all of it. */
START_TEST(one_address_stands_once)
{
	const struct machine twice[] = { moved, web };

	check_change(NULL, 0, twice, 2,
		     ADD "machines6 { fd12::a }\n" ADD "to6 { fd12::a : jump in_1 }\n" ADD
			 "from6 { fd12::a : jump out_1 }\n" ADD "members_2_6 { fd12::a }\n");
}
END_TEST

START_TEST(the_table_has_them)
{
	static struct filter_coi of[] = { { "web", true, false }, { "db", true, true }, { "mail", false, true } };
	const struct filter_cois cois = { of, 3 };
	const struct machine machines[] = { both, far };
	struct filter_elements elements = make(machines, 2);
	const struct rules_one rules[] = { { .id = 1 }, { .id = 2, .coi = "db" } };
	struct filter_set set = rules_set(1, rules, 2);
	char *text;

	ck_assert_int_eq(filter_compile(&plain, &set, &cois, &elements, &text, &msg), VMP_OK);
	ck_assert_str_eq(block(text, "map to6 {"),
			 "type ipv6_addr : verdict\nelements = { fd12::a : jump in_1, fd12::f : jump in_2 }\n");
	ck_assert_str_eq(block(text, "set remotes_2_6 {"), "type ipv6_addr\nelements = { fd12::f }\n");
	ck_assert_str_eq(block(text, "set members_3_4 {"), "type ipv4_addr\n");
	ck_assert_ptr_null(strstr(text, "chain in_3"));
	ck_assert_str_eq(block(text, "chain between {"), "ip saddr @members_2_4 ip daddr @remotes_2_4 accept\n"
							 "ip saddr @remotes_2_4 ip daddr @members_2_4 accept\n"
							 "ip6 saddr @members_2_6 ip6 daddr @remotes_2_6 accept\n"
							 "ip6 saddr @remotes_2_6 ip6 daddr @members_2_6 accept\n"
							 "ip saddr @members_3_4 ip daddr @remotes_3_4 accept\n"
							 "ip saddr @remotes_3_4 ip daddr @members_3_4 accept\n"
							 "ip6 saddr @members_3_6 ip6 daddr @remotes_3_6 accept\n"
							 "ip6 saddr @remotes_3_6 ip6 daddr @members_3_6 accept\n"
							 "goto refuse\n");
	free(text);
	filter_set_clear(&set);
	filter_elements_clear(&elements);
}
END_TEST

Suite *check_filter_compile(void)
{
	Suite *suite = suite_create("filter_compile");
	TCase *rules = tcase_create("rules"), *frame = tcase_create("frame"), *elements = tcase_create("elements");

	tcase_add_loop_test(rules, a_rule_becomes_text, 0, COUNT(single));
	tcase_add_test(rules, rules_stay_in_order_and_in_their_coi);
	tcase_add_test(frame, without_rules_nothing_passes);
	tcase_add_test(frame, the_clear_side_can_be_named);
	tcase_add_test(frame, what_the_gateway_itself_takes);
	tcase_add_test(elements, nothing_changes_nothing);
	tcase_add_test(elements, a_machine_comes_and_goes);
	tcase_add_test(elements, a_machine_that_talks_in_no_coi_goes_nowhere);
	tcase_add_test(elements, a_coi_without_rules_leads_nowhere);
	tcase_add_test(elements, another_coi_in_one_step);
	tcase_add_test(elements, a_remote_machine_is_told_apart);
	tcase_add_test(elements, one_address_stands_once);
	tcase_add_test(elements, the_table_has_them);
	suite_add_tcase(suite, rules);
	suite_add_tcase(suite, frame);
	suite_add_tcase(suite, elements);
	return suite;
}
