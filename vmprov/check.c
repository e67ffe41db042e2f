/* check: what radiusd would answer, and why. */
#include "cli.h"
#include "find.h"
#include "mac.h"
#include "output.h"
#include "record_read.h"
#include "when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct question {
	const char *mac, *nas, *port, *method, *cert, *at;
	uint64_t number;
	struct vmp_request req;
	const char *cert_names[2];
};

static const struct {
	const char *name;
	enum vmp_method method;
} methods[] = {
	{ "mab", VMP_METHOD_MAB },
	{ "eap-md5", VMP_METHOD_EAP_MD5 },
	{ "eap-tls", VMP_METHOD_EAP_TLS },
};

static json_t *text_or_null(const char *text)
{
	return text ? vmp_json_text(text) : json_null();
}

static const char *source_name(const struct vmp_decision *d, enum vmp_source source)
{
	switch (source) {
	case VMP_FROM_VM:
		return d->vm->name;
	case VMP_FROM_COI:
		return d->primary ? d->primary->name : NULL;
	case VMP_FROM_ENCLAVE:
		return d->enclave ? d->enclave->name : NULL;
	case VMP_FROM_NOBODY:
		break;
	}
	return NULL;
}

static json_t *field_value(const struct vmp_decision *d, enum vmp_field f)
{
	if (!(d->effective.set >> f & 1))
		return json_null();
	if (f == VMP_F_ACL || f == VMP_F_TAGGED_VLANS)
		return vmp_json_text(d->effective.value[f].text);
	if (f == VMP_F_MAB)
		return json_boolean(d->effective.value[f].num);
	return json_integer((json_int_t)d->effective.value[f].num);
}

static json_t *attribute(const char *name, json_t *value, const char *from, const char *from_name)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "name", name, "value", value, "from", text_or_null(from), "from_name",
			 text_or_null(from_name));
}

static json_t *attributes(const struct vmp_decision *d)
{
	static const char *const from[] = {
		[VMP_FROM_NOBODY] = NULL, [VMP_FROM_VM] = "vm", [VMP_FROM_COI] = "coi", [VMP_FROM_ENCLAVE] = "enclave"
	};
	json_t *list = json_array();
	int f;

	for (f = 0; f < VMP_FIELDS; f++) {
		/* Tagged VLANs can come from several COIs: they stand in a list of their own. */
		if (f != VMP_F_TAGGED_VLANS)
			json_array_append_new(list, attribute(vmp_field_name((enum vmp_field)f),
							      field_value(d, (enum vmp_field)f), from[d->source[f]],
							      source_name(d, d->source[f])));
	}
	if (d->enclave)
		json_array_append_new(list, attribute("acct_interim_s", json_integer(d->enclave->acct_interim_s),
						      "enclave", d->enclave->name));
	return list;
}

/* Which VLANs of the effective list the level that gave it names; the rest are of other COIs. */
static json_t *tagged(const struct vmp_decision *d)
{
	static const char *const from[] = {
		[VMP_FROM_NOBODY] = "coi", [VMP_FROM_VM] = "vm", [VMP_FROM_COI] = "coi", [VMP_FROM_ENCLAVE] = "enclave"
	};
	const enum vmp_source source = d->source[VMP_F_TAGGED_VLANS];
	uint16_t own[VMP_VLAN_MAX];
	json_t *list = json_array();
	size_t n_own = 0, i;

	if (d->effective.set >> VMP_F_TAGGED_VLANS & 1 &&
	    vmp_vlans_add(d->effective.value[VMP_F_TAGGED_VLANS].text, own, &n_own) != VMP_OK)
		n_own = 0;
	/* The decision starts with that list, in its order. */
	for (i = 0; i < d->n_tagged; i++) {
		bool other = i >= n_own;

		json_array_append_new(list, json_pack("{s:i, s:s, s:o}", "vlan", (int)d->tagged[i], "from",
						      other ? "coi" : from[source], "from_name",
						      text_or_null(other ? NULL : source_name(d, source))));
	}
	return list;
}

static json_t *describe(const struct vmp_decision *d, const struct question *q)
{
	char mac[VMP_MAC_TEXT];
	json_t *doc;

	vmp_mac_format(q->number, mac);
	doc = json_pack("{s:s, s:b, s:s, s:s, s:b, s:s, s:o}", "mac", mac, "allowed", d->verdict == VMP_ALLOW,
			"verdict", vmp_verdict_name(d->verdict), "sentence", vmp_verdict_text(d->verdict), "alarm",
			vmp_verdict_is_alarm(d->verdict), "method", q->method, "nas",
			text_or_null(d->nas ? d->nas->name : NULL));
	if (!d->vm || !doc)
		return doc;
	json_object_set_new(doc, "vm", vmp_json_text(d->vm->name));
	json_object_set_new(doc, "tenant", text_or_null(d->tenant ? d->tenant->name : NULL));
	json_object_set_new(doc, "enclave", text_or_null(d->enclave ? d->enclave->name : NULL));
	json_object_set_new(doc, "primary_coi", text_or_null(d->primary ? d->primary->name : NULL));
	json_object_set_new(doc, "host", text_or_null(d->host ? d->host->name : NULL));
	json_object_set_new(doc, "attributes", attributes(d));
	json_object_set_new(doc, "tagged_vlans", tagged(d));
	return doc;
}

static bool lists_vlan(const struct vmp_record *coi, uint16_t vlan)
{
	int col = vmp_column_find(VMP_NOUN_COI, "tagged_vlans", strlen("tagged_vlans"));
	const struct vmp_value *v = &coi->value[col];
	uint16_t list[VMP_VLAN_MAX];
	size_t n = 0;

	if (v->kind != VMP_TEXT || vmp_vlans_add(v->text, list, &n) != VMP_OK)
		return false;
	while (n--) {
		if (list[n] == vlan)
			return true;
	}
	return false;
}

/* Name, in the tagged VLANs that came from other COIs, one of those: cois is the VM's list. */
static void name_other_coi(struct vmp_records *cois, const char *name, json_t *list, const json_t *primary)
{
	int enabled = vmp_column_find(VMP_NOUN_COI, "enabled", strlen("enabled"));
	struct vmp_record coi;
	size_t i;
	json_t *item;

	if (vmp_record_get(cois, name, &coi, NULL) != VMP_OK || !coi.value[enabled].num ||
	    (json_is_string(primary) && strcmp(json_string_value(primary), coi.value[0].text) == 0))
		return;
	json_array_foreach(list, i, item) {
		if (json_is_null(json_object_get(item, "from_name")) &&
		    lists_vlan(&coi, (uint16_t)json_integer_value(json_object_get(item, "vlan"))))
			json_object_set_new(item, "from_name", vmp_json_text(coi.value[0].text));
	}
}

static void name_other_cois(struct vmp_store *store, json_t *doc, const char *key)
{
	int col = vmp_column_find(VMP_NOUN_VM, "cois", strlen("cois"));
	struct vmp_records *vms = NULL, *cois = NULL;
	struct vmp_record vm;
	char *names = NULL, *save = NULL, *name;

	if (vmp_records_new(&vms, store, VMP_NOUN_VM, NULL) == VMP_OK &&
	    vmp_records_new(&cois, store, VMP_NOUN_COI, NULL) == VMP_OK &&
	    vmp_record_get(vms, key, &vm, NULL) == VMP_OK && vm.value[col].kind == VMP_TEXT)
		names = strdup(vm.value[col].text);
	for (name = names ? strtok_r(names, ",", &save) : NULL; name; name = strtok_r(NULL, ",", &save))
		name_other_coi(cois, name, json_object_get(doc, "tagged_vlans"), json_object_get(doc, "primary_coi"));
	free(names);
	vmp_records_free(cois);
	vmp_records_free(vms);
}

static const char *cell(const json_t *item, const char *key, char *room, size_t size)
{
	const json_t *v = json_object_get(item, key);

	if (json_is_string(v))
		return *json_string_value(v) ? json_string_value(v) : "none";
	if (json_is_integer(v))
		snprintf(room, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		snprintf(room, size, "%s", json_is_boolean(v) ? (json_is_true(v) ? "yes" : "no") : "-");
	return room;
}

static void source_row(struct vmp_table *table, const char *name, const char *value, const json_t *item)
{
	const char *from = json_string_value(json_object_get(item, "from"));
	char room[64], why[300];

	if (!from)
		snprintf(why, sizeof(why), "nobody says");
	else if (strcmp(from, "vm") == 0)
		snprintf(why, sizeof(why), "the VM itself");
	else
		snprintf(why, sizeof(why), "%s %s", strcmp(from, "coi") == 0 ? "COI" : from,
			 cell(item, "from_name", room, sizeof(room)));
	table_row(table, (const char *[]){ name, value, why });
}

static void print_people(const json_t *doc)
{
	static const struct vmp_table_head heads[] = { { "attribute", false }, { "value", false }, { "from", false } };
	const json_t *list = json_object_get(doc, "attributes"), *item;
	struct vmp_table *table;
	char room[64], name[64];
	size_t i;

	printf("%s (%s): %s\n", cell(doc, "mac", room, sizeof(room)), cell(doc, "verdict", name, sizeof(name)),
	       json_string_value(json_object_get(doc, "sentence")));
	if (!list)
		return;
	printf("VM %s", cell(doc, "vm", room, sizeof(room)));
	printf(", tenant %s", cell(doc, "tenant", room, sizeof(room)));
	printf(", enclave %s", cell(doc, "enclave", room, sizeof(room)));
	printf(", primary COI %s\n\n", cell(doc, "primary_coi", room, sizeof(room)));
	table = table_new(heads, 3);
	json_array_foreach(list, i, item)
		source_row(table, cell(item, "name", name, sizeof(name)), cell(item, "value", room, sizeof(room)),
			   item);
	json_array_foreach(json_object_get(doc, "tagged_vlans"), i, item)
		source_row(table, "tagged vlan", cell(item, "vlan", room, sizeof(room)), item);
	table_end(table);
}

/* NULL: the store could not say. */
static json_t *decide(struct vmp_store *store, const struct question *q, struct vmp_msg *msg)
{
	struct vmp_decision d;
	json_t *doc = NULL;

	if (vmp_store_decide(store, q->number, &q->req, &d, msg) == VMP_OK)
		doc = describe(&d, q);
	vmp_store_end(store);
	if (doc && json_object_get(doc, "tagged_vlans"))
		name_other_cois(store, doc, json_string_value(json_object_get(doc, "mac")));
	return doc;
}

static int answer(const struct cli *cli, struct question *q)
{
	struct vmp_msg msg = { "out of memory" };
	struct vmp_store *store;
	bool allowed;
	json_t *doc = NULL;
	int code = cli_open(cli, VMP_STORE_READ, &store);

	if (code != CLI_OK)
		return code;
	if (q->nas) {
		int err = find_nas(store, q->nas, &q->req.nas, &msg);

		code = err == VMP_OK ? CLI_OK : cli_fail_err(err, &msg);
	}
	if (code == CLI_OK)
		doc = decide(store, q, &msg);
	vmp_store_close(store);
	if (code != CLI_OK)
		return code;
	if (!doc)
		return cli_fail(CLI_STORE, "%s", msg.text);
	allowed = json_is_true(json_object_get(doc, "allowed"));
	if (cli->json) {
		out_json(doc);
	} else {
		print_people(doc);
		json_decref(doc);
	}
	return allowed ? CLI_OK : CLI_VERDICT;
}

static int read_question(const struct cli *cli, struct question *q)
{
	size_t i;

	if (vmp_mac_parse(q->mac, strlen(q->mac), &q->number) != VMP_OK)
		return cli_usage(cli, "%s: expected a MAC address such as 52:54:00:aa:bb:cc", q->mac);
	if (!q->method)
		q->method = q->cert ? "eap-tls" : "mab";
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]) && strcmp(methods[i].name, q->method); i++)
		;
	if (i == sizeof(methods) / sizeof(methods[0]))
		return cli_usage(cli, "%s: expected mab, eap-md5 or eap-tls", q->method);
	q->cert_names[0] = q->cert;
	q->req = (struct vmp_request){ .method = methods[i].method,
				       .port_id = q->port,
				       .port = -1,
				       .cert_name = q->cert_names,
				       .now = time(NULL) };
	if (q->at && !when_read(q->at, &q->req.now))
		return cli_usage(cli, "%s: expected a UTC time such as 2026-12-01T08:00:00Z", q->at);
	return CLI_OK;
}

int check_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_NAS = 256, OPT_PORT, OPT_METHOD, OPT_CERT, OPT_AT };
	static const struct option own[] = {
		{ "nas", required_argument, NULL, OPT_NAS },	   { "port", required_argument, NULL, OPT_PORT },
		{ "method", required_argument, NULL, OPT_METHOD }, { "cert", required_argument, NULL, OPT_CERT },
		{ "at", required_argument, NULL, OPT_AT },	   { NULL, 0, NULL, 0 },
	};
	struct question q = { .mac = NULL };
	const char **const to[] = { &q.nas, &q.port, &q.method, &q.cert, &q.at };
	int c, code;

	while ((c = cli_option(cli, argc, argv, own)) != -1)
		*to[c - OPT_NAS] = optarg;
	if (optind + 1 != argc)
		return cli_usage(cli, "expected one MAC");
	q.mac = argv[optind];
	code = read_question(cli, &q);
	return code == CLI_OK ? answer(cli, &q) : code;
}
