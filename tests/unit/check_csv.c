#include "csv_reader.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static char got[4096];

static int on_row(void *ctx, const struct vmp_csv_row *row)
{
	size_t i, at = strlen(got);

	(void)ctx;
	at += (size_t)snprintf(got + at, sizeof(got) - at, "%zu:", row->line);
	for (i = 0; i < row->n; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, "[%.60s]", row->field[i]);
	snprintf(got + at, sizeof(got) - at, ";");
	return 0;
}

static int on_bad(void *ctx, size_t line, const char *why)
{
	size_t at = strlen(got);

	(void)ctx;
	(void)why;
	snprintf(got + at, sizeof(got) - at, "%zu!;", line);
	return 0;
}

static const struct vmp_csv_calls calls = { on_row, on_bad };

/* Feed text in pieces of step octets. */
static const char *read_in_steps(const char *text, size_t len, size_t step)
{
	struct vmp_csv *csv;
	size_t at;

	got[0] = '\0';
	ck_assert_int_eq(vmp_csv_new(&csv, &calls, NULL), VMP_OK);
	for (at = 0; at < len; at += step)
		ck_assert_int_eq(vmp_csv_feed(csv, text + at, len - at < step ? len - at : step), 0);
	ck_assert_int_eq(vmp_csv_finish(csv), 0);
	vmp_csv_free(csv);
	return got;
}

static const struct {
	const char *text, *rows;
} vectors[] = {
	{ "", "" },
	{ "a,b\n", "1:[a][b];" },
	{ "a,b", "1:[a][b];" },
	{ "a,b\r\nc,d\r\n", "1:[a][b];2:[c][d];" },
	{ "\n\na\n", "3:[a];" },
	{ ",\n", "1:[][];" },
	{ " a , b \n", "1:[a][b];" },
	{ "\"a,b\",\"c\"\"d\"\n", "1:[a,b][c\"d];" },
	{ "\"two\nlines\",x\ny\n", "1:[two\nlines][x];3:[y];" },
	{ "\xef\xbb\xbfmac\n", "1:[mac];" },
	{ "a\rb,c\n", "1:[a\rb][c];" },
	{ "\"\",\"\"\"\"\n", "1:[][\"];" },
	{ "\"a\" \r\n", "1:[a];" },
	{ " \t\r\n\n\"\n\n\"\nb", "3:[\n\n];6:[b];" },
	/* Bad records: each is told once, and the next line is read. */
	{ "a\"b\nc\n", "1!;2:[c];" },
	{ "\"a\"b\nc\n", "1!;2:[c];" },
	{ "a\n\"b\nc\n", "1:[a];2!;" },
};

START_TEST(vectors_in_pieces_of_every_size)
{
	size_t step;

	for (step = 1; step < 12; step++)
		ck_assert_str_eq(read_in_steps(vectors[_i].text, strlen(vectors[_i].text), step), vectors[_i].rows);
}
END_TEST

/* A record past the limit is one bad line, and the one behind it is read. */
START_TEST(a_record_without_end_is_bad)
{
	static char text[VMP_CSV_RECORD_MAX * 2 + 3];

	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 3, "\na\n", 3);
	ck_assert_str_eq(read_in_steps(text, sizeof(text), 4096), "1!;2:[a];");
}
END_TEST

START_TEST(too_many_fields_are_bad)
{
	char text[VMP_CSV_FIELDS_MAX + 16];

	memset(text, ',', sizeof(text));
	text[sizeof(text) - 3] = '\n';
	text[sizeof(text) - 2] = 'a';
	text[sizeof(text) - 1] = '\n';
	ck_assert_str_eq(read_in_steps(text, sizeof(text), 7), "1!;2:[a];");
}
END_TEST

START_TEST(a_nul_is_bad)
{
	static const char text[] = "a\0b,c\nd\n";

	ck_assert_str_eq(read_in_steps(text, sizeof(text) - 1, 3), "1!;2:[d];");
}
END_TEST

static int stop_at_once(void *ctx, const struct vmp_csv_row *row)
{
	(void)row;
	++*(int *)ctx;
	return -77;
}

START_TEST(a_callback_stops_the_reading)
{
	static const struct vmp_csv_calls stopping = { stop_at_once, on_bad };
	struct vmp_csv *csv;
	int n = 0;

	ck_assert_int_eq(vmp_csv_new(&csv, &stopping, &n), VMP_OK);
	ck_assert_int_eq(vmp_csv_feed(csv, "a\nb\n", 4), -77);
	ck_assert_int_eq(vmp_csv_feed(csv, "c\n", 2), -77);
	ck_assert_int_eq(vmp_csv_finish(csv), -77);
	ck_assert_int_eq(n, 1);
	vmp_csv_free(csv);
}
END_TEST

/* Whatever is written reads back the same. */
static const char *const texts[] = {
	"", "a", "a,b", "\"", "a\"b", " a", "a ", "a\r", "\r\n", "a\nb", "none", "\t", "'"
};

START_TEST(what_is_written_reads_back)
{
	char file[64] = "", wanted[64];
	FILE *out = fmemopen(file, sizeof(file), "w");

	vmp_csv_write(out, texts[_i], 0);
	putc(',', out);
	vmp_csv_write(out, texts[_i], 1);
	putc('\n', out);
	fclose(out);
	snprintf(wanted, sizeof(wanted), "1:[%s][\\%s];", texts[_i], texts[_i]);
	ck_assert_str_eq(read_in_steps(file, strlen(file), 2), wanted);
}
END_TEST

Suite *check_csv(void)
{
	Suite *s = suite_create("csv_reader");
	TCase *t = tcase_create("csv_reader");

	tcase_add_loop_test(t, vectors_in_pieces_of_every_size, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(t, a_record_without_end_is_bad);
	tcase_add_test(t, too_many_fields_are_bad);
	tcase_add_test(t, a_nul_is_bad);
	tcase_add_test(t, a_callback_stops_the_reading);
	tcase_add_loop_test(t, what_is_written_reads_back, 0, sizeof(texts) / sizeof(texts[0]));
	suite_add_tcase(s, t);
	return s;
}
