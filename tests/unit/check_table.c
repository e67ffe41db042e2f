#include "suites.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM 65536

static const struct vmp_table_head heads[] = { { "name", false }, { "n", true } };
static const struct vmp_table_head no_heads[] = { { "", false }, { "", false } };

static FILE *file;
static int terminal;

/* What is printed goes to a file. */
static void setup(void)
{
	fflush(stdout);
	terminal = dup(STDOUT_FILENO);
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
}

static const char *printed(void)
{
	static char text[ROOM];

	fflush(stdout);
	dup2(terminal, STDOUT_FILENO);
	close(terminal);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static struct vmp_table *new (const struct vmp_table_head *which)
{
	struct vmp_table *table = vmp_table_new(which, 2);

	ck_assert_ptr_nonnull(table);
	return table;
}

START_TEST(columns)
{
	struct vmp_table *table = new (heads);

	vmp_table_row(table, (const char *[]){ "one", "1" });
	vmp_table_row(table, (const char *[]){ "twenty", "20" });
	ck_assert_int_eq(vmp_table_end(table), VMP_OK);
	ck_assert_str_eq(printed(), "NAME    N\none     1\ntwenty 20\n");
}
END_TEST

START_TEST(without_headings)
{
	struct vmp_table *table = new (no_heads);

	vmp_table_row(table, (const char *[]){ "name", "one" });
	ck_assert_int_eq(vmp_table_end(table), VMP_OK);
	ck_assert_str_eq(printed(), "name one\n");
}
END_TEST

/* A guest may be named by a stranger: nothing that a terminal obeys. */
START_TEST(control_characters)
{
	struct vmp_table *table = new (no_heads);

	vmp_table_row(table, (const char *[]){ "a\x1b[31m\nb", "x" });
	ck_assert_int_eq(vmp_table_end(table), VMP_OK);
	ck_assert_str_eq(printed(), "a\\x1b[31m\\x0ab x\n");
}
END_TEST

START_TEST(many_rows_have_one_heading)
{
	struct vmp_table *table = new (heads);
	const char *text, *at;
	int i, headings = 0, lines = 0;

	for (i = 0; i < 2500; i++)
		vmp_table_row(table, (const char *[]){ "row", "1" });
	ck_assert_int_eq(vmp_table_end(table), VMP_OK);
	text = printed();
	for (at = text; (at = strstr(at, "NAME")); at++)
		headings++;
	for (at = text; (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_int_eq(headings, 1);
	ck_assert_int_eq(lines, 2501);
}
END_TEST

Suite *check_table(void)
{
	Suite *s = suite_create("table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, columns);
	tcase_add_test(t, without_headings);
	tcase_add_test(t, control_characters);
	tcase_add_test(t, many_rows_have_one_heading);
	suite_add_tcase(s, t);
	return s;
}
