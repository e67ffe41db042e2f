#include "output.h"
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void no_memory(void)
{
	exit(cli_fail(CLI_STORE, "out of memory"));
}

struct vmp_table *table_new(const struct vmp_table_head *heads, size_t n)
{
	struct vmp_table *table = vmp_table_new(heads, n);

	if (!table)
		no_memory();
	return table;
}

void table_row(struct vmp_table *table, const char *const *cells)
{
	vmp_table_row(table, cells);
}

void table_end(struct vmp_table *table)
{
	if (vmp_table_end(table) != VMP_OK)
		no_memory();
}

static void dump(json_t *doc, size_t flags)
{
	if (!doc)
		no_memory();
	if (json_dumpf(doc, stdout, flags) != 0)
		exit(cli_fail(CLI_REFUSED, "cannot write to standard output"));
	json_decref(doc);
}

void out_json(json_t *doc)
{
	dump(doc, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

void out_json_item(size_t *n, json_t *item)
{
	fputs((*n)++ ? ",\n  " : "[\n  ", stdout);
	dump(item, 0);
}

void out_json_end(size_t n)
{
	puts(n ? "\n]" : "[]");
}

const char *out_value(const struct vmp_column *col, const struct vmp_value *value, char room[64], const char *absent)
{
	char number[VMP_VALUE_TEXT];
	int back;
	const char *text;

	if (value->kind == VMP_NULL)
		return absent;
	if (value->kind == VMP_INT && col->type == VMP_TYPE_BOOL)
		return value->num ? "yes" : "no";
	text = vmp_value_to_text(col, value, number, &back);
	if (value->kind == VMP_TEXT && !back)
		return text;
	snprintf(room, 64, "%s%s", back ? "\\" : "", text);
	return room;
}
