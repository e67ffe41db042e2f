#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>

/* A million rows at once would cost gigabytes, and nobody would see the first ones. */
#define PAGE 1000

struct vmp_table {
	struct libscols_table *cols;
	size_t n, rows;
	bool failed;
};

static bool add_column(struct libscols_table *cols, const struct vmp_table_head *head)
{
	char name[64];
	size_t c;

	for (c = 0; head->name[c] && c < sizeof(name) - 1; c++)
		name[c] = (char)(head->name[c] >= 'a' && head->name[c] <= 'z' ? head->name[c] - 32 : head->name[c]);
	name[c] = '\0';
	return scols_table_new_column(cols, name, 0, head->right ? SCOLS_FL_RIGHT : 0) != NULL;
}

struct vmp_table *vmp_table_new(const struct vmp_table_head *heads, size_t n)
{
	struct vmp_table *table = calloc(1, sizeof(*table));
	bool named = false;
	size_t i;

	if (!table || !(table->cols = scols_new_table())) {
		free(table);
		return NULL;
	}
	table->n = n;
	for (i = 0; i < n; i++) {
		named |= *heads[i].name != '\0';
		if (!add_column(table->cols, &heads[i])) {
			scols_unref_table(table->cols);
			free(table);
			return NULL;
		}
	}
	scols_table_enable_noheadings(table->cols, !named);
	/* As wide as it needs to be, on a terminal too: what is cut off cannot be copied. */
	scols_table_set_termforce(table->cols, SCOLS_TERMFORCE_NEVER);
	return table;
}

static void print_page(struct vmp_table *table)
{
	scols_print_table(table->cols);
	scols_table_remove_lines(table->cols);
	scols_table_enable_noheadings(table->cols, 1);
}

void vmp_table_row(struct vmp_table *table, const char *const *cells)
{
	struct libscols_line *line;
	size_t i;

	if (table->rows && table->rows % PAGE == 0)
		print_page(table);
	line = scols_table_new_line(table->cols, NULL);
	for (i = 0; line && i < table->n; i++) {
		if (scols_line_set_data(line, i, cells[i]) != 0)
			table->failed = true;
	}
	table->failed |= !line;
	table->rows++;
}

int vmp_table_end(struct vmp_table *table)
{
	int err = table->failed ? VMP_ENOMEM : VMP_OK;

	print_page(table);
	scols_unref_table(table->cols);
	free(table);
	return err;
}
