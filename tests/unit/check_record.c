#include "record.h"
#include "scratch.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static struct vmp_store *store;
static struct vmp_msg msg;

static void setup(void)
{
	scratch_setup();
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 50, &msg), VMP_OK);
}

static void teardown(void)
{
	vmp_store_close(store);
	scratch_teardown();
}

/* Insert or, with key, update a record of "column=value" texts, in a transaction. */
static int put(enum vmp_noun noun, const char *key, const char *const *assignments)
{
	struct vmp_record rec = { .noun = noun };
	struct vmp_records *rs;
	int err = VMP_OK;

	for (; *assignments && err == VMP_OK; assignments++)
		err = vmp_record_assign(&rec, *assignments, &msg);
	if (err != VMP_OK)
		return err;
	ck_assert_int_eq(vmp_records_new(&rs, store, noun, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
	err = key ? vmp_record_update(rs, key, &rec, &msg) : vmp_record_insert(rs, &rec, &msg);
	if (err == VMP_OK)
		ck_assert_int_eq(vmp_store_commit(store, &msg), VMP_OK);
	vmp_records_free(rs);
	vmp_store_rollback(store);
	return err;
}

#define PUT(noun, key, ...) put(noun, key, (const char *const[]){ __VA_ARGS__, NULL })

/* A column of a record as text; "-" without a value. */
static const char *get(enum vmp_noun noun, const char *key, const char *column)
{
	static char text[256];
	char room[VMP_VALUE_TEXT];
	struct vmp_records *rs;
	struct vmp_record rec;
	int col = vmp_column_find(noun, column, strlen(column)), back;

	ck_assert_int_ge(col, 0);
	ck_assert_int_eq(vmp_records_new(&rs, store, noun, &msg), VMP_OK);
	ck_assert_msg(vmp_record_get(rs, key, &rec, &msg) == VMP_OK, "%s", msg.text);
	snprintf(text, sizeof(text), "%s",
		 rec.value[col].kind == VMP_NULL
			 ? "-"
			 : vmp_value_to_text(&vmp_noun_info(noun)->column[col], &rec.value[col], room, &back));
	vmp_records_free(rs);
	return text;
}

START_TEST(a_vm_by_mac_and_by_name)
{
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=web", "vlan=100"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=52-54-00-AA-BB-CC", "name=web1", "cois=web", "vlan=7"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "5254.00aa.bbcc", "mac"), "52:54:00:aa:bb:cc");
	ck_assert_str_eq(get(VMP_NOUN_VM, "web1", "vlan"), "7");
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "web1", "vlan=inherit"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "web1", "vlan"), "-");
	ck_assert_str_eq(get(VMP_NOUN_VM, "web1", "cois"), "web");
}
END_TEST

static const struct {
	enum vmp_noun noun;
	const char *key, *assignment, *says;
} refusals[] = {
	{ VMP_NOUN_VM, "mac=52:54:00:aa:bb", "vlan=1", "mac: expected" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "vlan=5000", "vlan: expected a VLAN id" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "vlan=many", "vlan: expected a VLAN id" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "cos=8", "cos: expected" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "cois=nobody", "cois: expected" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "tenant=nobody", "tenant: expected" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "tagged_vlans=1,x", "tagged_vlans: expected" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "not_after=soon", "not_after: expected" },
	{ VMP_NOUN_COI, "name=web", "priority=-1", "priority: expected" },
	{ VMP_NOUN_COI, "name=web", "tenant=nobody", "tenant" },
	{ VMP_NOUN_NAS, "name=sw", "address=10.0.0.300", "address: expected" },
	{ VMP_NOUN_TENANT, "name=two words", "enabled=1", "name: expected" },
};

START_TEST(a_refusal_names_the_column)
{
	ck_assert_int_eq(PUT(refusals[_i].noun, NULL, refusals[_i].key, refusals[_i].assignment), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, refusals[_i].says) != NULL, "%s", msg.text);
	ck_assert_ptr_null(strstr(msg.text, "CHECK constraint"));
}
END_TEST

START_TEST(assignments)
{
	struct vmp_record rec = { .noun = VMP_NOUN_VM };

	ck_assert_int_eq(vmp_record_assign(&rec, "colour=blue", &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_record_assign(&rec, "vlan", &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_record_assign(&rec, "vlan=1", &msg), VMP_OK);
	ck_assert_int_eq(vmp_record_assign(&rec, "vlan=2", &msg), VMP_EINVAL);
}
END_TEST

START_TEST(a_missing_record)
{
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "525400aabbcc", "vlan=1"), VMP_ENOENT);
	ck_assert_int_eq(PUT(VMP_NOUN_COI, "nobody", "vlan=1"), VMP_ENOENT);
}
END_TEST

START_TEST(a_record_twice)
{
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=web"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=WEB"), VMP_EEXIST);
}
END_TEST

Suite *check_record(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("record");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_vm_by_mac_and_by_name);
	tcase_add_loop_test(t, a_refusal_names_the_column, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(t, assignments);
	tcase_add_test(t, a_missing_record);
	tcase_add_test(t, a_record_twice);
	suite_add_tcase(s, t);
	return s;
}
