/* export: records as CSV or JSON. */
#include "cli.h"
#include "csv_reader.h"
#include "format.h"
#include "progress.h"
#include "record_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export
{
	FILE *file;
	enum vmp_noun noun;
	struct vmp_records *rs;
	struct progress progress;
	struct vmp_msg msg;
};

bool format_find(const char *name, enum format *out)
{
	*out = strcmp(name, "csv") == 0 ? FORMAT_CSV : strcmp(name, "json") == 0 ? FORMAT_JSON : FORMAT_UNKNOWN;
	return *out != FORMAT_UNKNOWN;
}

enum format format_of(enum format wanted, const char *file)
{
	size_t len = strlen(file);

	if (wanted != FORMAT_UNKNOWN)
		return wanted;
	return len > 5 && strcmp(file + len - 5, ".json") == 0 ? FORMAT_JSON : FORMAT_CSV;
}

static bool is_exported(const struct vmp_column *col)
{
	return !(col->flags & VMP_COL_READONLY);
}

static void write_header(FILE *file, const struct vmp_noun_info *info)
{
	size_t i;

	for (i = 0; i < info->n_column; i++) {
		if (is_exported(&info->column[i]))
			fprintf(file, "%s%s", i ? "," : "", info->column[i].name);
	}
	putc('\n', file);
}

static void write_csv(FILE *file, const struct vmp_noun_info *info, const struct vmp_record *rec)
{
	size_t i;

	for (i = 0; i < info->n_column; i++) {
		char room[VMP_VALUE_TEXT];
		const char *text;
		int back;

		if (!is_exported(&info->column[i]))
			continue;
		text = vmp_value_to_text(&info->column[i], &rec->value[i], room, &back);
		if (i)
			putc(',', file);
		vmp_csv_write(file, text, back);
	}
	putc('\n', file);
}

static int write_json(FILE *file, const struct vmp_noun_info *info, struct vmp_record *rec, int64_t n)
{
	json_t *obj;
	size_t i;
	int failed;

	for (i = 0; i < info->n_column; i++) {
		if (!is_exported(&info->column[i]))
			rec->set &= ~(1u << i);
	}
	obj = vmp_record_to_json(rec);
	fputs(n ? ",\n" : "[\n", file);
	failed = !obj || json_dumpf(obj, file, 0) != 0;
	json_decref(obj);
	return failed ? VMP_EIO : VMP_OK;
}

static int write_all(struct export *ex, enum format format)
{
	const struct vmp_noun_info *info = vmp_noun_info(ex->noun);
	struct vmp_record rec;
	int64_t n = 0, total = 0;
	int err = vmp_record_count(ex->rs, &total, &ex->msg);

	progress_start(&ex->progress, "export", total);
	if (err == VMP_OK)
		err = vmp_record_select(ex->rs, NULL, &ex->msg);
	if (err == VMP_OK && format == FORMAT_CSV)
		write_header(ex->file, info);
	while (err == VMP_OK && (err = vmp_record_next(ex->rs, &rec, &ex->msg)) == VMP_OK) {
		if (format == FORMAT_CSV)
			write_csv(ex->file, info, &rec);
		else
			err = write_json(ex->file, info, &rec, n);
		n++;
		progress_show(&ex->progress, n, n);
	}
	if (format == FORMAT_JSON)
		fputs(n ? "\n]\n" : "[]\n", ex->file);
	progress_end(&ex->progress);
	if (err != VMP_ENOENT)
		return cli_fail_err(err, &ex->msg);
	if (fflush(ex->file) != 0 || ferror(ex->file))
		return cli_fail(CLI_REFUSED, "cannot write: %s", strerror(errno));
	return CLI_OK;
}

/* Beside the file, and in its place only when it is whole. */
static int write_file(struct export *ex, enum format format, const char *name)
{
	char *temp;
	int fd, code;

	if (asprintf(&temp, "%s.XXXXXX", name) < 0)
		return cli_fail(CLI_STORE, "out of memory");
	fd = mkostemp(temp, O_CLOEXEC);
	ex->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!ex->file) {
		code = cli_fail(CLI_REFUSED, "%s: %s", name, strerror(errno));
		free(temp);
		return code;
	}
	code = write_all(ex, format);
	if (code == CLI_OK && (fchmod(fd, 0640) != 0 || fsync(fd) != 0 || rename(temp, name) != 0))
		code = cli_fail(CLI_REFUSED, "%s: %s", name, strerror(errno));
	fclose(ex->file);
	if (code != CLI_OK)
		unlink(temp);
	free(temp);
	return code;
}

static int export_to(struct cli *cli, enum vmp_noun noun, enum format format, const char *name)
{
	struct export ex = { .file = stdout, .noun = noun };
	struct vmp_store *store;
	int err, code = cli_open(cli, VMP_STORE_READ, &store);

	if (code != CLI_OK)
		return code;
	err = vmp_records_new(&ex.rs, store, noun, &ex.msg);
	if (err != VMP_OK)
		code = cli_fail_err(err, &ex.msg);
	else
		code = strcmp(name, "-") == 0 ? write_all(&ex, format) : write_file(&ex, format, name);
	vmp_records_free(ex.rs);
	vmp_store_close(store);
	return code;
}

int export_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_FORMAT = 256, OPT_NOUN };
	static const struct option own[] = { { "format", required_argument, NULL, OPT_FORMAT },
					     { "noun", required_argument, NULL, OPT_NOUN },
					     { NULL, 0, NULL, 0 } };
	enum format format = FORMAT_UNKNOWN;
	enum vmp_noun noun = VMP_NOUN_VM;
	const char *name;
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_NOUN && vmp_noun_find(optarg, &noun) != VMP_OK)
			return cli_usage(cli, "%s: no such noun", optarg);
		if (c == OPT_FORMAT && !format_find(optarg, &format))
			return cli_usage(cli, "%s: expected csv or json", optarg);
	}
	if (optind + 1 < argc)
		return cli_usage(cli, "expected one FILE, or - for standard output");
	name = optind < argc ? argv[optind] : "-";
	format = format_of(format == FORMAT_UNKNOWN && cli->json ? FORMAT_JSON : format, name);
	return export_to(cli, noun, format, name);
}
