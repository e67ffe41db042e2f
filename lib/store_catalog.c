/* Reads the small tables into a struct vmp_catalog. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLICY "vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab"

/* Column order of POLICY. */
static const struct {
	enum vmp_field field;
	bool text;
} policy_columns[] = {
	{ VMP_F_VLAN, false },	 { VMP_F_TAGGED_VLANS, true }, { VMP_F_COS, false },	 { VMP_F_INGRESS, false },
	{ VMP_F_EGRESS, false }, { VMP_F_ACL, true },	       { VMP_F_TIMEOUT, false }, { VMP_F_MAB, false },
};

void vmp_store_policy_columns(sqlite3_stmt *stmt, int col, struct vmp_policy *out)
{
	size_t i;

	out->set = 0;
	for (i = 0; i < sizeof(policy_columns) / sizeof(policy_columns[0]); i++) {
		const enum vmp_field f = policy_columns[i].field;
		sqlite3_value *v = sqlite3_column_value(stmt, col + (int)i);

		if (sqlite3_value_type(v) == SQLITE_NULL)
			continue;
		out->set |= 1u << f;
		if (policy_columns[i].text)
			out->value[f].text = (const char *)sqlite3_value_text(v);
		else
			out->value[f].num = (uint32_t)sqlite3_value_int64(v);
	}
}

static const char *column_text(sqlite3_stmt *stmt, int col, struct vmp_arena *strings)
{
	return vmp_arena_strdup(strings, (const char *)sqlite3_column_text(stmt, col));
}

/* A level's policy, its texts copied; false when out of memory. */
static bool column_policy(sqlite3_stmt *stmt, int col, struct vmp_arena *strings, struct vmp_policy *out)
{
	static const enum vmp_field texts[] = { VMP_F_TAGGED_VLANS, VMP_F_ACL };
	size_t i;

	vmp_store_policy_columns(stmt, col, out);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!(out->set >> texts[i] & 1))
			continue;
		out->value[texts[i]].text = vmp_arena_strdup(strings, out->value[texts[i]].text);
		if (!out->value[texts[i]].text)
			return false;
	}
	return true;
}

/* Each fills one row; false when out of memory. */
static bool fill_tenant(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_tenant *row = at;

	row->id = sqlite3_column_int64(s, 0);
	row->name = column_text(s, 1, strings);
	row->enabled = sqlite3_column_int(s, 2);
	return row->name;
}

static bool fill_enclave(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_enclave *row = at;

	row->id = sqlite3_column_int64(s, 0);
	row->name = column_text(s, 1, strings);
	row->enabled = sqlite3_column_int(s, 2);
	row->acct_interim_s = (uint32_t)sqlite3_column_int64(s, 3);
	return row->name && column_policy(s, 4, strings, &row->policy);
}

static bool fill_coi(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_coi *row = at;

	row->id = sqlite3_column_int64(s, 0);
	row->name = column_text(s, 1, strings);
	row->enabled = sqlite3_column_int(s, 2);
	row->priority = (uint32_t)sqlite3_column_int64(s, 3);
	row->member_count = sqlite3_column_int64(s, 4);
	return row->name && column_policy(s, 5, strings, &row->policy);
}

/* The order of enum in struct vmp_nas; NULL is the first. */
static int coa_mode(sqlite3_stmt *s, int col)
{
	static const char *const words[] = { "", "coa", "disconnect", "none" };
	const char *word = (const char *)sqlite3_column_text(s, col);
	int i = (int)(sizeof(words) / sizeof(words[0])) - 1;

	while (i && (!word || strcmp(words[i], word) != 0))
		i--;
	return i;
}

/* An address that cannot be parsed becomes ::, which no packet comes from; `vmprov doctor` names it. */
static bool fill_nas(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_nas *row = at;
	const char *address = (const char *)sqlite3_column_text(s, 2);

	row->id = sqlite3_column_int64(s, 0);
	row->name = column_text(s, 1, strings);
	row->dialect = column_text(s, 3, strings);
	row->quarantine_vlan = (uint16_t)sqlite3_column_int(s, 4);
	row->coa = (enum vmp_nas_coa)coa_mode(s, 5);
	row->coa_port = (uint16_t)sqlite3_column_int(s, 6);
	row->coa_rate = (uint32_t)sqlite3_column_int64(s, 7);
	if (!address || vmp_addr_parse(address, &row->address) != VMP_OK)
		memset(&row->address, 0, sizeof(row->address));
	return row->name && row->dialect;
}

static bool fill_host(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_host *row = at;

	row->id = sqlite3_column_int64(s, 0);
	row->name = column_text(s, 1, strings);
	row->cert_name = column_text(s, 2, strings);
	row->tenant_id = sqlite3_column_int64(s, 3);
	row->enclave_id = sqlite3_column_int64(s, 4);
	row->enabled = sqlite3_column_int(s, 5);
	return row->name && row->cert_name;
}

static bool fill_uplink(sqlite3_stmt *s, void *at, struct vmp_arena *strings)
{
	struct vmp_uplink *row = at;

	row->host_id = sqlite3_column_int64(s, 0);
	row->nas_id = sqlite3_column_int64(s, 1);
	row->port = column_text(s, 2, strings);
	return row->port;
}

static int nas_order(const void *a, const void *b)
{
	return memcmp(&((const struct vmp_nas *)a)->address, &((const struct vmp_nas *)b)->address,
		      sizeof(struct vmp_addr));
}

static int host_order(const void *a, const void *b)
{
	return strcasecmp(((const struct vmp_host *)a)->cert_name, ((const struct vmp_host *)b)->cert_name);
}

#define AT(list, count) offsetof(struct vmp_catalog, list), offsetof(struct vmp_catalog, count)

/* One row a table: how it is asked for, filled and, where SQLite's order is not the look-up's, sorted. */
static const struct table {
	const char *sql;
	size_t rows, count; /* offsets in struct vmp_catalog */
	size_t size;
	bool (*fill)(sqlite3_stmt *, void *, struct vmp_arena *);
	int (*order)(const void *, const void *);
} tables[] = {
	{ "SELECT id, name, enabled FROM tenant ORDER BY id", AT(tenant, n_tenant), sizeof(struct vmp_tenant),
	  fill_tenant, NULL },
	{ "SELECT id, name, enabled, acct_interim_s, " POLICY " FROM enclave ORDER BY id", AT(enclave, n_enclave),
	  sizeof(struct vmp_enclave), fill_enclave, NULL },
	{ "SELECT id, name, enabled, priority, member_count, " POLICY " FROM coi ORDER BY id", AT(coi, n_coi),
	  sizeof(struct vmp_coi), fill_coi, NULL },
	{ "SELECT id, name, address, dialect, quarantine_vlan, coa, coa_port, coa_rate FROM nas", AT(nas, n_nas),
	  sizeof(struct vmp_nas), fill_nas, nas_order },
	{ "SELECT id, name, coalesce(cert_name, name), tenant_id, enclave_id, enabled FROM host", AT(host, n_host),
	  sizeof(struct vmp_host), fill_host, host_order },
	{ "SELECT host_id, nas_id, port FROM host_uplink ORDER BY host_id", AT(uplink, n_uplink),
	  sizeof(struct vmp_uplink), fill_uplink, NULL },
};

/* Step through one statement's rows into a growing array. */
static int read_rows(sqlite3_stmt *stmt, const struct table *t, struct vmp_arena *strings, char **rows, size_t *n)
{
	size_t room = 0;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (*n == room) {
			char *more = realloc(*rows, (room = room ? room * 2 : 16) * t->size);

			if (!more)
				return SQLITE_NOMEM;
			*rows = more;
		}
		memset(*rows + *n * t->size, 0, t->size);
		if (!t->fill(stmt, *rows + *n * t->size, strings))
			return SQLITE_NOMEM;
		(*n)++;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_table(struct vmp_store *store, const struct table *t, struct vmp_catalog_box *box, struct vmp_msg *msg)
{
	char **rows = (char **)(void *)((char *)&box->cat + t->rows);
	size_t *n = (size_t *)(void *)((char *)&box->cat + t->count);
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, t->sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = read_rows(stmt, t, &box->strings, rows, n);
	if (rc != SQLITE_OK)
		rc = vmp_store_error(store, rc, "cannot read", msg);
	else if (t->order && *n)
		qsort(*rows, *n, t->size, t->order);
	sqlite3_finalize(stmt);
	return rc;
}

int vmp_store_catalog_load(struct vmp_store *store, int64_t generation, struct vmp_catalog_box **out,
			   struct vmp_msg *msg)
{
	struct vmp_catalog_box *box = calloc(1, sizeof(*box));
	int err = VMP_OK;
	size_t i;

	*out = NULL;
	if (!box)
		return vmp_fail(msg, VMP_ENOMEM, "store %s: out of memory", store->path);
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]) && err == VMP_OK; i++)
		err = read_table(store, &tables[i], box, msg);
	if (err == VMP_OK && !(box->count_version = calloc(box->cat.n_coi + 1, sizeof(*box->count_version))))
		err = vmp_fail(msg, VMP_ENOMEM, "store %s: out of memory", store->path);
	if (err != VMP_OK) {
		vmp_store_catalog_free(box);
		return err;
	}
	box->cat.generation = generation;
	*out = box;
	return VMP_OK;
}

void vmp_store_catalog_free(struct vmp_catalog_box *box)
{
	size_t i;

	if (!box)
		return;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		free(*(char **)(void *)((char *)&box->cat + tables[i].rows));
	free(box->count_version);
	vmp_arena_clear(&box->strings);
	free(box);
}
