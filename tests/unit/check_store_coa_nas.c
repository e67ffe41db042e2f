/* How a NAS takes CoA and Disconnect: its row in policy.db. */
#include "store_coa.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>

#define NOW 1000000

static const struct {
	const char *set, *says; /* NULL: good */
} nas_columns[] = {
	{ "coa = 'coa', coa_port = 1, coa_rate = 1", NULL },
	{ "coa = 'none', coa_port = 65535, coa_rate = 100000", NULL },
	{ "coa = NULL, coa_port = NULL, coa_rate = NULL", NULL },
	{ "coa = ''", "coa: expected coa, disconnect or none" },
	{ "coa = 'CoA'", "coa: expected" },
	{ "coa_port = 0", "coa_port: expected a UDP port" },
	{ "coa_port = 65536", "coa_port: expected" },
	{ "coa_port = 'radius'", "coa_port: expected" },
	{ "coa_rate = 0", "coa_rate: expected 1 to 100000" },
	{ "coa_rate = 1.5", "coa_rate: expected" },
};

START_TEST(how_a_nas_takes_it)
{
	char sql[128];

	scratch_sql("INSERT INTO nas (name, address) VALUES ('leaf1', '192.0.2.1')");
	snprintf(sql, sizeof(sql), "UPDATE nas SET %s", nas_columns[_i].set);
	if (nas_columns[_i].says)
		scratch_refused(sql, nas_columns[_i].says);
	else
		scratch_sql(sql);
}
END_TEST

/* As the look-up's next answer has it, without a row in the journal. */
START_TEST(how_a_nas_takes_it_is_read)
{
	struct vmp_request req = { .method = VMP_METHOD_MAB, .port = -1, .now = NOW };
	struct vmp_decision d;
	long long changes;

	scratch_sql("INSERT INTO nas (name, address) VALUES ('leaf1', '192.0.2.1')");
	ck_assert_int_eq(vmp_addr_parse("192.0.2.1", &req.nas), VMP_OK);
	ck_assert_int_eq(vmp_store_decide(world, world_mac(1), &req, &d, &world_msg), VMP_OK);
	ck_assert_int_eq(d.nas->coa, VMP_NAS_AS_DIALECT);
	ck_assert_uint_eq(d.nas->coa_port + d.nas->coa_rate, 0);
	vmp_store_end(world);
	changes = scratch_number("SELECT max(id) FROM change");
	scratch_sql("UPDATE nas SET coa = 'disconnect', coa_port = 1700, coa_rate = 100000");
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes);
	ck_assert_int_eq(vmp_store_decide(world, world_mac(1), &req, &d, &world_msg), VMP_OK);
	ck_assert_int_eq(d.nas->coa, VMP_NAS_DISCONNECT);
	ck_assert_uint_eq(d.nas->coa_port, 1700);
	ck_assert_uint_eq(d.nas->coa_rate, 100000);
	vmp_store_end(world);
	scratch_sql("UPDATE nas SET coa = 'none'");
	ck_assert_int_eq(vmp_store_decide(world, world_mac(1), &req, &d, &world_msg), VMP_OK);
	ck_assert_int_eq(d.nas->coa, VMP_NAS_NONE);
	vmp_store_end(world);
}
END_TEST

Suite *check_store_coa_nas(void)
{
	Suite *s = suite_create("store_coa_nas");
	TCase *t = tcase_create("nas");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_add_loop_test(t, how_a_nas_takes_it, 0, sizeof(nas_columns) / sizeof(nas_columns[0]));
	tcase_add_test(t, how_a_nas_takes_it_is_read);
	return s;
}
