/* Records in SQL: the operations, the same for every noun. */
#include "store_nouns.h"
#include "jsontext.h"
#include "mac.h"
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS 2 /* columns of one noun that are kept in tables of their own */

/* Statements are kept per operation; those that depend on which columns are set, until another set comes.  Each link
 * has two: what goes, and what comes. */
enum op {
	OP_ID,
	OP_INSERT,
	OP_UPDATE,
	OP_DELETE,
	OP_GET,
	OP_SELECT,
	OP_NAMES,
	OP_PASSWORD,
	OP_LINK,
	OPS = OP_LINK + 2 * LINKS
};

struct vmp_records {
	struct vmp_store *store;
	const struct vmp_noun_sql *sql;
	enum vmp_noun noun;
	sqlite3_stmt *stmt[OPS];
	uint32_t set[OPS]; /* the columns that the statement was made for */
};

int vmp_records_new(struct vmp_records **out, struct vmp_store *store, enum vmp_noun noun, struct vmp_msg *msg)
{
	struct vmp_records *rs = calloc(1, sizeof(*rs));

	*out = rs;
	if (!rs)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	rs->store = store;
	rs->noun = noun;
	rs->sql = vmp_noun_sql(noun);
	return VMP_OK;
}

void vmp_records_free(struct vmp_records *rs)
{
	size_t i;

	if (!rs)
		return;
	for (i = 0; i < OPS; i++)
		sqlite3_finalize(rs->stmt[i]);
	free(rs);
}

/* "vlan" out of "vm.vlan" or "vm_nas.mac, vm_nas.nas_id": the last column named. */
static const char *last_column(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot ? dot + 1 : text;
}

/* The schema's own words for what it refused, as one line that starts with the column. */
static int refused(const char *noun, const char *key, const char *text, struct vmp_msg *msg)
{
	static const char check[] = "CHECK constraint failed: ", null[] = "NOT NULL constraint failed: ",
			  unique[] = "UNIQUE constraint failed: ";
	const char *again = strstr(text, "; use UPDATE");
	const char *id = strstr(text, "_id: ");

	if (strncmp(text, null, sizeof(null) - 1) == 0)
		return vmp_fail(msg, VMP_EINVAL, "%s %s: %s: expected a value", noun, key, last_column(text));
	if (strncmp(text, unique, sizeof(unique) - 1) == 0)
		return vmp_fail(msg, VMP_EEXIST, "%s %s: %s: expected one that no other %s has", noun, key,
				last_column(text), noun);
	if (strncmp(text, check, sizeof(check) - 1) == 0)
		text += sizeof(check) - 1;
	if (again)
		return vmp_fail(msg, VMP_EEXIST, "%s %s: %.*s", noun, key, (int)(again - text), text);
	if (id && !memchr(text, ' ', (size_t)(id - text)))
		return vmp_fail(msg, VMP_EINVAL, "%s %s: %.*s: %s", noun, key, (int)(id - text), text, id + 5);
	return vmp_fail(msg, VMP_EINVAL, "%s %s: %s", noun, key, text);
}

static int fail(const struct vmp_records *rs, int rc, const char *key, struct vmp_msg *msg)
{
	int primary = rc & 0xff;

	if (primary == SQLITE_CONSTRAINT || primary == SQLITE_ERROR || primary == SQLITE_TOOBIG ||
	    primary == SQLITE_MISMATCH)
		return refused(rs->sql->info.name, key, sqlite3_errmsg(rs->store->db), msg);
	return vmp_store_error(rs->store, rc, rs->sql->info.name, msg);
}

/* Take sql, which is freed, as rs->stmt[op]. */
static int prepare_taken(struct vmp_records *rs, enum op op, char *sql, struct vmp_msg *msg)
{
	int rc;

	if (!sql)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	sqlite3_finalize(rs->stmt[op]);
	rs->stmt[op] = NULL;
	rc = sqlite3_prepare_v3(rs->store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &rs->stmt[op], NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? VMP_OK : vmp_store_error(rs->store, rc, "cannot prepare", msg);
}

/* Make the statement unless it is there already. */
static int prepare(struct vmp_records *rs, enum op op, const char *sql, struct vmp_msg *msg)
{
	if (rs->stmt[op]) {
		sqlite3_reset(rs->stmt[op]);
		return VMP_OK;
	}
	return prepare_taken(rs, op, sqlite3_mprintf("%s", sql), msg);
}

static void reset(struct vmp_records *rs)
{
	sqlite3_reset(rs->stmt[OP_GET]);
	sqlite3_reset(rs->stmt[OP_SELECT]);
}

static int run(struct vmp_records *rs, enum op op, const char *key, struct vmp_msg *msg)
{
	int rc = sqlite3_step(rs->stmt[op]), err = VMP_OK;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		err = fail(rs, rc, key, msg);
	sqlite3_reset(rs->stmt[op]);
	sqlite3_clear_bindings(rs->stmt[op]);
	return err;
}

static int bind_value(sqlite3_stmt *stmt, int at, const struct vmp_value *v)
{
	if (v->kind == VMP_NULL)
		return sqlite3_bind_null(stmt, at);
	if (v->kind == VMP_INT)
		return sqlite3_bind_int64(stmt, at, v->num);
	return sqlite3_bind_text(stmt, at, v->text, -1, SQLITE_STATIC);
}

/* A value to compare with: a MAC in the form that the store shows. */
static int bind_match(sqlite3_stmt *stmt, int at, const struct vmp_column *col, const struct vmp_value *v)
{
	char canonical[VMP_MAC_TEXT];
	uint64_t mac;

	if (col->type != VMP_TYPE_MAC || v->kind != VMP_TEXT || vmp_mac_parse(v->text, strlen(v->text), &mac) != VMP_OK)
		return bind_value(stmt, at, v);
	vmp_mac_format(mac, canonical);
	return sqlite3_bind_text(stmt, at, canonical, -1, SQLITE_TRANSIENT);
}

static bool is_here(const struct vmp_record *rec, size_t col)
{
	return rec->set >> col & 1;
}

/* The row's number; VMP_ENOENT, with a message, when nothing has this key. */
static int find_id(struct vmp_records *rs, const char *key, int64_t *id, struct vmp_msg *msg)
{
	int err = prepare(rs, OP_ID, rs->sql->id, msg), rc;
	sqlite3_stmt *stmt = rs->stmt[OP_ID];
	uint64_t mac;

	if (err != VMP_OK)
		return err;
	sqlite3_clear_bindings(stmt);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (rs->noun == VMP_NOUN_VM && vmp_mac_parse(key, strlen(key), &mac) == VMP_OK)
		sqlite3_bind_int64(stmt, 2, (int64_t)mac);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*id = sqlite3_column_int64(stmt, 0);
	else if (rc == SQLITE_DONE)
		err = vmp_fail(msg, VMP_ENOENT, "%s %s: not found", rs->sql->info.name, key);
	else
		err = vmp_store_error(rs->store, rc, rs->sql->info.name, msg);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

int vmp_record_find(struct vmp_records *rs, const char *key, struct vmp_msg *msg)
{
	int64_t id;

	return find_id(rs, key, &id, msg);
}

static int run_link(struct vmp_records *rs, enum op op, const char *sql, int64_t id, const char *json,
		    struct vmp_msg *msg)
{
	int err = prepare(rs, op, sql, msg);

	if (err != VMP_OK)
		return err;
	sqlite3_bind_int64(rs->stmt[op], 1, id);
	sqlite3_bind_text(rs->stmt[op], 2, json, -1, SQLITE_STATIC);
	return run(rs, op, "", msg);
}

/* What the schema says of a link's row is said of the column here. */
static int link_refused(const struct vmp_records *rs, const struct vmp_column *col, const char *key, int err,
			struct vmp_msg *msg)
{
	const char *expected = msg ? strstr(msg->text, "expected ") : NULL;
	struct vmp_msg words;

	if (err != VMP_EINVAL || !expected)
		return err;
	snprintf(words.text, sizeof(words.text), "%s", expected);
	return vmp_fail(msg, err, "%s %s: %s: %s", rs->sql->info.name, key, col->name, words.text);
}

/* The column's own form of a value; text in it is kept in room. */
static int form_value(const struct vmp_records *rs, const struct vmp_column *col, const char *key,
		      char room[VMP_CIDR_LIST], struct vmp_value *value, struct vmp_msg *msg)
{
	struct vmp_msg words = { "" };

	if (!col->form || value->kind != VMP_TEXT)
		return VMP_OK;
	if (col->form(value->text, room, &words) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "%s %s: %s: %s", rs->sql->info.name, key, col->name, words.text);
	value->text = room;
	return VMP_OK;
}

/* @param nth  of the noun's links. */
static int write_link(struct vmp_records *rs, size_t nth, const char *key, int64_t id, const struct vmp_column *col,
		      const struct vmp_value *value, struct vmp_msg *msg)
{
	struct vmp_value list = *value;
	char room[VMP_CIDR_LIST], *json;
	int err = form_value(rs, col, key, room, &list, msg);

	if (err != VMP_OK)
		return err;
	json = vmp_json_list(list.kind == VMP_TEXT ? list.text : "");
	if (!json || value->kind == VMP_INT) {
		free(json);
		return vmp_fail(msg, VMP_EINVAL, "%s %s: %s: expected %s", rs->sql->info.name, key, col->name,
				col->help);
	}
	err = run_link(rs, (enum op)(OP_LINK + 2 * nth), col->link->drop, id, json, msg);
	if (err == VMP_OK)
		err = run_link(rs, (enum op)(OP_LINK + 2 * nth + 1), col->link->add, id, json, msg);
	free(json);
	return link_refused(rs, col, key, err, msg);
}

/* key NULL: the record's own, just inserted. */
static int write_links(struct vmp_records *rs, const char *key, const struct vmp_record *rec, struct vmp_msg *msg)
{
	const struct vmp_noun_info *info = &rs->sql->info;
	size_t i, nth = 0;
	int64_t id = 0;
	int err = VMP_OK;

	for (i = 0; i < info->n_column && err == VMP_OK; i++) {
		if (!info->column[i].link)
			continue;
		if (is_here(rec, i) && !id)
			err = find_id(rs, key, &id, msg);
		if (is_here(rec, i) && err == VMP_OK)
			err = write_link(rs, nth, key, id, &info->column[i], &rec->value[i], msg);
		nth++;
	}
	return err;
}

static bool is_written(const struct vmp_records *rs, const struct vmp_record *rec, size_t col)
{
	return is_here(rec, col) && !rs->sql->info.column[col].link;
}

/* Append to text, which is freed when the result is NULL. */
static char *append(char *text, const char *a, const char *b, const char *c)
{
	char *out = text ? sqlite3_mprintf("%s%s%s%s", text, a, b, c) : NULL;

	sqlite3_free(text);
	return out;
}

static char *insert_sql(const struct vmp_records *rs, const struct vmp_record *rec)
{
	char *names = sqlite3_mprintf(""), *values = sqlite3_mprintf(""), *out = NULL;
	const char *comma = "";
	size_t i;

	for (i = 0; i < rs->sql->info.n_column; i++) {
		const struct vmp_column *col = &rs->sql->info.column[i];

		if (!is_written(rs, rec, i))
			continue;
		names = append(names, comma, col->set ? col->set : col->name, "");
		values = append(values, comma, col->value ? col->value : "?", "");
		comma = ", ";
	}
	if (names && values)
		out = sqlite3_mprintf("INSERT INTO %s (%s) VALUES (%s)", rs->sql->table, names, values);
	sqlite3_free(names);
	sqlite3_free(values);
	return out;
}

static char *update_sql(const struct vmp_records *rs, const struct vmp_record *rec)
{
	char *out = sqlite3_mprintf("UPDATE %s SET ", rs->sql->table);
	const char *comma = "";
	size_t i;

	for (i = 0; i < rs->sql->info.n_column; i++) {
		const struct vmp_column *col = &rs->sql->info.column[i];

		if (!is_written(rs, rec, i))
			continue;
		out = append(out, comma, col->set ? col->set : col->name, " = ");
		out = append(out, col->value ? col->value : "?", "", "");
		comma = ", ";
	}
	return append(out, " WHERE ", rs->sql->row, "");
}

/* @param n  out: how many values were bound. */
static int bind_written(struct vmp_records *rs, enum op op, const char *key, const struct vmp_record *rec, int *n,
			struct vmp_msg *msg)
{
	char room[VMP_CIDR_LIST];
	int rc, err = VMP_OK;
	size_t i;

	*n = 0;
	for (i = 0; i < rs->sql->info.n_column && err == VMP_OK; i++) {
		struct vmp_value value = rec->value[i];

		if (!is_written(rs, rec, i))
			continue;
		err = form_value(rs, &rs->sql->info.column[i], key, room, &value, msg);
		rc = value.text == room ? sqlite3_bind_text(rs->stmt[op], ++*n, room, -1, SQLITE_TRANSIENT)
					: bind_value(rs->stmt[op], ++*n, &value);
		if (err == VMP_OK && rc != SQLITE_OK)
			err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	return err;
}

static int prepare_written(struct vmp_records *rs, enum op op, const struct vmp_record *rec, struct vmp_msg *msg)
{
	int err;

	reset(rs);
	if (rs->stmt[op] && rs->set[op] == rec->set)
		return VMP_OK;
	err = prepare_taken(rs, op, op == OP_INSERT ? insert_sql(rs, rec) : update_sql(rs, rec), msg);
	rs->set[op] = rec->set;
	return err;
}

int vmp_record_insert(struct vmp_records *rs, const struct vmp_record *rec, struct vmp_msg *msg)
{
	const struct vmp_noun_info *info = &rs->sql->info;
	const struct vmp_value *named = &rec->value[info->numbered];
	const char *key = is_here(rec, info->numbered) && named->kind == VMP_TEXT ? named->text : "";
	int n, err;

	if (!is_here(rec, 0) && !info->numbered)
		return vmp_fail(msg, VMP_EINVAL, "%s: %s: expected a value", info->name, info->column[0].name);
	err = prepare_written(rs, OP_INSERT, rec, msg);
	if (err == VMP_OK)
		err = bind_written(rs, OP_INSERT, key, rec, &n, msg);
	if (err == VMP_OK)
		err = run(rs, OP_INSERT, key, msg);
	return err == VMP_OK ? write_links(rs, key, rec, msg) : err;
}

int64_t vmp_record_number(const struct vmp_records *rs)
{
	return sqlite3_last_insert_rowid(rs->store->db);
}

/* Links first: their row is still found under the old key. */
int vmp_record_update(struct vmp_records *rs, const char *key, const struct vmp_record *rec, struct vmp_msg *msg)
{
	int64_t id;
	size_t i;
	int at, err = find_id(rs, key, &id, msg);

	if (err == VMP_OK)
		err = write_links(rs, key, rec, msg);
	for (i = 0; i < rs->sql->info.n_column && !is_written(rs, rec, i); i++)
		;
	if (err != VMP_OK || i == rs->sql->info.n_column)
		return err;
	err = prepare_written(rs, OP_UPDATE, rec, msg);
	if (err == VMP_OK)
		err = bind_written(rs, OP_UPDATE, key, rec, &at, msg);
	if (err != VMP_OK)
		return err;
	sqlite3_bind_int64(rs->stmt[OP_UPDATE], at + 1, id);
	return run(rs, OP_UPDATE, key, msg);
}

static int run_one(struct vmp_records *rs, enum op op, int64_t id, const char *key, struct vmp_msg *msg)
{
	sqlite3_bind_int64(rs->stmt[op], 1, id);
	return run(rs, op, key, msg);
}

int vmp_record_delete(struct vmp_records *rs, const char *key, struct vmp_msg *msg)
{
	char *sql = NULL;
	int64_t id;
	int err = find_id(rs, key, &id, msg);

	reset(rs);
	if (err == VMP_OK && !rs->stmt[OP_DELETE]) {
		sql = sqlite3_mprintf("DELETE FROM %s WHERE %s", rs->sql->table, rs->sql->row);
		err = prepare_taken(rs, OP_DELETE, sql, msg);
	}
	return err == VMP_OK ? run_one(rs, OP_DELETE, id, key, msg) : err;
}

/* "SELECT every column FROM ..." */
static char *select_sql(const struct vmp_records *rs)
{
	char *out = sqlite3_mprintf("SELECT ");
	size_t i;

	for (i = 0; i < rs->sql->info.n_column; i++) {
		const struct vmp_column *col = &rs->sql->info.column[i];

		out = append(out, i ? ", " : "", col->get ? col->get : "r.", col->get ? "" : col->name);
	}
	return append(out, " FROM ", rs->sql->from, " WHERE ");
}

static void read_row(const struct vmp_records *rs, sqlite3_stmt *stmt, struct vmp_record *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->noun = rs->noun;
	for (i = 0; i < rs->sql->info.n_column; i++) {
		struct vmp_value *v = &out->value[i];
		int type = sqlite3_column_type(stmt, (int)i);

		out->set |= 1u << i;
		if (type == SQLITE_NULL)
			continue;
		v->kind = type == SQLITE_INTEGER ? VMP_INT : VMP_TEXT;
		if (v->kind == VMP_INT)
			v->num = sqlite3_column_int64(stmt, (int)i);
		else
			v->text = (const char *)sqlite3_column_text(stmt, (int)i);
		if (v->kind == VMP_TEXT && !v->text)
			v->text = "";
	}
}

static int read_next(struct vmp_records *rs, enum op op, struct vmp_record *out, struct vmp_msg *msg)
{
	int rc = sqlite3_step(rs->stmt[op]);

	if (rc == SQLITE_ROW) {
		read_row(rs, rs->stmt[op], out);
		return VMP_OK;
	}
	sqlite3_reset(rs->stmt[op]);
	return rc == SQLITE_DONE ? VMP_ENOENT : vmp_store_error(rs->store, rc, rs->sql->info.name, msg);
}

int vmp_record_get(struct vmp_records *rs, const char *key, struct vmp_record *out, struct vmp_msg *msg)
{
	int64_t id;
	int err;

	reset(rs);
	err = find_id(rs, key, &id, msg);
	if (err == VMP_OK && !rs->stmt[OP_GET])
		err = prepare_taken(rs, OP_GET, append(select_sql(rs), rs->sql->by_id, "", ""), msg);
	if (err != VMP_OK)
		return err;
	sqlite3_bind_int64(rs->stmt[OP_GET], 1, id);
	err = read_next(rs, OP_GET, out, msg);
	return err == VMP_ENOENT ? vmp_fail(msg, err, "%s %s: not found", rs->sql->info.name, key) : err;
}

static char *filter_sql(const struct vmp_records *rs, const struct vmp_record *filter)
{
	char *out = append(select_sql(rs), "1", "", "");
	size_t i;

	for (i = 0; i < rs->sql->info.n_column; i++) {
		const struct vmp_column *col = &rs->sql->info.column[i];
		char *get;

		if (!filter || !is_here(filter, i))
			continue;
		get = append(sqlite3_mprintf("("), col->get ? col->get : "r.", col->get ? "" : col->name, ")");
		if (filter->value[i].kind == VMP_NULL)
			out = append(out, " AND ", get ? get : "", " IS NULL");
		else if (col->match)
			out = append(out, " AND ", col->match, "");
		else
			out = append(out, " AND ", get ? get : "",
				     col->type == VMP_TYPE_TEXT ? " = ? COLLATE NOCASE" : " = ?");
		sqlite3_free(get);
	}
	return append(out, " ORDER BY ", rs->sql->order, "");
}

int vmp_record_select(struct vmp_records *rs, const struct vmp_record *filter, struct vmp_msg *msg)
{
	size_t i;
	int at = 0, err;

	reset(rs);
	err = prepare_taken(rs, OP_SELECT, filter_sql(rs, filter), msg);
	for (i = 0; i < rs->sql->info.n_column && err == VMP_OK; i++) {
		if (!filter || !is_here(filter, i) || filter->value[i].kind == VMP_NULL)
			continue;
		if (bind_match(rs->stmt[OP_SELECT], ++at, &rs->sql->info.column[i], &filter->value[i]) != SQLITE_OK)
			err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	return err;
}

int vmp_record_next(struct vmp_records *rs, struct vmp_record *out, struct vmp_msg *msg)
{
	return read_next(rs, OP_SELECT, out, msg);
}

int vmp_record_count(struct vmp_records *rs, int64_t *n, struct vmp_msg *msg)
{
	int err, rc;

	reset(rs);
	err = prepare_taken(rs, OP_SELECT, sqlite3_mprintf("SELECT count(*) FROM %s", rs->sql->counted), msg);
	if (err != VMP_OK)
		return err;
	rc = sqlite3_step(rs->stmt[OP_SELECT]);
	if (rc == SQLITE_ROW)
		*n = sqlite3_column_int64(rs->stmt[OP_SELECT], 0);
	else
		err = vmp_store_error(rs->store, rc, rs->sql->info.name, msg);
	sqlite3_reset(rs->stmt[OP_SELECT]);
	return err;
}

int vmp_record_names(struct vmp_records *rs, const char *prefix, int max, void (*each)(void *ctx, const char *name),
		     void *ctx, struct vmp_msg *msg)
{
	int rc, err = prepare(rs, OP_NAMES, rs->sql->names, msg);

	if (err != VMP_OK)
		return err;
	sqlite3_bind_text(rs->stmt[OP_NAMES], 1, prefix, -1, SQLITE_STATIC);
	sqlite3_bind_int(rs->stmt[OP_NAMES], 2, max);
	while ((rc = sqlite3_step(rs->stmt[OP_NAMES])) == SQLITE_ROW)
		each(ctx, (const char *)sqlite3_column_text(rs->stmt[OP_NAMES], 0));
	if (rc != SQLITE_DONE)
		err = vmp_store_error(rs->store, rc, rs->sql->info.name, msg);
	sqlite3_reset(rs->stmt[OP_NAMES]);
	sqlite3_clear_bindings(rs->stmt[OP_NAMES]);
	return err;
}

int vmp_record_eap_md5(struct vmp_records *rs, const char *key, const char *password, struct vmp_msg *msg)
{
	static const char set[] = "INSERT INTO eap_md5 (mac, password) VALUES (?1, ?2) "
				  "ON CONFLICT (mac) DO UPDATE SET password = excluded.password",
			  drop[] = "DELETE FROM eap_md5 WHERE mac = ?1";
	int64_t id;
	int err = find_id(rs, key, &id, msg);

	reset(rs);
	if (err == VMP_OK)
		err = prepare_taken(rs, OP_PASSWORD, sqlite3_mprintf("%s", password ? set : drop), msg);
	if (err != VMP_OK)
		return err;
	if (password)
		sqlite3_bind_text(rs->stmt[OP_PASSWORD], 2, password, -1, SQLITE_STATIC);
	return run_one(rs, OP_PASSWORD, id, key, msg);
}
