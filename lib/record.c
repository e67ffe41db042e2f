#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int vmp_noun_find(const char *name, enum vmp_noun *out)
{
	int n;

	for (n = 0; n < VMP_NOUNS; n++) {
		if (strcmp(vmp_noun_info((enum vmp_noun)n)->name, name) == 0) {
			*out = (enum vmp_noun)n;
			return VMP_OK;
		}
	}
	return VMP_ENOENT;
}

int vmp_column_find(enum vmp_noun noun, const char *name, size_t len)
{
	const struct vmp_noun_info *info = vmp_noun_info(noun);
	size_t i;

	for (i = 0; i < info->n_column; i++) {
		if (strlen(info->column[i].name) == len && memcmp(info->column[i].name, name, len) == 0)
			return (int)i;
	}
	return -1;
}

static void set_text(struct vmp_value *out, const char *text)
{
	out->kind = VMP_TEXT;
	out->text = text;
}

static void set_int(struct vmp_value *out, int64_t num)
{
	out->kind = VMP_INT;
	out->num = num;
}

/* Plain decimals alone become numbers; "1e1" or "0x10" are for the schema to refuse. */
static void number_from_text(const char *text, struct vmp_value *out)
{
	size_t n = strspn(text, "0123456789");
	int64_t v = 0;

	if (!n || n > 18 || text[n]) {
		set_text(out, text);
		return;
	}
	while (*text)
		v = v * 10 + (*text++ - '0');
	set_int(out, v);
}

static void bool_from_text(const char *text, struct vmp_value *out)
{
	static const struct {
		const char *word;
		int64_t num;
	} words[] = { { "1", 1 }, { "0", 0 }, { "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 } };
	size_t i;

	set_text(out, text);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, text) == 0)
			set_int(out, words[i].num);
	}
}

static int has_back(const struct vmp_column *col)
{
	return col->type == VMP_TYPE_TEXT && col->flags & VMP_COL_NONE;
}

void vmp_value_from_text(const struct vmp_column *col, const char *text, struct vmp_value *out)
{
	memset(out, 0, sizeof(*out));
	if (col->flags & VMP_COL_NULL && !*text)
		return;
	if (col->flags & VMP_COL_INHERIT && strcmp(text, "inherit") == 0)
		return;
	if (col->flags & VMP_COL_NONE && strcmp(text, "none") == 0)
		text = col->type == VMP_TYPE_INT ? "0" : "";
	else if (has_back(col) && *text == '\\')
		text++;
	if (col->type == VMP_TYPE_INT)
		number_from_text(text, out);
	else if (col->type == VMP_TYPE_BOOL)
		bool_from_text(text, out);
	else
		set_text(out, text);
}

const char *vmp_value_to_text(const struct vmp_column *col, const struct vmp_value *value, char room[VMP_VALUE_TEXT],
			      int *back)
{
	*back = 0;
	if (value->kind == VMP_NULL)
		return "";
	if (value->kind == VMP_INT) {
		snprintf(room, VMP_VALUE_TEXT, "%" PRId64, value->num);
		return room;
	}
	if (col->flags & VMP_COL_NONE && !*value->text)
		return "none";
	/* What would read as a word, or lose its backslash. */
	*back = has_back(col) &&
		(*value->text == '\\' || strcmp(value->text, "none") == 0 || strcmp(value->text, "inherit") == 0);
	return value->text;
}

static int assign(struct vmp_record *rec, const char *text, unsigned refused, struct vmp_msg *msg)
{
	const struct vmp_noun_info *info = vmp_noun_info(rec->noun);
	const char *eq = strchr(text, '=');
	int col;

	if (!eq)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected column=value", text);
	col = vmp_column_find(rec->noun, text, (size_t)(eq - text));
	if (col < 0)
		return vmp_fail(msg, VMP_EINVAL, "%.*s: %s has no such column", (int)(eq - text), text, info->name);
	if (info->column[col].flags & refused)
		return vmp_fail(msg, VMP_EINVAL, "%s: cannot be set this way", info->column[col].name);
	if (rec->set >> col & 1)
		return vmp_fail(msg, VMP_EINVAL, "%s: given twice", info->column[col].name);
	vmp_value_from_text(&info->column[col], eq + 1, &rec->value[col]);
	rec->set |= 1u << col;
	return VMP_OK;
}

int vmp_record_assign(struct vmp_record *rec, const char *text, struct vmp_msg *msg)
{
	return assign(rec, text, VMP_COL_READONLY, msg);
}

int vmp_record_filter(struct vmp_record *rec, const char *text, struct vmp_msg *msg)
{
	return assign(rec, text, 0, msg);
}
