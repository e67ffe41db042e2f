#include "suites.h"
#include "world.h"

#include <string.h>

START_TEST(the_form_of_a_token)
{
	char token[VMP_TOKEN_TEXT], other[VMP_TOKEN_TEXT];
	uint8_t hash[VMP_DIGEST], again[VMP_DIGEST];

	ck_assert_int_eq(vmp_token_new(token, hash), VMP_OK);
	ck_assert_int_eq(vmp_token_new(other, again), VMP_OK);
	ck_assert_str_ne(token, other);
	ck_assert_uint_eq(strlen(token), VMP_TOKEN_TEXT - 1);
	ck_assert_int_eq(vmp_token_hash(token, again), VMP_OK);
	ck_assert_mem_eq(hash, again, VMP_DIGEST);
	token[5] = '=';
	ck_assert_int_eq(vmp_token_hash(token, again), VMP_EINVAL);
	token[5] = '\0';
	ck_assert_int_eq(vmp_token_hash(token, again), VMP_EINVAL);
	ck_assert_int_eq(vmp_token_hash("", again), VMP_EINVAL);
}
END_TEST

static const char *const no_good = "token: not valid, or not any more, or not for this";

/* What happens to guest 1's token, used with key 1 before if so, and whether key 1 or another may enrol with it. */
static const struct {
	int64_t wall_s, boot_ms; /* how far the clocks move */
	bool other_boot, used;
	int key;
	const char *label, *sql;
	int err;
} tokens[] = {
	{ .key = 1, .err = VMP_OK },
	{ .key = 1, .label = "web", .err = VMP_OK },
	{ .key = 1, .label = "WEB", .err = VMP_OK },
	{ .key = 1, .label = "gold", .err = VMP_EACCES },
	{ .key = 1, .label = "host", .err = VMP_EACCES },
	/* Within a boot its clock alone counts. */
	{ .key = 1, .boot_ms = 599999, .wall_s = 599, .err = VMP_OK },
	{ .key = 1, .boot_ms = 600000, .wall_s = 600, .err = VMP_EACCES },
	{ .key = 1, .boot_ms = 1000, .wall_s = 1000000, .err = VMP_OK },
	{ .key = 1, .boot_ms = 1000, .wall_s = -1000000, .err = VMP_OK },
	{ .key = 1, .boot_ms = 600000, .wall_s = -1000000, .err = VMP_EACCES },
	/* In another boot the other clock, which must not be behind the issue. */
	{ .key = 1, .other_boot = true, .wall_s = 599, .err = VMP_OK },
	{ .key = 1, .other_boot = true, .wall_s = 600, .err = VMP_EACCES },
	{ .key = 1, .other_boot = true, .wall_s = -1, .err = VMP_EACCES },
	{ .key = 1, .other_boot = true, .boot_ms = 6000000, .err = VMP_OK },
	/* Used. */
	{ .used = true, .key = 1, .err = VMP_OK },
	{ .used = true, .key = 2, .err = VMP_EACCES },
	{ .used = true, .key = 1, .boot_ms = 600000, .err = VMP_EACCES },
	{ .used = true, .key = 1, .sql = "UPDATE certificate SET revoked_at = 5", .err = VMP_EACCES },
	/* Who may have none now. */
	{ .key = 1, .sql = "UPDATE vm SET enabled = 0", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE vm SET not_after = 5", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE vm SET not_before = 4102444800", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE tenant SET enabled = 0", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE enclave SET enabled = 0", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE template SET enabled = 0", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE guest SET template_id = 2", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE guest SET state = 'stopped'", .err = VMP_EACCES },
	{ .key = 1, .sql = "DELETE FROM guest", .err = VMP_EACCES },
	{ .key = 1, .sql = "DELETE FROM vm_record", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE vm SET mac = 0x525400000009", .err = VMP_OK },
	/* Whether the host that asked for it still answers for the guest. */
	{ .key = 1, .sql = "UPDATE host SET enabled = 0 WHERE name = 'hv2'", .err = VMP_OK },
	{ .key = 1, .sql = "UPDATE host SET enabled = 0 WHERE name = 'hv1'", .err = VMP_EACCES },
	{ .key = 1, .sql = "DELETE FROM host WHERE name = 'hv1'", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE guest SET host_id = 2", .err = VMP_EACCES },
	{ .key = 1, .sql = "UPDATE guest SET host_id = NULL", .err = VMP_EACCES },
	{ .used = true, .key = 1, .sql = "UPDATE host SET enabled = 0", .err = VMP_EACCES },
};

START_TEST(what_a_token_is_good_for)
{
	struct vmp_clock clock;
	struct vmp_enrolment e;

	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	if (tokens[_i].used)
		ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	if (tokens[_i].sql)
		scratch_sql(tokens[_i].sql);
	clock = world_clock;
	clock.now += tokens[_i].wall_s;
	clock.boot_ms += tokens[_i].boot_ms;
	clock.boot_id[0] = tokens[_i].other_boot ? 'x' : clock.boot_id[0];
	ck_assert_int_eq(vmp_store_token_check(world, world_32(1), &clock, tokens[_i].label, world_32(tokens[_i].key),
					       &e, &world_msg),
			 tokens[_i].err);
	if (tokens[_i].err != VMP_OK)
		ck_assert_str_eq(world_msg.text, no_good);
	else
		ck_assert_int_eq(e.done, tokens[_i].used);
}
END_TEST

/* Behind an administrator's word stands no host. */
START_TEST(a_token_of_an_administrator)
{
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_start(1, "web", 0), VMP_OK);
	scratch_sql("UPDATE host SET enabled = 0");
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	scratch_sql("DELETE FROM host");
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
}
END_TEST

START_TEST(an_unknown_token_is_told_nothing)
{
	struct vmp_enrolment e;

	ck_assert_int_eq(vmp_store_token_check(world, world_32(5), &world_clock, NULL, world_32(1), &e, &world_msg),
			 VMP_EACCES);
	ck_assert_str_eq(world_msg.text, no_good);
}
END_TEST

START_TEST(an_enrolment)
{
	ck_assert_int_eq(world_start(1, "gw", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 7, 1), VMP_OK);
	ck_assert_int_eq(world_enrolment.who.kind, VMP_CERT_GATEWAY);
	ck_assert_int_eq(world_enrolment.who.next_kind, VMP_CERT_GATEWAY);
	ck_assert_uint_eq(world_enrolment.who.mac, world_mac(1));
	ck_assert_str_eq(world_enrolment.who.uuid, world_uuid(1));
	ck_assert_str_eq(world_enrolment.who.template_name, "gw");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate WHERE kind = 'gateway' AND template_id = 3 "
					"AND subject = 'guest' AND used_at IS NULL"),
			 1);
	/* The reply was lost: the same again. */
	ck_assert_int_eq(world_enrol(1, 7, 2), VMP_OK);
	ck_assert(world_enrolment.done);
	ck_assert_uint_eq(world_enrolment.der_len, VMP_SERIAL);
	ck_assert_mem_eq(world_enrolment.der, world_serial(1), VMP_SERIAL);
	ck_assert_mem_eq(world_enrolment.who.serial, world_serial(1), VMP_SERIAL);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate"), 1);
}
END_TEST

/* Both were checked before either was recorded. */
START_TEST(of_two_enrolments_one_wins)
{
	struct vmp_cert_row row = { .subject = "x", .der = world_serial(2), .der_len = VMP_SERIAL };
	struct vmp_enrolment same, other;

	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(vmp_store_token_check(world, world_32(1), &world_clock, "web", world_32(1), &same, &world_msg),
			 VMP_OK);
	ck_assert_int_eq(
		vmp_store_token_check(world, world_32(1), &world_clock, "web", world_32(2), &other, &world_msg),
		VMP_OK);
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	memcpy(row.who.serial, world_serial(2), VMP_SERIAL);
	row.who.kind = VMP_CERT_VM;
	row.who.not_before = row.issued_at = world_clock.now;
	row.who.not_after = world_clock.now + 60;
	memcpy(row.key_digest, world_32(2), VMP_DIGEST);
	ck_assert_int_eq(WRITE(vmp_store_enrol(world, &other, &row, &world_clock, &world_msg)), VMP_EACCES);
	ck_assert_int_eq(WRITE(vmp_store_enrol(world, &same, &row, &world_clock, &world_msg)), VMP_EINVAL);
	memcpy(row.key_digest, world_32(1), VMP_DIGEST);
	ck_assert_int_eq(WRITE(vmp_store_enrol(world, &same, &row, &world_clock, &world_msg)), VMP_OK);
	ck_assert(same.done);
	ck_assert_mem_eq(same.der, world_serial(1), VMP_SERIAL);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate"), 1);
}
END_TEST

START_TEST(a_host_enrols)
{
	struct vmp_identity who;

	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "nobody", &world_clock, 60, world_32(5), &world_msg)),
			 VMP_ENOENT);
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 0, world_32(5), &world_msg)),
			 VMP_EINVAL);
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "HV1", &world_clock, 60, world_32(5), &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 60, world_32(6), &world_msg)), VMP_OK);
	ck_assert_int_eq(world_enrol(5, 1, 1), VMP_EACCES);
	ck_assert_int_eq(vmp_store_token_check(world, world_32(6), &world_clock, "web", world_32(1), &world_enrolment,
					       &world_msg),
			 VMP_EACCES);
	ck_assert_int_eq(vmp_store_token_check(world, world_32(6), &world_clock, "host", world_32(1), &world_enrolment,
					       &world_msg),
			 VMP_OK);
	ck_assert_int_eq(world_enrol(6, 1, 1), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(who.kind, VMP_CERT_HOST);
	ck_assert_int_eq(who.next_kind, VMP_CERT_HOST);
	ck_assert_int_eq(world_enrolment.who.next_kind, VMP_CERT_HOST);
	ck_assert_int_eq(who.host_id, 1);
	ck_assert_str_eq(who.name, "hv1");
	ck_assert_str_eq(who.dns, "hv1.example.org");
	scratch_sql("UPDATE host SET enabled = 0");
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 60, world_32(7), &world_msg)),
			 VMP_EACCES);
}
END_TEST

Suite *check_store_token(void)
{
	Suite *s = suite_create("store_token");
	TCase *t = tcase_create("store_token");

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, the_form_of_a_token);
	tcase_add_loop_test(t, what_a_token_is_good_for, 0, sizeof(tokens) / sizeof(tokens[0]));
	tcase_add_test(t, a_token_of_an_administrator);
	tcase_add_test(t, an_unknown_token_is_told_nothing);
	tcase_add_test(t, an_enrolment);
	tcase_add_test(t, of_two_enrolments_one_wins);
	tcase_add_test(t, a_host_enrols);
	suite_add_tcase(s, t);
	return s;
}
