#include "record_read.h"
#include "scratch.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
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
	{ VMP_NOUN_TEMPLATE, "name=host", "enabled=1", "name: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "kind=host", "kind: expected vm or gateway" },
	{ VMP_NOUN_TEMPLATE, "name=web", "tenant=nobody", "tenant: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "enclave=nobody", "enclave: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "cois=nobody", "cois: expected a COI that exists" },
	{ VMP_NOUN_TEMPLATE, "name=web", "gateway=a b", "gateway: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "cert_life_s=5", "cert_life_s: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "auto_create=perhaps", "auto_create: expected" },
	{ VMP_NOUN_TEMPLATE, "name=web", "broker=yes", "broker: expected 0 or 1, and 1 for the kind gateway" },
	{ VMP_NOUN_POOL, "name=main", "owned=3", "product: expected a value" },
	{ VMP_NOUN_POOL, "name=main", "product=os", "owned: expected a value" },
	{ VMP_NOUN_TEMPLATE, "name=web", "remote=perhaps", "remote: expected 0 or 1" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "routes=192.0.2.0", "routes: expected a prefix" },
	{ VMP_NOUN_VM, "mac=525400aabbcc", "routes=192.0.2.1/24", "routes: expected 192.0.2.0/24 for 192.0.2.1/24" },
	{ VMP_NOUN_FILTER, "coi=nobody", "direction=in", "coi: expected a COI that exists" },
	{ VMP_NOUN_FILTER, "coi=web", "action=drop", "filter web: coi: expected a COI that exists" },
	{ VMP_NOUN_FILTER, "direction=in", "source=x", "source: expected an address" },
	{ VMP_NOUN_FILTER, "direction=in", "destination=::1/64", "destination: expected ::/64 for ::1/64" },
	{ VMP_NOUN_FILTER, "direction=in", "ports=0", "ports: expected a port" },
	{ VMP_NOUN_FILTER, "direction=in", "source_ports=http", "source_ports: expected a port" },
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

/* What is typed, what it is, and how it is written again. */
static const struct {
	const char *column, *typed;
	enum vmp_kind kind;
	int64_t num;
	const char *text, *written;
} values[] = {
	{ "vlan", "", VMP_NULL, 0, NULL, "" },
	{ "vlan", "inherit", VMP_NULL, 0, NULL, "" },
	{ "vlan", "10", VMP_INT, 10, NULL, "10" },
	{ "vlan", "-1", VMP_TEXT, 0, "-1", "-1" },
	{ "vlan", "1e1", VMP_TEXT, 0, "1e1", "1e1" },
	{ "vlan", "none", VMP_TEXT, 0, "none", "none" },
	{ "vlan", "99999999999999999999", VMP_TEXT, 0, "99999999999999999999", "99999999999999999999" },
	{ "ingress_kbps", "none", VMP_INT, 0, NULL, "0" },
	{ "acl", "none", VMP_TEXT, 0, "", "none" },
	{ "acl", "inherit", VMP_NULL, 0, NULL, "" },
	{ "acl", "\\none", VMP_TEXT, 0, "none", "\\none" },
	{ "acl", "\\inherit", VMP_TEXT, 0, "inherit", "\\inherit" },
	{ "acl", "\\\\x", VMP_TEXT, 0, "\\x", "\\\\x" },
	{ "acl", "in", VMP_TEXT, 0, "in", "in" },
	{ "comment", "", VMP_TEXT, 0, "", "" },
	{ "comment", "none", VMP_TEXT, 0, "none", "none" },
	{ "comment", "\\x", VMP_TEXT, 0, "\\x", "\\x" },
	{ "name", "inherit", VMP_TEXT, 0, "inherit", "inherit" },
	{ "mab", "yes", VMP_INT, 1, NULL, "1" },
	{ "mab", "false", VMP_INT, 0, NULL, "0" },
	{ "mab", "perhaps", VMP_TEXT, 0, "perhaps", "perhaps" },
	{ "mab", "", VMP_NULL, 0, NULL, "" },
};

START_TEST(values_as_people_type_them)
{
	int at = vmp_column_find(VMP_NOUN_VM, values[_i].column, strlen(values[_i].column)), back;
	const struct vmp_column *col = &vmp_noun_info(VMP_NOUN_VM)->column[at];
	char room[VMP_VALUE_TEXT], written[64];
	struct vmp_value v;
	const char *text;

	vmp_value_from_text(col, values[_i].typed, &v);
	ck_assert_int_eq(v.kind, values[_i].kind);
	ck_assert_int_eq(v.num, values[_i].num);
	if (v.kind == VMP_TEXT)
		ck_assert_str_eq(v.text, values[_i].text);
	text = vmp_value_to_text(col, &v, room, &back);
	snprintf(written, sizeof(written), "%s%s", back ? "\\" : "", text);
	ck_assert_str_eq(written, values[_i].written);
}
END_TEST

START_TEST(links_keep_what_stays)
{
	ck_assert_int_eq(PUT(VMP_NOUN_NAS, NULL, "name=sw1", "address=192.0.2.1"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_NAS, NULL, "name=sw2", "address=192.0.2.2"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_HOST, NULL, "name=hv", "uplinks=sw1:1:1, SW2"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_HOST, "HV", "uplinks"), "sw1:1:1,sw2");
	scratch_sql("DELETE FROM change");
	ck_assert_int_eq(PUT(VMP_NOUN_HOST, "hv", "uplinks=sw1:1:1,sw1:1:1"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_HOST, "hv", "uplinks"), "sw1:1:1");
	scratch_sql("CREATE TABLE one (n CHECK (n = 1)); INSERT INTO one SELECT count(*) FROM change");
	ck_assert_int_eq(PUT(VMP_NOUN_HOST, "hv", "uplinks=sw1,,sw2"), VMP_EINVAL);
	ck_assert_int_eq(PUT(VMP_NOUN_HOST, "hv", "uplinks=sw1,"), VMP_EINVAL);
	ck_assert_int_eq(PUT(VMP_NOUN_HOST, "hv", "uplinks=sw3"), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "uplinks: expected a NAS that exists") != NULL, "%s", msg.text);
	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=525400000001", "name=v", "nas=sw2,sw1"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "v", "mac=525400000002", "nas=sw1"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "525400000002", "nas"), "sw1");
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "v", "nas="), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "v", "nas"), "-");
}
END_TEST

START_TEST(a_template)
{
	ck_assert_int_eq(PUT(VMP_NOUN_TENANT, NULL, "name=acme"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_ENCLAVE, NULL, "name=east"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=web", "tenant=acme"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=log"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, NULL, "name=web", "tenant=acme", "enclave=east", "cois=web, log",
			     "gateway=10.0.0.1", "auto_create=yes", "cert_life_s=3600", "licence_product=os"),
			 VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "WEB", "kind"), "vm");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "tenant"), "acme");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "cois"), "web,log");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "auto_create"), "1");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "cert_life_s"), "3600");
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, "web", "tenant="), VMP_EINVAL);
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, "web", "cois=log", "gateway=none", "cert_life_s="), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, "web", "tenant=", "enclave="), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "tenant"), "default");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "enclave"), "default");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "cois"), "log");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "gateway"), "none");
	ck_assert_str_eq(get(VMP_NOUN_TEMPLATE, "web", "cert_life_s"), "-");
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, "web", "cois=web"), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "cois: expected COIs of the template's own tenant") != NULL, "%s", msg.text);
	ck_assert_int_eq(PUT(VMP_NOUN_TEMPLATE, NULL, "name=Web"), VMP_EEXIST);
}
END_TEST

/* A MAC finds its VM even where another VM has that text for a name. */
START_TEST(a_name_that_is_a_mac)
{
	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=525400000001", "name=525400000002"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "525400000002", "mac"), "52:54:00:00:00:01");
	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=525400000002", "name=other"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "525400000002", "mac"), "52:54:00:00:00:02");
}
END_TEST

static char said[2048];

static int on_record(void *ctx, size_t line, const struct vmp_record *rec)
{
	json_t *doc = vmp_record_to_json(rec);
	char *text = json_dumps(doc, JSON_COMPACT);
	size_t at = strlen(said);

	(void)ctx;
	snprintf(said + at, sizeof(said) - at, "%zu:%s;", line, text);
	free(text);
	json_decref(doc);
	return strstr(said, "stop") ? 7 : 0;
}

static int on_bad(void *ctx, size_t line, const char *why)
{
	size_t at = strlen(said), n = strcspn(why, " :");

	(void)ctx;
	snprintf(said + at, sizeof(said) - at, "%zu!%.*s;", line, (int)n, why);
	return 0;
}

static const struct vmp_record_calls calls = { on_record, on_bad };

/* What a file says; of a bad line the first word of the reason. */
static const struct {
	const char *text, *said;
} files[] = {
	{ "mac,vlan\nm,5\nn,\n", "2:{\"mac\":\"m\",\"vlan\":5};3:{\"mac\":\"n\",\"vlan\":null};" },
	{ "mac,mab\nm,yes\n", "2:{\"mac\":\"m\",\"mab\":true};" },
	{ "mac\nm,1\n\nn\n", "2!expected;4:{\"mac\":\"n\"};" },
	{ "mac\n\xff\n", "2!mac;" },
	{ "vlan\n5\n", "1!mac;" },
	{ "mac,colour\nm,red\n", "1!colour;" },
	{ "mac,mac\nm,m\n", "1!mac;" },
	{ "mac,eap_md5\n", "1!eap_md5;" },
	{ "\"mac\nm\n", "1!expected;" },
	{ "", "1!expected;" },
	{ "[]", "" },
	{ " [ { \"mac\" : \"m\" } ,\n{\"mac\":\"n\",\"vlan\":5,\"mab\":true,\"acl\":\"\",\"cos\":null} ] \n",
	  "1:{\"mac\":\"m\"};2:{\"mac\":\"n\",\"vlan\":5,\"cos\":null,\"acl\":\"\",\"mab\":true};" },
	{ "[{\"vlan\":5},\n{\"mac\":\"m\",\"vlan\":[]},{\"mac\":\"n\",\"vlan\":1.5},{\"colour\":1}]",
	  "1!mac;2!vlan;2!vlan;2!colour;" },
	{ "[{\"mac\":\"m\"}", "1:{\"mac\":\"m\"};1!expected;" },
	{ "[{\"mac\":\"m\"},]", "1:{\"mac\":\"m\"};1!expected;" },
	{ "[{\"mac\":\"m\"}]x", "1:{\"mac\":\"m\"};1!expected;" },
	{ "[\n5]", "2!expected;" },
	{ "[{\"mac\":\"stop\"},{\"mac\":\"n\"}]", "1:{\"mac\":\"stop\"};" },
};

START_TEST(files_of_records)
{
	const char *text = files[_i].text;
	size_t len = strlen(text), at, step;
	bool json = text[strspn(text, " ")] == '[';

	for (step = 1; step < 9; step++) {
		struct vmp_record_csv *csv;

		said[0] = '\0';
		if (json) {
			ck_assert_int_eq(vmp_record_json_read(VMP_NOUN_VM, text, len, &calls, NULL),
					 strstr(text, "stop") ? 7 : 0);
			ck_assert_str_eq(said, files[_i].said);
			break;
		}
		ck_assert_int_eq(vmp_record_csv_new(&csv, VMP_NOUN_VM, &calls, NULL), VMP_OK);
		for (at = 0; at < len; at += step)
			ck_assert_int_eq(vmp_record_csv_feed(csv, text + at, len - at < step ? len - at : step), 0);
		ck_assert_int_eq(vmp_record_csv_finish(csv), 0);
		vmp_record_csv_free(csv);
		ck_assert_str_eq(said, files[_i].said);
	}
}
END_TEST

static void on_name(void *ctx, const char *name)
{
	(void)ctx;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s ", name);
}

START_TEST(names_by_prefix)
{
	struct vmp_records *rs;
	int64_t n = 0;

	scratch_sql("INSERT INTO coi (name) VALUES ('web'), ('Web-2'), ('wa'), ('x')");
	said[0] = '\0';
	ck_assert_int_eq(vmp_records_new(&rs, store, VMP_NOUN_COI, &msg), VMP_OK);
	ck_assert_int_eq(vmp_record_names(rs, "we", 10, on_name, NULL, &msg), VMP_OK);
	ck_assert_str_eq(said, "web Web-2 ");
	said[0] = '\0';
	ck_assert_int_eq(vmp_record_names(rs, "", 1, on_name, NULL, &msg), VMP_OK);
	ck_assert_str_eq(said, "wa ");
	ck_assert_int_eq(vmp_record_count(rs, &n, &msg), VMP_OK);
	ck_assert_int_eq(n, 4);
	vmp_records_free(rs);
}
END_TEST

START_TEST(eap_md5_passwords)
{
	struct vmp_records *rs;

	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=525400000001", "name=v"), VMP_OK);
	ck_assert_int_eq(vmp_records_new(&rs, store, VMP_NOUN_VM, &msg), VMP_OK);
	ck_assert_int_eq(vmp_record_eap_md5(rs, "v", "short", &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "password: expected") != NULL, "%s", msg.text);
	ck_assert_ptr_null(strstr(msg.text, "short"));
	ck_assert_int_eq(vmp_record_eap_md5(rs, "v", "long enough", &msg), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "v", "eap_md5"), "1");
	ck_assert_int_eq(vmp_record_eap_md5(rs, "v", "another one", &msg), VMP_OK);
	ck_assert_int_eq(vmp_record_eap_md5(rs, "v", NULL, &msg), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "v", "eap_md5"), "0");
	ck_assert_int_eq(vmp_record_eap_md5(rs, "nobody", "long enough", &msg), VMP_ENOENT);
	vmp_records_free(rs);
}
END_TEST

START_TEST(a_filter_is_numbered)
{
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=web"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_COI, NULL, "name=app"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, NULL, "coi=WEB", "direction=in", "protocol=tcp", "ports=443, 80",
			     "source=2001:DB8::/32 ,192.0.2.1"),
			 VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, NULL, "id=7", "coi=app", "direction=out", "log=yes"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, NULL, "id=7", "coi=app", "direction=out"), VMP_EEXIST);
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "coi"), "web");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "ports"), "443,80");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "source"), "2001:db8::/32,192.0.2.1");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "destination"), "-");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "position"), "10");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "7", "log"), "1");
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, "1", "ports=", "source=", "coi=app", "position=0"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "ports"), "-");
	ck_assert_str_eq(get(VMP_NOUN_FILTER, "1", "position"), "20");
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, "01", "ports="), VMP_ENOENT);
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, "1x", "ports="), VMP_ENOENT);
	ck_assert_int_eq(PUT(VMP_NOUN_FILTER, "7", "id=8"), VMP_EINVAL);
}
END_TEST

START_TEST(routes_of_a_vm)
{
	ck_assert_int_eq(PUT(VMP_NOUN_VM, NULL, "mac=525400aabbcc", "name=gw", "routes=::/0, 10.0.0.0/8"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "gw", "routes"), "10.0.0.0/8,::/0");
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "gw", "routes=::/0,2001:DB8::/32"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "gw", "routes"), "2001:db8::/32,::/0");
	ck_assert_str_eq(get(VMP_NOUN_VM, "gw", "inner_ipv4"), "-");
	ck_assert_int_eq(PUT(VMP_NOUN_VM, "gw", "routes="), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_VM, "gw", "routes"), "-");
}
END_TEST

START_TEST(a_pool_of_licences)
{
	static const char *const bad[] = {
		"tenant=nobody", "lease_s=0", "grace_s=-1", "owned=100000001", "owned=many",
		"overdraft=-1",	 "product=",  "enabled=2",  "not_after=soon",  "not_after=2000-01-01T00:00:00Z",
		"not_before=7"
	};
	size_t i;

	ck_assert_int_eq(PUT(VMP_NOUN_TENANT, NULL, "name=acme"), VMP_OK);
	ck_assert_int_eq(PUT(VMP_NOUN_POOL, NULL, "name=main", "product=web std", "owned=3", "tenant=acme",
			     "not_after=2026-12-01T08:00:00Z"),
			 VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_POOL, "MAIN", "product"), "web std");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "tenant"), "acme");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "lease_s"), "3600");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "grace_s"), "900");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "overdraft"), "0");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "not_after"), "2026-12-01T08:00:00Z");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "not_before"), "-");
	ck_assert_int_eq(PUT(VMP_NOUN_POOL, "main", "tenant=", "not_after=", "not_before=1000000000"), VMP_OK);
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "tenant"), "-");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "not_after"), "-");
	ck_assert_str_eq(get(VMP_NOUN_POOL, "main", "not_before"), "2001-09-09T01:46:40Z");
	ck_assert_int_eq(PUT(VMP_NOUN_POOL, NULL, "name=Main", "product=x", "owned=1"), VMP_EEXIST);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(PUT(VMP_NOUN_POOL, "main", bad[i]), VMP_EINVAL);
		ck_assert_msg(strstr(msg.text, ": expected ") != NULL, "%s", msg.text);
	}
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
	tcase_add_test(t, a_filter_is_numbered);
	tcase_add_test(t, routes_of_a_vm);
	tcase_add_test(t, a_pool_of_licences);
	tcase_add_test(t, a_missing_record);
	tcase_add_test(t, a_record_twice);
	tcase_add_loop_test(t, values_as_people_type_them, 0, sizeof(values) / sizeof(values[0]));
	tcase_add_test(t, links_keep_what_stays);
	tcase_add_test(t, a_template);
	tcase_add_test(t, a_name_that_is_a_mac);
	tcase_add_loop_test(t, files_of_records, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(t, names_by_prefix);
	tcase_add_test(t, eap_md5_passwords);
	suite_add_tcase(s, t);
	return s;
}
