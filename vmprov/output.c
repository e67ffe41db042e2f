#include "output.h"
#include "cli.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A million rows at once would cost gigabytes, and nobody would see the first ones. */
#define PAGE 1000

struct table {
	struct libscols_table *cols;
	size_t n, rows;
};

static void no_memory(void)
{
	exit(cli_fail(CLI_STORE, "out of memory"));
}

struct table *table_new(const struct table_head *heads, size_t n)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table || !(table->cols = scols_new_table()))
		no_memory();
	table->n = n;
	for (i = 0; i < n; i++) {
		char name[64];
		size_t c;

		for (c = 0; heads[i].name[c] && c < sizeof(name) - 1; c++)
			name[c] = (char)(heads[i].name[c] >= 'a' && heads[i].name[c] <= 'z' ? heads[i].name[c] - 32
											    : heads[i].name[c]);
		name[c] = '\0';
		if (!scols_table_new_column(table->cols, name, 0, heads[i].right ? SCOLS_FL_RIGHT : 0))
			no_memory();
	}
	/* As wide as it needs to be, on a terminal too: what is cut off cannot be copied. */
	scols_table_set_termforce(table->cols, SCOLS_TERMFORCE_NEVER);
	return table;
}

static void print_page(struct table *table)
{
	scols_print_table(table->cols);
	scols_table_remove_lines(table->cols);
	scols_table_enable_noheadings(table->cols, 1);
}

void table_row(struct table *table, const char *const *cells)
{
	struct libscols_line *line;
	size_t i;

	if (table->rows && table->rows % PAGE == 0)
		print_page(table);
	line = scols_table_new_line(table->cols, NULL);
	for (i = 0; i < table->n; i++) {
		if (!line || scols_line_set_data(line, i, cells[i]) != 0)
			no_memory();
	}
	table->rows++;
}

void table_end(struct table *table)
{
	print_page(table);
	scols_unref_table(table->cols);
	free(table);
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
