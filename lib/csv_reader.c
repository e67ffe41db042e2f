#include "csv_reader.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct vmp_csv {
	struct csv_parser parser;
	const struct vmp_csv_calls *calls;
	void *ctx;
	int stop; /* a callback's wish, or VMP_ENOMEM */

	size_t line;	/* of the next octet */
	size_t start;	/* the record's first line */
	size_t pending; /* octets of the record so far; 0: between records */
	bool something; /* the record is more than blanks */
	bool ended;	/* it came to its end */
	bool skipping;	/* to the end of the line, behind a bad record */
	size_t bom;	/* octets of a byte order mark that were seen; 3: no longer looking */

	size_t n, used;
	const char *why; /* what is wrong with the record; NULL: nothing yet */
	const char *field[VMP_CSV_FIELDS_MAX];
	char text[VMP_CSV_RECORD_MAX + VMP_CSV_FIELDS_MAX + 1];
};

/* CR is a blank, so that CRLF is LF; what stands within quotes stays. */
static int is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int is_end(unsigned char c)
{
	return c == '\n';
}

static int start(struct vmp_csv *csv)
{
	if (csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return VMP_ENOMEM;
	csv_set_space_func(&csv->parser, is_blank);
	csv_set_term_func(&csv->parser, is_end);
	csv->n = csv->used = csv->pending = 0;
	csv->something = csv->ended = false;
	csv->why = NULL;
	return VMP_OK;
}

int vmp_csv_new(struct vmp_csv **out, const struct vmp_csv_calls *calls, void *ctx)
{
	struct vmp_csv *csv = calloc(1, sizeof(*csv));

	*out = NULL;
	if (!csv)
		return VMP_ENOMEM;
	csv->calls = calls;
	csv->ctx = ctx;
	csv->line = 1;
	if (start(csv) != VMP_OK) {
		free(csv);
		return VMP_ENOMEM;
	}
	*out = csv;
	return VMP_OK;
}

void vmp_csv_free(struct vmp_csv *csv)
{
	if (!csv)
		return;
	csv_free(&csv->parser);
	free(csv);
}

static void on_field(void *text, size_t len, void *arg)
{
	struct vmp_csv *csv = arg;

	if (csv->n == VMP_CSV_FIELDS_MAX)
		csv->why = "expected at most 64 fields";
	else if (len && memchr(text, 0, len))
		csv->why = "expected text without NUL octets";
	if (csv->why)
		return;
	csv->field[csv->n++] = csv->text + csv->used;
	if (len)
		memcpy(csv->text + csv->used, text, len);
	csv->text[csv->used + len] = '\0';
	csv->used += len + 1;
}

static void on_end(int c, void *arg)
{
	struct vmp_csv *csv = arg;
	struct vmp_csv_row row = { .line = csv->start, .n = csv->n, .field = csv->field };

	(void)c;
	csv->ended = true;
	if (csv->stop)
		return;
	if (csv->why)
		csv->stop = csv->calls->bad(csv->ctx, csv->start, csv->why);
	else
		csv->stop = csv->calls->row(csv->ctx, &row);
}

/* Give the record up and begin behind the end of this line. */
static void give_up(struct vmp_csv *csv, const char *why)
{
	csv->stop = csv->calls->bad(csv->ctx, csv->start, why);
	csv->skipping = true;
	csv_free(&csv->parser);
	if (start(csv) != VMP_OK)
		csv->stop = VMP_ENOMEM;
}

static bool all_blank(const char *data, size_t len)
{
	while (len && (is_blank((unsigned char)*data) || is_end((unsigned char)*data))) {
		data++;
		len--;
	}
	return len == 0;
}

/* One line or a part of it; a line's last part ends with LF. */
static void feed_part(struct vmp_csv *csv, const char *data, size_t len)
{
	if (!csv->pending)
		csv->start = csv->line;
	csv->pending += len;
	csv->something = csv->something || !all_blank(data, len);
	if (csv->pending > VMP_CSV_RECORD_MAX) {
		give_up(csv, "expected a record of at most 65536 octets; is a quote missing?");
		return;
	}
	if (csv_parse(&csv->parser, data, len, on_field, on_end, csv) != len) {
		if (csv_error(&csv->parser) == CSV_ENOMEM)
			csv->stop = VMP_ENOMEM;
		else
			give_up(csv, "expected quotes around the whole field, and inner ones doubled");
		return;
	}
	if (csv->ended || (data[len - 1] == '\n' && !csv->something)) {
		csv->n = csv->used = csv->pending = 0;
		csv->something = csv->ended = false;
		csv->why = NULL;
	}
}

/* How much of a byte order mark stands here. */
static size_t skip_bom(struct vmp_csv *csv, const char *data, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = 0;

	while (csv->bom < 3 && n < len && data[n] == mark[csv->bom]) {
		csv->bom++;
		n++;
	}
	if (n < len)
		csv->bom = 3;
	return n;
}

int vmp_csv_feed(struct vmp_csv *csv, const char *data, size_t len)
{
	size_t bom = skip_bom(csv, data, len);

	data += bom;
	len -= bom;
	while (len && !csv->stop) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;

		if (!csv->skipping)
			feed_part(csv, data, n);
		if (end) {
			csv->skipping = false;
			csv->line++;
		}
		data += n;
		len -= n;
	}
	return csv->stop;
}

int vmp_csv_finish(struct vmp_csv *csv)
{
	if (!csv->stop && !csv->skipping && csv_fini(&csv->parser, on_field, on_end, csv) != 0 && !csv->stop)
		csv->stop = csv->calls->bad(csv->ctx, csv->start, "expected a quote at the end of the field");
	return csv->stop;
}

void vmp_csv_write(FILE *file, const char *text, int back)
{
	size_t len = strlen(text);
	bool quote = strpbrk(text, "\",\r\n") ||
		     (len && (is_blank((unsigned char)*text) || is_blank((unsigned char)text[len - 1])));

	if (!quote) {
		if (back)
			putc('\\', file);
		fwrite(text, 1, len, file);
		return;
	}
	putc('"', file);
	if (back)
		putc('\\', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	putc('"', file);
}
