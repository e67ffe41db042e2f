#include "record_read.h"
#include "csv_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vmp_record_csv {
	struct vmp_csv *csv;
	enum vmp_noun noun;
	const struct vmp_record_calls *calls;
	void *ctx;
	bool header_seen;
	bool header_bad;
	size_t n;
	int column[VMP_CSV_FIELDS_MAX];
};

/* NULL when the header line is good. */
static const char *read_header(struct vmp_record_csv *rc, const struct vmp_csv_row *row, struct vmp_msg *msg)
{
	const struct vmp_noun_info *info = vmp_noun_info(rc->noun);
	uint32_t set = 0;
	size_t i;

	for (i = 0; i < row->n; i++) {
		int col = vmp_column_find(rc->noun, row->field[i], strlen(row->field[i]));

		if (col < 0)
			vmp_fail(msg, VMP_EINVAL, "%s: %s has no such column", row->field[i], info->name);
		else if (info->column[col].flags & VMP_COL_READONLY)
			vmp_fail(msg, VMP_EINVAL, "%s: cannot be imported", row->field[i]);
		else if (set >> col & 1)
			vmp_fail(msg, VMP_EINVAL, "%s: stands twice in the header", row->field[i]);
		if (*msg->text)
			return msg->text;
		set |= 1u << col;
		rc->column[i] = col;
	}
	rc->n = row->n;
	if (set & 1 || info->numbered)
		return NULL;
	vmp_fail(msg, VMP_EINVAL, "%s: expected this column in the header line", info->column[0].name);
	return msg->text;
}

static bool is_utf8(const char *text)
{
	json_t *try;

	while (*text && !(*text & 0x80))
		text++;
	if (!*text)
		return true;
	try = json_string(text);
	json_decref(try);
	return try != NULL;
}

static int on_row(void *ctx, const struct vmp_csv_row *row)
{
	struct vmp_record_csv *rc = ctx;
	const struct vmp_noun_info *info = vmp_noun_info(rc->noun);
	struct vmp_record rec = { .noun = rc->noun };
	struct vmp_msg msg = { "" };
	const char *why;
	size_t i;

	if (rc->header_bad)
		return 0;
	if (!rc->header_seen) {
		rc->header_seen = true;
		why = read_header(rc, row, &msg);
		rc->header_bad = why;
		return why ? rc->calls->bad(rc->ctx, row->line, why) : 0;
	}
	if (row->n != rc->n) {
		vmp_fail(&msg, VMP_EINVAL, "expected %zu fields, as the header has, found %zu", rc->n, row->n);
		return rc->calls->bad(rc->ctx, row->line, msg.text);
	}
	for (i = 0; i < row->n; i++) {
		const struct vmp_column *col = &info->column[rc->column[i]];

		if (!is_utf8(row->field[i])) {
			vmp_fail(&msg, VMP_EINVAL, "%s: expected UTF-8", col->name);
			return rc->calls->bad(rc->ctx, row->line, msg.text);
		}
		vmp_value_from_text(col, row->field[i], &rec.value[rc->column[i]]);
		rec.set |= 1u << rc->column[i];
	}
	return rc->calls->record(rc->ctx, row->line, &rec);
}

static int on_bad(void *ctx, size_t line, const char *why)
{
	struct vmp_record_csv *rc = ctx;

	if (rc->header_bad)
		return 0;
	if (!rc->header_seen)
		rc->header_seen = rc->header_bad = true;
	return rc->calls->bad(rc->ctx, line, why);
}

static const struct vmp_csv_calls csv_calls = { .row = on_row, .bad = on_bad };

int vmp_record_csv_new(struct vmp_record_csv **out, enum vmp_noun noun, const struct vmp_record_calls *calls, void *ctx)
{
	struct vmp_record_csv *rc = calloc(1, sizeof(*rc));

	*out = rc;
	if (!rc)
		return VMP_ENOMEM;
	rc->noun = noun;
	rc->calls = calls;
	rc->ctx = ctx;
	if (vmp_csv_new(&rc->csv, &csv_calls, rc) == VMP_OK)
		return VMP_OK;
	free(rc);
	*out = NULL;
	return VMP_ENOMEM;
}

void vmp_record_csv_free(struct vmp_record_csv *rc)
{
	if (!rc)
		return;
	vmp_csv_free(rc->csv);
	free(rc);
}

int vmp_record_csv_feed(struct vmp_record_csv *rc, const char *data, size_t len)
{
	return vmp_csv_feed(rc->csv, data, len);
}

int vmp_record_csv_finish(struct vmp_record_csv *rc)
{
	int stop = vmp_csv_finish(rc->csv);

	if (!stop && !rc->header_seen)
		stop = rc->calls->bad(rc->ctx, 1, "expected a header line that names columns");
	return stop;
}

static int value_from_json(const struct vmp_column *col, const json_t *item, struct vmp_value *out, struct vmp_msg *msg)
{
	switch (json_typeof(item)) {
	case JSON_NULL:
		return VMP_OK;
	case JSON_STRING:
		out->kind = VMP_TEXT;
		out->text = json_string_value(item);
		return VMP_OK;
	case JSON_INTEGER:
		out->kind = VMP_INT;
		out->num = json_integer_value(item);
		return VMP_OK;
	case JSON_TRUE:
	case JSON_FALSE:
		out->kind = VMP_INT;
		out->num = json_is_true(item);
		return VMP_OK;
	default:
		return vmp_fail(msg, VMP_EINVAL, "%s: expected text, a whole number, true, false or null", col->name);
	}
}

int vmp_record_from_json(enum vmp_noun noun, json_t *obj, struct vmp_record *rec, struct vmp_msg *msg)
{
	const struct vmp_noun_info *info = vmp_noun_info(noun);
	const char *name;
	json_t *item;

	memset(rec, 0, sizeof(*rec));
	rec->noun = noun;
	if (!json_is_object(obj))
		return vmp_fail(msg, VMP_EINVAL, "expected an object");
	json_object_foreach(obj, name, item) {
		int col = vmp_column_find(noun, name, strlen(name));

		if (col < 0)
			return vmp_fail(msg, VMP_EINVAL, "%s: %s has no such column", name, info->name);
		if (info->column[col].flags & VMP_COL_READONLY)
			return vmp_fail(msg, VMP_EINVAL, "%s: cannot be imported", name);
		if (value_from_json(&info->column[col], item, &rec->value[col], msg) != VMP_OK)
			return VMP_EINVAL;
		rec->set |= 1u << col;
	}
	if (rec->set & 1 || info->numbered)
		return VMP_OK;
	return vmp_fail(msg, VMP_EINVAL, "%s: expected a value", info->column[0].name);
}

/* A place in JSON text. */
struct place {
	const char *text;
	size_t len, at, line;
};

static void advance(struct place *p, size_t n)
{
	for (; n; n--, p->at++)
		p->line += p->text[p->at] == '\n';
}

/* The next octet that is no blank; 0 at the end. */
static char peek(struct place *p)
{
	while (p->at < p->len && strchr(" \t\r\n", p->text[p->at]) && p->text[p->at])
		advance(p, 1);
	return p->at < p->len ? p->text[p->at] : '\0';
}

/* One object of the array, from its first octet on. */
static int read_object(struct place *p, enum vmp_noun noun, const struct vmp_record_calls *calls, void *ctx,
		       bool *broken)
{
	const size_t line = p->line;
	struct vmp_msg msg = { "" };
	struct vmp_record rec;
	json_error_t error;
	json_t *obj;
	int stop;

	obj = json_loadb(p->text + p->at, p->len - p->at, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
	if (!obj) {
		*broken = true;
		return calls->bad(ctx, line + (error.line > 0 ? (size_t)error.line - 1 : 0), error.text);
	}
	advance(p, (size_t)error.position);
	if (vmp_record_from_json(noun, obj, &rec, &msg) == VMP_OK)
		stop = calls->record(ctx, line, &rec);
	else
		stop = calls->bad(ctx, line, msg.text);
	json_decref(obj);
	return stop;
}

int vmp_record_json_read(enum vmp_noun noun, const char *text, size_t len, const struct vmp_record_calls *calls,
			 void *ctx)
{
	struct place p = { .text = text, .len = len, .line = 1 };
	bool broken = false, first = true;
	char c;
	int stop;

	if (peek(&p) != '[')
		return calls->bad(ctx, p.line, "expected an array of objects");
	do {
		advance(&p, 1);
		c = peek(&p);
		if (c == ']' && first)
			break;
		if (c != '{')
			return calls->bad(ctx, p.line, "expected an object");
		stop = read_object(&p, noun, calls, ctx, &broken);
		if (stop || broken)
			return stop;
		first = false;
		c = peek(&p);
	} while (c == ',');
	if (c != ']')
		return calls->bad(ctx, p.line, "expected ',' or ']'");
	advance(&p, 1);
	return peek(&p) ? calls->bad(ctx, p.line, "expected nothing behind the array") : 0;
}

json_t *vmp_record_to_json(const struct vmp_record *rec)
{
	const struct vmp_noun_info *info = vmp_noun_info(rec->noun);
	json_t *out = json_object();
	size_t i;

	for (i = 0; i < info->n_column; i++) {
		const struct vmp_value *v = &rec->value[i];
		json_t *item;

		if (!(rec->set >> i & 1))
			continue;
		if (v->kind == VMP_NULL)
			item = json_null();
		else if (v->kind == VMP_TEXT)
			item = vmp_json_text(v->text);
		else
			item = info->column[i].type == VMP_TYPE_BOOL ? json_boolean(v->num)
								     : json_integer((json_int_t)v->num);
		if (json_object_set_new_nocheck(out, info->column[i].name, item) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}
