/* Filters: what the schema refuses, and what a gateway is told of them. */
#include "store_filter.h"
#include "store_directory.h"
#include "store_doctor.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char said[2000];
static int64_t version;

/* Guest 9 is a gateway in web; guest 1 is in web. */
static void setup(void)
{
	world_setup();
	world_guest(1, "web");
	world_guest(9, "gw");
}

static int on_rule(void *ctx, const struct vmp_filter *r)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s%lld %s/%s/%s/%s/%s>%s%s;", r->coi,
		 r->direction, (long long)r->position, r->protocol, r->source, r->source_ports, r->destination,
		 r->ports, r->action, r->log ? "!" : "");
	return ctx ? VMP_EBUSY : VMP_OK;
}

static const char *rules(int gateway)
{
	said[0] = '\0';
	ck_assert_msg(vmp_store_filters(world, world_mac(gateway), on_rule, NULL, &world_msg) == VMP_OK, "%s",
		      world_msg.text);
	return said;
}

static bool changed(int64_t since)
{
	int err = vmp_store_filters_changed(world, world_mac(9), since, &version, &world_msg);

	ck_assert_msg(err == VMP_OK || err == VMP_ENOENT, "%s", world_msg.text);
	ck_assert_int_eq(version, scratch_number("SELECT seq FROM sqlite_sequence WHERE name = 'change'"));
	return err == VMP_OK;
}

#define WEB		    "(SELECT id FROM coi WHERE name = 'web')"
#define APP		    "(SELECT id FROM coi WHERE name = 'app')"
#define IN(columns, values) "INSERT INTO filter (coi_id, direction" columns ") VALUES (" WEB ", 'in'" values ")"
#define SOURCE(list)	    IN(", source", ", '" list "'")
#define PORTS(list)	    IN(", protocol, ports", ", 'tcp', '" list "'")

static const struct {
	const char *sql, *says;
} refusals[] = {
	{ "INSERT INTO filter (coi_id, direction) VALUES (77, 'in')", "coi_id: expected a COI that exists" },
	{ "INSERT INTO filter (coi_id) VALUES (" WEB ")", "filter.direction" },
	{ "INSERT INTO filter (coi_id, direction) VALUES (" WEB ", 'both')", "direction: expected in or out" },
	{ IN(", id", ", 0"), "id: expected 1 or more" },
	{ IN(", id", ", 9223372036854775807"), "id: expected 1 or more, at most" },
	{ IN(", id", ", 1"), "id: a filter of this id exists" },
	{ "REPLACE INTO filter (id, coi_id, direction) VALUES (1, " WEB ", 'in')", "id: a filter of this id exists" },
	{ IN(", position", ", -1"), "position: expected" },
	{ IN(", position", ", 1000001"), "position: expected" },
	{ IN(", position", ", 1.5"), "position: expected" },
	{ IN(", protocol", ", 'sctp'"), "protocol: expected tcp, udp, icmp or any" },
	{ IN(", protocol", ", 'TCP'"), "protocol: expected" },
	{ IN(", action", ", 'allow'"), "action: expected accept, drop or reject" },
	{ IN(", log", ", 2"), "log: expected 0 or 1" },
	{ IN(", enabled", ", 'yes'"), "enabled: expected 0 or 1" },
	{ IN(", source", ", NULL"), "filter.source" },
	{ IN(", ports", ", '80'"), "ports, source_ports: expected the protocol tcp or udp" },
	{ IN(", protocol, source_ports", ", 'icmp', '80'"), "ports, source_ports: expected the protocol tcp or udp" },
	{ SOURCE("x"), "source: expected addresses" },
	{ SOURCE(","), "source: expected" },
	{ SOURCE("192.0.2.1,"), "source: expected" },
	{ SOURCE("192.0.2.1, 192.0.2.2"), "source: expected" },
	{ SOURCE("192.0.2.1/24"), "source: expected" },
	{ SOURCE("192.0.2.0/33"), "source: expected" },
	{ SOURCE("192.0.2"), "source: expected" },
	{ SOURCE("192.0.2.300"), "source: expected" },
	{ SOURCE("1:2:3:4:5:6:7"), "source: expected" },
	{ SOURCE("1:2:3:4:5:6:7:8:9"), "source: expected" },
	{ SOURCE("1::2::3"), "source: expected" },
	{ SOURCE(":1::"), "source: expected" },
	{ SOURCE("1::12345"), "source: expected" },
	{ SOURCE("2001:db8::/129"), "source: expected" },
	{ SOURCE("::ffff:192.0.2.1"), "source: expected" },
	{ SOURCE("[\""), "source: expected" },
	{ IN(", source", ", replace(hex(zeroblob(100)), '00', '10.0.0.1,') || '10.0.0.2,10.0.0.3,' || "
			 "replace(hex(zeroblob(20)), '00', '10.0.0.1,') || '1.1.1.1'"),
	  "source: expected" },
	{ IN(", destination", ", '0.0.0.0/0,nowhere'"), "destination: expected addresses" },
	{ PORTS("0"), "ports: expected ports" },
	{ PORTS("65536"), "ports: expected" },
	{ PORTS("80-"), "ports: expected" },
	{ PORTS("-80"), "ports: expected" },
	{ PORTS("81-80"), "ports: expected" },
	{ PORTS("1-2-3"), "ports: expected" },
	{ PORTS("http"), "ports: expected" },
	{ PORTS("80,,81"), "ports: expected" },
	{ PORTS("080"), "ports: expected" },
	{ IN(", protocol, source_ports", ", 'udp', '80;'"), "source_ports: expected ports" },
	{ "UPDATE filter SET id = 5", "id: expected the one that it has" },
	{ "UPDATE filter SET coi_id = 77", "coi_id: expected a COI that exists" },
	{ "UPDATE filter SET source = '192.0.2.1/8'", "source: expected" },
	{ "UPDATE filter SET destination = '192.0.2.1/8'", "destination: expected" },
	{ "UPDATE filter SET ports = '0'", "ports: expected" },
	{ "UPDATE filter SET protocol = 'any'", "ports, source_ports: expected" },
	{ "UPDATE filter SET source_ports = '0'", "source_ports: expected" },
	{ "UPDATE template SET remote = 2", "remote: expected 0 or 1, and 1 for the kind vm" },
	{ "UPDATE template SET remote = 1 WHERE kind = 'gateway'", "remote: expected 0 or 1, and 1 for the kind vm" },
};

START_TEST(what_the_schema_refuses)
{
	scratch_sql("INSERT INTO filter (id, coi_id, direction, protocol, ports) VALUES (1, " WEB
		    ", 'in', 'tcp', '80')");
	scratch_refused(refusals[_i].sql, refusals[_i].says);
}
END_TEST

static const char *const lists[] = {
	SOURCE("192.0.2.1"),
	SOURCE("0.0.0.0/0,::/0"),
	SOURCE("192.0.2.128/25"),
	SOURCE("2001:DB8::/32,fe80::1"),
	SOURCE("1:2:3:4:5:6:7:8"),
	SOURCE("::1/128"),
	SOURCE("1:2:3:4:5:6:7::"),
	PORTS("1"),
	PORTS("443,8000-8100"),
	PORTS("5-5,1-65535"),
	IN(", source", ", replace(hex(zeroblob(100)), '00', '10.0.0.1,') || '100.0.0.1'"),
};

START_TEST(what_it_takes)
{
	scratch_sql(lists[_i]);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM filter"), 1);
}
END_TEST

START_TEST(as_many_as_a_coi_may_have)
{
	scratch_sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
		    "INSERT INTO filter (coi_id, direction, position) SELECT " WEB ", 'in', i FROM n");
	scratch_refused(IN("", ""), "at most 1000 filters for one COI");
	scratch_sql("INSERT INTO filter (coi_id, direction) VALUES (" APP ", 'in')");
	scratch_refused("UPDATE filter SET coi_id = " WEB, "at most 1000 filters for one COI");
	scratch_sql("DELETE FROM filter WHERE id = 1");
	scratch_sql(IN("", ""));
}
END_TEST

START_TEST(positions)
{
	scratch_sql(IN("", ""));
	scratch_sql(IN(", position", ", 5"));
	scratch_sql(IN("", ""));
	scratch_sql("INSERT INTO filter (coi_id, direction) VALUES (" APP ", 'in')");
	ck_assert_str_eq(scratch_text("SELECT group_concat(position) FROM (SELECT position FROM filter ORDER BY id)"),
			 "10,5,20,10");
	scratch_sql("UPDATE filter SET position = 0 WHERE id = 1");
	ck_assert_str_eq(scratch_text("SELECT group_concat(position) FROM (SELECT position FROM filter ORDER BY id)"),
			 "30,5,20,10");
	scratch_sql(IN(", position", ", 1000000"));
	scratch_refused(IN("", ""), "position: expected");
}
END_TEST

START_TEST(a_gateway_is_told)
{
	ck_assert_str_eq(rules(9), "");
	scratch_sql(
		"INSERT INTO filter (coi_id, position, direction, source, destination, protocol, source_ports, ports, "
		"action, log) VALUES (" WEB ", 20, 'out', '::/0', '10.0.0.1', 'tcp', '1-2', '443', 'drop', 1);"
		"INSERT INTO filter (coi_id, position, direction) VALUES (" WEB ", 10, 'in');"
		"INSERT INTO filter (coi_id, position, direction, enabled) VALUES (" WEB ", 5, 'in', 0);"
		"INSERT INTO filter (coi_id, position, direction) VALUES (" APP ", 7, 'in')");
	ck_assert_str_eq(rules(9), "webin10 any////>accept;webout20 tcp/::/0/1-2/10.0.0.1/443>drop!;");
	scratch_sql("INSERT INTO member VALUES (0x525400000009, " APP ")");
	ck_assert_str_eq(rules(9),
			 "appin7 any////>accept;webin10 any////>accept;webout20 tcp/::/0/1-2/10.0.0.1/443>drop!;");
	scratch_sql("UPDATE coi SET enabled = 0 WHERE name = 'web'");
	ck_assert_str_eq(rules(9), "appin7 any////>accept;");
	ck_assert_str_eq(rules(8), "");
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_filters(world, world_mac(9), on_rule, said, &world_msg), VMP_EBUSY);
}
END_TEST

/* What concerns a gateway in web. */
static const struct {
	const char *sql;
	bool changed;
} events[] = {
	{ "SELECT 1", false },
	{ IN("", ""), true },
	{ "INSERT INTO filter (coi_id, direction) VALUES (" APP ", 'in')", false },
	{ "UPDATE filter SET action = 'drop' WHERE id = 1", true },
	{ "UPDATE filter SET action = 'accept' WHERE id = 1", false },
	{ "UPDATE filter SET comment = 'why' WHERE id = 1", false },
	{ "UPDATE filter SET enabled = 0 WHERE id = 1", true },
	{ "UPDATE filter SET position = 11 WHERE id = 1", true },
	{ "UPDATE filter SET direction = 'out' WHERE id = 1", true },
	{ "UPDATE filter SET source = '::/0' WHERE id = 1", true },
	{ "UPDATE filter SET destination = '::/0' WHERE id = 1", true },
	{ "UPDATE filter SET protocol = 'udp' WHERE id = 1", true },
	{ "UPDATE filter SET ports = '80' WHERE id = 1", true },
	{ "UPDATE filter SET source_ports = '80' WHERE id = 1", true },
	{ "UPDATE filter SET log = 1 WHERE id = 1", true },
	{ "UPDATE filter SET coi_id = " APP " WHERE id = 1", true },
	{ "UPDATE filter SET coi_id = " WEB " WHERE id = 2", true },
	{ "DELETE FROM filter WHERE id = 1", true },
	{ "DELETE FROM filter WHERE id = 2", false },
	{ "INSERT INTO member VALUES (0x525400000009, " APP ")", true },
	{ "DELETE FROM member WHERE mac = 0x525400000009", true },
	{ "DELETE FROM member WHERE mac = 0x525400000001", false },
	{ "UPDATE coi SET enabled = 0 WHERE name = 'web'", true },
	{ "UPDATE coi SET name = 'www' WHERE name = 'web'", true },
	{ "UPDATE coi SET enabled = 0 WHERE name = 'app'", false },
	{ "UPDATE tenant SET enabled = 0 WHERE name = 'acme'", false },
	{ "UPDATE vm SET enabled = 0 WHERE mac = 0x525400000001", false },
};

START_TEST(what_concerns_it)
{
	int64_t before;

	scratch_sql("INSERT INTO filter (id, coi_id, direction, protocol) VALUES (1, " WEB ", 'in', 'tcp'), (2, " APP
		    ", 'in', 'tcp')");
	changed(0);
	before = version;
	scratch_sql(events[_i].sql);
	ck_assert_int_eq(changed(before), events[_i].changed);
	ck_assert(!changed(version));
}
END_TEST

START_TEST(what_the_store_does_not_remember)
{
	ck_assert(changed(0));
	ck_assert(changed(-4));
	ck_assert(changed(version + 1));
	ck_assert(!changed(version - 1) || !changed(version)); /* the last change is of its entry alone */
	scratch_sql("DELETE FROM change WHERE id < (SELECT max(id) FROM change)");
	ck_assert(changed(1));
	scratch_sql("DELETE FROM change");
	ck_assert(changed(version - 1));
	ck_assert(!changed(version));
}
END_TEST

START_TEST(a_coi_takes_its_filters_along)
{
	scratch_sql("INSERT INTO filter (coi_id, direction) VALUES (" APP ", 'in'), (" WEB ", 'in');"
		    "DELETE FROM coi WHERE name = 'app'");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM filter"), 1);
}
END_TEST

static void on_finding(void *ctx, const struct vmp_finding *f)
{
	static const char *const watched[] = { "filters", "filters without a gateway", "COIs without filters",
					       "routes",  "routes of no gateway",      "IPv4 addresses inside" };
	size_t i;

	(void)ctx;
	for (i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		if (f->grade != VMP_GRADE_OK && strcmp(watched[i], f->check) == 0)
			snprintf(said + strlen(said), sizeof(said) - strlen(said), "%d %s: %s;", (int)f->grade,
				 f->check, f->examples);
	}
}

static const char *examined(void)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_examine(world, on_finding, NULL, &world_msg), VMP_OK);
	return said;
}

START_TEST(what_doctor_says)
{
	scratch_sql("UPDATE vm SET name = 'gw9' WHERE mac = 0x525400000009");
	ck_assert_str_eq(examined(), "3 COIs without filters: web;");
	scratch_sql("INSERT INTO filter (coi_id, direction) VALUES (" WEB ", 'in'), (" APP ", 'in')");
	ck_assert_str_eq(examined(), "1 filters without a gateway: app;");
	scratch_sql("DELETE FROM filter WHERE id = 2;"
		    /* What the schema lets pass. */
		    "UPDATE filter SET source = '2001:db8::1/32';"
		    "INSERT INTO gateway_route VALUES (0x525400000009, '2001:db8::1/32')");
	ck_assert_str_eq(examined(), "2 filters: filter 1;2 routes: gw9 2001:db8::1/32;");
	scratch_sql("UPDATE filter SET source = ''; DELETE FROM gateway_route;"
		    "INSERT INTO gateway_route VALUES (0x525400000009, '::/0');"
		    "UPDATE template SET kind = 'vm' WHERE name = 'gw';"
		    "UPDATE site SET inner_prefix4 = '192.0.2.0/30'; INSERT INTO inner4 VALUES (0x525400000009, 3)");
	ck_assert_str_eq(examined(), "1 filters without a gateway: web;1 routes of no gateway: gw9;"
				     "1 IPv4 addresses inside: gw9;");
}
END_TEST

Suite *check_store_filter(void)
{
	Suite *s = suite_create("store_filter");
	TCase *t = tcase_create("store_filter");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_loop_test(t, what_the_schema_refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_loop_test(t, what_it_takes, 0, sizeof(lists) / sizeof(lists[0]));
	tcase_add_test(t, as_many_as_a_coi_may_have);
	tcase_add_test(t, positions);
	tcase_add_test(t, a_gateway_is_told);
	tcase_add_loop_test(t, what_concerns_it, 0, sizeof(events) / sizeof(events[0]));
	tcase_add_test(t, what_the_store_does_not_remember);
	tcase_add_test(t, a_coi_takes_its_filters_along);
	tcase_add_test(t, what_doctor_says);
	suite_add_tcase(s, t);
	return s;
}
