#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

/* -- start ------------------------------------------------------------------------------------- */

static int start(int n, int uuid, const char *template_name, int64_t host)
{
	const struct vmp_start s = { .uuid = world_uuid(uuid),
				     .mac = world_mac(n),
				     .template_name = template_name,
				     .name = "web1",
				     .host_id = host };

	return WRITE(vmp_store_guest_start(world, &s, &world_clock, 600, world_32(n), &world_join, &world_msg));
}

/* What is typed before guest 1, an acme VM from template gold, starts on hv1, and why it may not. */
static const struct {
	const char *sql;
	int err;
	const char *says;
} refusals[] = {
	{ "DELETE FROM vm_record", VMP_ENOENT, "vm 52:54:00:00:00:01: not found, and template gold makes none" },
	{ "UPDATE template SET name = 'silver' WHERE name = 'gold'", VMP_ENOENT, "template gold: not found" },
	{ "UPDATE template SET enabled = 0", VMP_EACCES, "template gold: disabled" },
	{ "UPDATE vm SET enabled = 0", VMP_EACCES, "vm 52:54:00:00:00:01: disabled" },
	{ "UPDATE vm SET not_after = 5", VMP_EACCES, "vm 52:54:00:00:00:01: expired" },
	{ "UPDATE vm SET not_before = 4102444800", VMP_EACCES, "vm 52:54:00:00:00:01: not valid yet" },
	{ "UPDATE tenant SET enabled = 0 WHERE name = 'acme'", VMP_EACCES, "its tenant is disabled" },
	{ "UPDATE enclave SET enabled = 0 WHERE name = 'east'", VMP_EACCES, "its enclave is disabled" },
	{ "UPDATE host SET enabled = 0 WHERE name = 'hv1'", VMP_EACCES, "host hv1: disabled" },
	{ "UPDATE host SET tenant_id = 1 WHERE name = 'hv1'", VMP_EACCES, "host hv1 speaks for another tenant's VMs" },
	{ "UPDATE host SET enclave_id = 1 WHERE name = 'hv1'", VMP_EACCES, "host hv1 speaks for another enclave's" },
	{ "UPDATE vm_record SET hosts = 'hv2'", VMP_EACCES, "bound to other hosts than hv1" },
	{ "INSERT INTO guest (mac, uuid, template_id) SELECT mac, '6ba7b810-9dad-41d1-80b4-0000000000ff', 2 FROM vm",
	  VMP_EEXIST, "is guest 6ba7b810-9dad-41d1-80b4-0000000000ff, not" },
	{ "INSERT INTO guest (mac, uuid, template_id) SELECT mac, '6ba7b810-9dad-41d1-80b4-000000000001', 1 FROM vm",
	  VMP_EACCES, "was made from another template than gold" },
	{ "INSERT INTO vm (mac, name) VALUES (9, 'nine'); INSERT INTO guest (mac, uuid, template_id) VALUES "
	  "(9, '6ba7b810-9dad-41d1-80b4-000000000001', 1)",
	  VMP_EEXIST, "is vm 00:00:00:00:00:09, not 52:54:00:00:00:01" },
	{ "UPDATE vm SET tenant_id = 1", VMP_EACCES, "vm 52:54:00:00:00:01: is of another tenant than template gold" },
	{ "UPDATE vm SET enclave_id = 1", VMP_EACCES, "is of another enclave than template gold" },
	{ "UPDATE template SET kind = 'gateway' WHERE name = 'gold'", VMP_EACCES,
	  "becomes a gateway, by template gold, for an administrator only" },
};

START_TEST(a_start_is_refused)
{
	scratch_sql("INSERT INTO vm (mac, name, tenant_id, enclave_id) VALUES (0x525400000001, 'one', 2, 2)");
	scratch_sql(refusals[_i].sql);
	ck_assert_int_eq(start(1, 1, "gold", 1), refusals[_i].err);
	ck_assert_msg(strstr(world_msg.text, refusals[_i].says) != NULL, "%s", world_msg.text);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM token"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE host_id IS NOT NULL"), 0);
}
END_TEST

START_TEST(a_start_without_sense_is_refused)
{
	struct vmp_start s = { .uuid = "not-a-uuid", .mac = world_mac(1), .template_name = "web", .host_id = 1 };

	ck_assert_int_eq(
		WRITE(vmp_store_guest_start(world, &s, &world_clock, 600, world_32(1), &world_join, &world_msg)),
		VMP_EINVAL);
	s.uuid = world_uuid(1);
	ck_assert_int_eq(
		WRITE(vmp_store_guest_start(world, &s, &world_clock, 601, world_32(1), &world_join, &world_msg)),
		VMP_EINVAL);
	s.host_id = 77;
	ck_assert_int_eq(
		WRITE(vmp_store_guest_start(world, &s, &world_clock, 600, world_32(1), &world_join, &world_msg)),
		VMP_EACCES);
	s.host_id = 1;
	s.name = "two\nlines";
	ck_assert_int_eq(
		WRITE(vmp_store_guest_start(world, &s, &world_clock, 600, world_32(1), &world_join, &world_msg)),
		VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "name: expected 1 to 128 characters without control characters");
}
END_TEST

/* Of a template that makes VMs, the host must be allowed what they will be. */
START_TEST(a_host_makes_no_vm_of_another_tenant)
{
	scratch_sql("UPDATE host SET tenant_id = 2 WHERE name = 'hv1'");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM vm"), 0);
	scratch_sql("UPDATE host SET tenant_id = 1, enclave_id = 2 WHERE name = 'hv1'");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_EACCES);
	ck_assert_int_eq(start(1, 1, "web", 0), VMP_OK);
}
END_TEST

START_TEST(no_vm_is_made_where_it_would_be_refused)
{
	scratch_sql("UPDATE tenant SET enabled = 0 WHERE id = 1");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_EACCES);
	ck_assert_str_eq(world_msg.text, "template web: its tenant is disabled");
	scratch_sql("UPDATE tenant SET enabled = 1; UPDATE enclave SET enabled = 0 WHERE id = 1");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_EACCES);
	ck_assert_str_eq(world_msg.text, "template web: its enclave is disabled");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM vm"), 0);
}
END_TEST

START_TEST(an_unknown_mac_becomes_a_vm)
{
	ck_assert_int_eq(start(1, 1, "WEB", 1), VMP_OK);
	ck_assert(world_join.created);
	ck_assert_str_eq(world_join.name, "web1");
	ck_assert_str_eq(world_join.uuid, world_uuid(1));
	ck_assert_str_eq(world_join.template_name, "web");
	ck_assert_str_eq(world_join.gateway, "10.0.0.1");
	ck_assert_str_eq(world_join.licence, "os");
	ck_assert_uint_eq(world_join.n_coi, 1);
	ck_assert_str_eq(world_join.coi[0], "web");
	ck_assert_str_eq(scratch_text("SELECT cois FROM vm_record WHERE name = 'web1'"), "web");
	ck_assert_int_eq(scratch_number("SELECT host_id FROM guest WHERE state = 'started'"), 1);
	/* A label that is taken is no reason not to start. */
	ck_assert_int_eq(start(2, 2, "web", 1), VMP_OK);
	ck_assert_str_eq(world_join.name, "52:54:00:00:00:02");
	ck_assert_int_eq(world_start(3, "web", 1), VMP_OK);
	ck_assert_str_eq(world_join.name, "52:54:00:00:00:03");
}
END_TEST

/* An administrator's removal stays. */
START_TEST(only_the_first_start_joins_cois)
{
	scratch_sql("INSERT INTO vm_record (mac, name) VALUES ('525400000001', 'one')");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
	ck_assert(!world_join.created);
	ck_assert_str_eq(world_join.name, "one");
	ck_assert_uint_eq(world_join.n_coi, 1);
	ck_assert_str_eq(world_join.coi[0], "web");
	scratch_sql("UPDATE vm_record SET cois = 'app' WHERE name = 'one'");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
	ck_assert_uint_eq(world_join.n_coi, 1);
	ck_assert_str_eq(world_join.coi[0], "app");
	scratch_sql("UPDATE coi SET enabled = 0");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
	ck_assert_uint_eq(world_join.n_coi, 0);
}
END_TEST

/* What an administrator has given it is all that it gets, also when that is disabled now. */
START_TEST(a_vm_with_cois_keeps_exactly_these)
{
	scratch_sql("INSERT INTO template_coi VALUES (1, 2); INSERT INTO coi (name, enabled) VALUES ('off', 0);"
		    "INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'app'), ('525400000002', 'off'), "
		    "('525400000003', NULL)");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
	ck_assert_uint_eq(world_join.n_coi, 1);
	ck_assert_str_eq(world_join.coi[0], "app");
	ck_assert_int_eq(start(2, 2, "web", 1), VMP_OK);
	ck_assert_uint_eq(world_join.n_coi, 0);
	ck_assert_int_eq(start(3, 3, "web", 1), VMP_OK);
	ck_assert_uint_eq(world_join.n_coi, 2);
	ck_assert_str_eq(scratch_text("SELECT group_concat(coi_id) FROM member WHERE mac < 0x525400000003"), "2,4");
}
END_TEST

START_TEST(who_makes_a_registered_vm_a_gateway)
{
	scratch_sql("INSERT INTO vm_record (mac) VALUES ('525400000001'), ('525400000002')");
	ck_assert_int_eq(start(1, 1, "gw", 1), VMP_OK); /* it has auto_create */
	scratch_sql("UPDATE template SET auto_create = 0 WHERE name = 'gw'");
	ck_assert_int_eq(start(2, 2, "gw", 1), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest"), 1);
	ck_assert_int_eq(start(2, 2, "gw", 0), VMP_OK);
	/* One already starts anywhere. */
	ck_assert_int_eq(start(1, 1, "gw", 2), VMP_OK);
	ck_assert_int_eq(start(2, 2, "gw", 1), VMP_OK);
}
END_TEST

/* A guest is what it is, however its VM and the template were changed since. */
START_TEST(a_guest_that_differs_from_its_template)
{
	scratch_sql("INSERT INTO vm_record (mac, enclave) VALUES ('525400000001', 'east')");
	ck_assert_int_eq(start(1, 1, "web", 0), VMP_EACCES);
	scratch_sql("UPDATE vm SET enclave_id = 1");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
	scratch_sql("UPDATE vm SET enclave_id = 2");
	ck_assert_int_eq(start(1, 1, "web", 1), VMP_OK);
}
END_TEST

START_TEST(a_new_start_voids_older_tokens)
{
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	scratch_sql("UPDATE token SET mac = mac"); /* harmless */
	ck_assert_int_eq(
		WRITE(vmp_store_guest_start(world, &(struct vmp_start){ world_uuid(1), world_mac(1), "web", NULL, 2 },
					    &world_clock, 60, world_32(9), &world_join, &world_msg)),
		VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM token"), 1);
	ck_assert_int_eq(scratch_number("SELECT host_id FROM guest"), 2);
	ck_assert_int_eq(world_enrol(1, 1, 2), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate WHERE revoked_at IS NULL"), 1);
	ck_assert_int_eq(world_enrol(9, 1, 3), VMP_OK);
}
END_TEST

/* -- stop -------------------------------------------------------------------------------------- */

static int stop(int n, int64_t host)
{
	return WRITE(vmp_store_guest_stop(world, world_uuid(n), host, world_clock.now, &world_msg));
}

START_TEST(a_stop_takes_all_back)
{
	struct vmp_identity who;

	world_guest(1, "web");
	ck_assert_int_eq(stop(2, 1), VMP_ENOENT);
	ck_assert_int_eq(stop(1, 2), VMP_EACCES);
	ck_assert_msg(strstr(world_msg.text, "runs on another host than hv2") != NULL, "%s", world_msg.text);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(stop(1, 1), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM token"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE state = 'stopped' AND wg_key IS NULL AND "
					"endpoint IS NULL AND stopped_at IS NOT NULL AND host_id = 1"),
			 1);
	ck_assert_str_eq(scratch_text("SELECT actor || ': ' || subject || ', ' || substr(detail, 42) FROM audit"),
			 "host hv1: vm 52:54:00:00:00:01, reason cessationOfOperation");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coi_rotation WHERE reason <> 'first'"), 0);
}
END_TEST

START_TEST(a_second_stop_changes_nothing)
{
	long long changes;

	world_guest(1, "web");
	ck_assert_int_eq(stop(1, 1), VMP_OK);
	changes = scratch_number("SELECT max(id) FROM change");
	ck_assert_int_eq(stop(1, 1), VMP_OK);
	ck_assert_int_eq(stop(1, 0), VMP_OK);
	ck_assert_int_eq(stop(1, 2), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes);
}
END_TEST

/* The source of a migration must not stop what runs at its destination. */
START_TEST(a_guest_that_moved_is_its_new_hosts)
{
	struct vmp_identity who;

	world_guest(1, "web");
	ck_assert_int_eq(world_start(1, "web", 2), VMP_OK);
	ck_assert_int_eq(stop(1, 1), VMP_EACCES);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE wg_key IS NOT NULL"), 1);
	ck_assert_int_eq(stop(1, 2), VMP_OK);
}
END_TEST

START_TEST(a_guest_of_nobody_is_stopped_by_who_may_speak_for_it)
{
	ck_assert_int_eq(world_start(1, "web", 0), VMP_OK);
	scratch_sql("UPDATE vm_record SET hosts = 'hv2'");
	ck_assert_int_eq(stop(1, 1), VMP_EACCES);
	ck_assert_int_eq(stop(1, 2), VMP_OK);
}
END_TEST

START_TEST(a_stop_by_hand_does_the_same)
{
	struct vmp_identity who;

	world_guest(1, "web");
	scratch_sql("UPDATE guest SET state = 'stopped'");
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM token"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE wg_key IS NULL AND stopped_at IS NOT NULL"),
			 1);
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE state = 'started' AND stopped_at IS NULL"),
			 1);
}
END_TEST

/* -- its own entry ------------------------------------------------------------------------------ */

static const struct {
	const char *key, *endpoint;
	int err;
} selves[] = {
	{ "", "192.0.2.1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "192.0.2.1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", "192.0.2.1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=", "192.0.2.1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "192.0.2.1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1:", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1:0", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1:65536", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1:+1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.256:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "0.0.0.0:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "224.0.0.1:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "2001:db8::1:51820", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[]:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[::]:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[ff02::1]:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "host:1", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "192.0.2.1:65535", VMP_OK },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[2001:db8::1]:1", VMP_OK },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "", VMP_OK },
	{ "", "", VMP_EINVAL },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:51820", VMP_OK },
};

START_TEST(keys_and_endpoints)
{
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(
		WRITE(vmp_store_guest_self(world, world_mac(1), selves[_i].key, selves[_i].endpoint, &world_msg)),
		selves[_i].err);
	ck_assert_int_eq(scratch_number("SELECT wg_key IS NOT NULL FROM guest"), selves[_i].err == VMP_OK);
}
END_TEST

static int self(int n, int key)
{
	return WRITE(vmp_store_guest_self(world, world_mac(n), world_key(key), "192.0.2.1:1", &world_msg));
}

START_TEST(an_entry_changes_only_when_it_differs)
{
	long long changes;

	ck_assert_int_eq(self(1, 1), VMP_EACCES); /* no guest */
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(self(1, 1), VMP_OK);
	changes = scratch_number("SELECT max(id) FROM change");
	ck_assert_int_eq(self(1, 1), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes);
	ck_assert_int_eq(self(1, 2), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes + 1);
	ck_assert_int_eq(WRITE(vmp_store_guest_self(world, world_mac(1), world_key(2), "", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_self(world, world_mac(1), world_key(2), "", &world_msg)), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes + 2);
	ck_assert_str_eq(scratch_text("SELECT endpoint FROM guest"), "-");
	/* Another's key would draw its packets. */
	ck_assert_int_eq(world_start(2, "web", 1), VMP_OK);
	ck_assert_int_eq(self(2, 2), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "wg_key: another guest has this key");
	ck_assert_int_eq(stop(1, 1), VMP_OK);
	ck_assert_int_eq(self(1, 1), VMP_EACCES);
	ck_assert_int_eq(self(2, 2), VMP_OK);
}
END_TEST

/* -- names ------------------------------------------------------------------------------------- */

#define FIFTEEN "808080808080808080808080808080"
#define X60	FIFTEEN FIFTEEN FIFTEEN FIFTEEN
#define QQ15	"???????????????"
#define Q60	QQ15 QQ15 QQ15 QQ15

/* Names as they were typed, in hexadecimal, and as they are told. */
static const struct {
	const char *hex, *told;
} names[] = {
	{ "77", "w" },
	{ "77ff", "w?" },
	{ "4dfc6c6c6572", "M?ller" }, /* Latin-1 */
	{ "4dc3bc6c6c6572", "M\xc3\xbcller" },
	{ "e282ac", "\xe2\x82\xac" },
	{ "f09f9880", "\xf0\x9f\x98\x80" },
	{ "f48fbfbf78", "\xf4\x8f\xbf\xbfx" },
	{ "c080", "??" },	/* overlong */
	{ "e09fbf", "???" },	/* overlong */
	{ "f08fbfbf", "????" }, /* overlong */
	{ "eda080", "???" },	/* a surrogate */
	{ "ee8080", "\xee\x80\x80" },
	{ "f4908080", "????" }, /* beyond Unicode */
	{ "f5808080", "????" },
	{ "c3", "?" }, /* half a character */
	{ "e28278", "??x" },
	{ "f09f9878", "???x" },
	{ "80c3bc", "?\xc3\xbc" },
	{ "ffc3bcff", "?\xc3\xbc?" },
	{ "ff" X60 X60 FIFTEEN, Q60 Q60 "????????" }, /* cut to 128 */
};

START_TEST(names_are_told_as_utf8)
{
	struct vmp_identity who;
	char sql[600];

	world_guest(1, "web");
	snprintf(sql, sizeof(sql), "UPDATE vm SET name = CAST(x'%s' AS TEXT)", names[_i].hex);
	scratch_sql(sql);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_str_eq(who.name, names[_i].told);
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_str_eq(world_join.name, names[_i].told);
}
END_TEST

/* -- what the schema refuses -------------------------------------------------------------------- */

static const struct {
	const char *sql, *says;
} typed[] = {
	{ "INSERT INTO template (name) VALUES ('host')", "name: expected" },
	{ "INSERT INTO template (name) VALUES ('Host')", "name: expected" },
	{ "INSERT INTO template (name) VALUES ('two words')", "name: expected" },
	{ "INSERT INTO template (name) VALUES ('WEB')", "name: a template of this name" },
	{ "REPLACE INTO template (id, name) VALUES (1, 'x')", "name: a template of this name" },
	{ "INSERT INTO template (name, tenant_id) VALUES ('x', 99)", "tenant_id: expected" },
	{ "INSERT INTO template (name, enclave_id) VALUES ('x', 99)", "enclave_id: expected" },
	{ "INSERT INTO template (name, kind) VALUES ('x', 'host')", "kind: expected" },
	{ "INSERT INTO template (name, gateway) VALUES ('x', 'a b')", "gateway: expected" },
	{ "INSERT INTO template (name, cert_life_s) VALUES ('x', 299)", "cert_life_s: expected" },
	{ "INSERT INTO template (name, cert_life_s) VALUES ('x', 'long')", "cert_life_s: expected" },
	{ "INSERT INTO template (name, auto_create) VALUES ('x', 2)", "auto_create: expected" },
	{ "UPDATE template SET id = 9 WHERE id = 1", "the id unchanged" },
	{ "UPDATE template SET name = 'gold' WHERE id = 1", "no other template has" },
	{ "UPDATE template SET tenant_id = 1 WHERE name = 'gold'", "this template has COIs of its present tenant" },
	{ "UPDATE coi SET tenant_id = 2 WHERE name = 'web'", "in a template of another tenant" },
	{ "INSERT INTO template_coi VALUES (1, 3)", "of the template's own tenant" },
	{ "INSERT INTO template_coi VALUES (99, 1)", "template_id: expected" },
	{ "INSERT INTO template_coi VALUES (1, 99)", "coi_id: expected" },
	{ "UPDATE template_coi SET coi_id = 2", "delete this row" },
	{ "DELETE FROM coi WHERE name = 'gold'", "still in templates" },
	{ "DELETE FROM tenant WHERE name = 'acme'", "still has" },
	{ "DELETE FROM enclave WHERE name = 'east'", "still has templates" },
	{ "DELETE FROM template WHERE name = 'web'", "still has guests" },
	{ "INSERT INTO guest (mac, uuid, template_id) VALUES (7, '6ba7b810-9dad-41d1-80b4-000000000007', 1)",
	  "mac: expected a VM" },
	{ "INSERT INTO guest (mac, uuid, template_id) VALUES (2, '6BA7B810-9DAD-41D1-80B4-000000000007', 1)",
	  "uuid: expected" },
	{ "INSERT INTO guest (mac, uuid, template_id) VALUES (2, '6ba7b8109dad41d180b4000000000007----', 1)",
	  "uuid: expected" },
	{ "INSERT INTO guest (mac, uuid, template_id) VALUES (2, '6ba7b810-9dad-41d1-80b4-000000000001', 1)",
	  "a guest with one of these exists" },
	{ "INSERT INTO guest (mac, uuid, template_id) VALUES (2, '6ba7b810-9dad-41d1-80b4-000000000007', 99)",
	  "template_id: expected" },
	{ "REPLACE INTO guest (mac, uuid, template_id) SELECT mac, uuid, 2 FROM guest", "a guest with one of these" },
	{ "UPDATE guest SET mac = 2", "mac: change the MAC of its VM" },
	{ "UPDATE guest SET host_id = 99", "host_id: expected" },
	{ "UPDATE guest SET state = 'gone'", "state: expected" },
	{ "UPDATE guest SET wg_key = 'x'", "wg_key: expected" },
	{ "UPDATE guest SET endpoint = 'x'", "endpoint: expected" },
	{ "UPDATE guest SET endpoint = 'example.org:5'", "endpoint: expected" },
	{ "UPDATE guest SET state = 'stopped'; UPDATE guest SET endpoint = '1.2.3.4:5'",
	  "NULL while the guest is stopped" },
	{ "UPDATE token SET expires_at = expires_at + 1", "stays as it was made" },
	{ "UPDATE token SET mac = 2", "stays as it was made" },
	{ "INSERT INTO token SELECT * FROM token", "made once" },
	{ "INSERT INTO token (hash, issued_at, expires_at, boot_id, expires_boot_ms) VALUES (zeroblob(32), 5, 6, '', "
	  "0)",
	  "mac, host_id: expected one" },
	{ "INSERT INTO token (hash, host_id, issued_at, expires_at, boot_id, expires_boot_ms) "
	  "VALUES (zeroblob(32), 1, 5, 606, '', 0)",
	  "at most 600 seconds" },
	{ "INSERT INTO token (hash, host_id, issued_at, expires_at, boot_id, expires_boot_ms) "
	  "VALUES (zeroblob(31), 1, 5, 6, '', 0)",
	  "hash: expected" },
	{ "INSERT INTO token (hash, mac, issued_at, expires_at, boot_id, expires_boot_ms) "
	  "VALUES (zeroblob(32), 2, 5, 6, '', 0)",
	  "expected a guest that exists" },
};

START_TEST(the_schema_refuses)
{
	scratch_sql("INSERT INTO vm (mac, name) VALUES (2, 'two')");
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	scratch_refused(typed[_i].sql, typed[_i].says);
}
END_TEST

START_TEST(templates_leave_changes)
{
	scratch_sql("DELETE FROM change; UPDATE template SET comment = 'x', gateway = '10.0.0.1' WHERE name = 'web'");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM change"), 0);
	scratch_sql("UPDATE template SET gateway = '' WHERE name = 'web'; DELETE FROM template WHERE name = 'gw'");
	ck_assert_str_eq(scratch_text("SELECT group_concat(action || ' ' || name) FROM change WHERE kind = 'template'"),
			 "update web,delete gw");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM template_coi WHERE template_id = 3"), 0);
}
END_TEST

START_TEST(guests_follow_their_vm)
{
	struct vmp_identity who;

	world_guest(1, "web");
	scratch_sql("UPDATE vm_record SET mac = '525400000009'");
	ck_assert_int_eq(
		scratch_number("SELECT count(*) FROM guest JOIN token USING (mac) JOIN certificate USING (mac) "
			       "WHERE mac = 0x525400000009"),
		1);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_uint_eq(who.mac, 0x525400000009);
	scratch_sql("DELETE FROM vm_record");
	ck_assert_int_eq(scratch_number("SELECT (SELECT count(*) FROM guest) + (SELECT count(*) FROM token)"), 0);
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT reason FROM certificate"), 5);
}
END_TEST

START_TEST(a_guest_by_its_mac_or_uuid)
{
	char uuid[VMP_UUID_TEXT] = "x", template_name[65] = "x";
	uint64_t mac = 0;

	ck_assert_int_eq(vmp_store_guest_find(world, world_mac(1), uuid, template_name, &world_msg), VMP_ENOENT);
	ck_assert_str_eq(uuid, "");
	ck_assert_str_eq(template_name, "");
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(vmp_store_guest_find(world, world_mac(1), uuid, template_name, &world_msg), VMP_OK);
	ck_assert_str_eq(uuid, world_uuid(1));
	ck_assert_str_eq(template_name, "web");
	ck_assert_int_eq(vmp_store_guest_mac(world, world_uuid(1), &mac, &world_msg), VMP_OK);
	ck_assert_uint_eq(mac, world_mac(1));
	ck_assert_int_eq(vmp_store_guest_mac(world, world_uuid(2), &mac, &world_msg), VMP_ENOENT);
}
END_TEST

/* With foreign keys, as the programs have them. */
START_TEST(a_host_that_is_removed)
{
	struct vmp_identity who;

	world_guest(1, "web");
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 60, world_32(6), &world_msg)), VMP_OK);
	ck_assert_int_eq(world_enrol(6, 6, 6), VMP_OK);
	scratch_sql("PRAGMA foreign_keys = ON; DELETE FROM host WHERE name = 'hv1'");
	ck_assert_int_eq(scratch_number("SELECT host_id IS NULL FROM guest"), 1);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM token WHERE host_id IS NOT NULL"), 0);
	ck_assert_int_eq(world_identify(6, &who), VMP_EACCES);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_str_eq(scratch_text("SELECT subject FROM audit"), "host hv1");
}
END_TEST

Suite *check_store_guest(void)
{
	Suite *s = suite_create("store_guest");
	TCase *t = tcase_create("store_guest");

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_loop_test(t, a_start_is_refused, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(t, a_start_without_sense_is_refused);
	tcase_add_test(t, a_host_makes_no_vm_of_another_tenant);
	tcase_add_test(t, no_vm_is_made_where_it_would_be_refused);
	tcase_add_test(t, an_unknown_mac_becomes_a_vm);
	tcase_add_test(t, only_the_first_start_joins_cois);
	tcase_add_test(t, a_vm_with_cois_keeps_exactly_these);
	tcase_add_test(t, who_makes_a_registered_vm_a_gateway);
	tcase_add_test(t, a_guest_that_differs_from_its_template);
	tcase_add_test(t, a_new_start_voids_older_tokens);
	tcase_add_test(t, a_stop_takes_all_back);
	tcase_add_test(t, a_second_stop_changes_nothing);
	tcase_add_test(t, a_guest_that_moved_is_its_new_hosts);
	tcase_add_test(t, a_guest_of_nobody_is_stopped_by_who_may_speak_for_it);
	tcase_add_test(t, a_stop_by_hand_does_the_same);
	tcase_add_loop_test(t, keys_and_endpoints, 0, sizeof(selves) / sizeof(selves[0]));
	tcase_add_test(t, an_entry_changes_only_when_it_differs);
	tcase_add_loop_test(t, names_are_told_as_utf8, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_loop_test(t, the_schema_refuses, 0, sizeof(typed) / sizeof(typed[0]));
	tcase_add_test(t, templates_leave_changes);
	tcase_add_test(t, guests_follow_their_vm);
	tcase_add_test(t, a_guest_by_its_mac_or_uuid);
	tcase_add_test(t, a_host_that_is_removed);
	suite_add_tcase(s, t);
	return s;
}
