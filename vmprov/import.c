/* import: records from CSV or JSON, all or nothing. */
#include "cli.h"
#include "format.h"
#include "output.h"
#include "progress.h"
#include "record_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHOWN_MAX 100
#define JSON_MAX  ((size_t)1 << 30) /* octets of a JSON file, which is held in memory */

struct import {
	struct cli *cli;
	const char *name; /* the file's, for messages */
	FILE *file;
	bool update;
	enum vmp_noun noun;
	struct vmp_store *store;
	struct vmp_records *rs;
	struct progress progress;
	int64_t read, inserted, updated, bad;
	json_t *reasons; /* with --json, of the bad lines that are shown */
	int err;	 /* what stopped it */
	struct vmp_msg msg;
};

static int on_bad(void *ctx, size_t line, const char *why)
{
	struct import *im = ctx;

	if (im->bad++ >= SHOWN_MAX)
		return 0;
	if (im->cli->json) {
		json_array_append_new(im->reasons,
				      json_pack("{s:I, s:o}", "line", (json_int_t)line, "reason", vmp_json_text(why)));
		return 0;
	}
	progress_end(&im->progress);
	fprintf(stderr, "%s:%zu: %s\n", im->name, line, why);
	return 0;
}

static int write_record(struct import *im, const struct vmp_record *rec, struct vmp_msg *msg)
{
	const struct vmp_value *first = &rec->value[0];
	char room[VMP_VALUE_TEXT] = "";
	const char *key = first->kind == VMP_TEXT ? first->text : room;
	struct vmp_record change;
	int err;

	if (first->kind == VMP_INT)
		snprintf(room, sizeof(room), "%" PRId64, first->num);
	err = im->update ? vmp_record_find(im->rs, key, msg) : VMP_ENOENT;

	if (err == VMP_ENOENT) {
		err = vmp_record_insert(im->rs, rec, msg);
		im->inserted += err == VMP_OK;
	} else if (err == VMP_OK) {
		change = *rec;
		change.set &= ~1u;
		err = vmp_record_update(im->rs, key, &change, msg);
		im->updated += err == VMP_OK;
	}
	return err;
}

static int on_record(void *ctx, size_t line, const struct vmp_record *rec)
{
	struct import *im = ctx;
	struct vmp_msg msg = { "" };
	int err = write_record(im, rec, &msg);

	im->read++;
	if (im->progress.shown)
		progress_show(&im->progress, ftell(im->file), im->read);
	if (err == VMP_OK)
		return 0;
	if (err == VMP_EINVAL || err == VMP_EEXIST)
		return on_bad(im, line, msg.text);
	im->msg = msg;
	return im->err = err;
}

static const struct vmp_record_calls calls = { .record = on_record, .bad = on_bad };

static int read_failed(struct import *im)
{
	return im->err = vmp_fail(&im->msg, VMP_EIO, "%s: cannot read: %s", im->name, strerror(errno));
}

static int read_csv(struct import *im)
{
	struct vmp_record_csv *csv;
	char buf[65536];
	size_t n;
	int stop = vmp_record_csv_new(&csv, im->noun, &calls, im);

	if (stop)
		return vmp_fail(&im->msg, VMP_ENOMEM, "out of memory");
	while (!stop && (n = fread(buf, 1, sizeof(buf), im->file)) > 0)
		stop = vmp_record_csv_feed(csv, buf, n);
	if (!stop && ferror(im->file))
		stop = read_failed(im);
	if (!stop)
		stop = vmp_record_csv_finish(csv);
	vmp_record_csv_free(csv);
	return stop;
}

/* The whole file; NULL with a message. */
static char *slurp(struct import *im, size_t *len)
{
	size_t room = 1 << 20, n;
	char *text = malloc(room), *more;

	*len = 0;
	while (text && (n = fread(text + *len, 1, room - *len, im->file)) > 0) {
		*len += n;
		if (*len < room)
			continue;
		if (room >= JSON_MAX) {
			im->err = vmp_fail(&im->msg, VMP_EINVAL, "%s: expected at most 1 GiB of JSON; CSV has no limit",
					   im->name);
			free(text);
			return NULL;
		}
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	if (!text)
		im->err = vmp_fail(&im->msg, VMP_ENOMEM, "out of memory");
	if (text && ferror(im->file)) {
		read_failed(im);
		free(text);
		return NULL;
	}
	return text;
}

static int read_json(struct import *im)
{
	size_t len;
	char *text = slurp(im, &len);
	int stop;

	if (!text)
		return im->err;
	stop = vmp_record_json_read(im->noun, text, len, &calls, im);
	free(text);
	return stop;
}

static int read_all(struct import *im, enum format format)
{
	int err;

	vmp_store_bulk(im->store);
	err = vmp_store_begin(im->store, &im->msg);
	if (err == VMP_OK)
		err = format == FORMAT_JSON ? read_json(im) : read_csv(im);
	if (err == VMP_OK && !im->bad)
		err = vmp_store_commit(im->store, &im->msg);
	progress_end(&im->progress);
	vmp_store_rollback(im->store);
	return err;
}

static int report(struct import *im)
{
	int64_t more = im->bad > SHOWN_MAX ? im->bad - SHOWN_MAX : 0;

	if (im->cli->json) {
		out_json(json_pack("{s:I, s:I, s:I, s:O}", "inserted", (json_int_t)(im->bad ? 0 : im->inserted),
				   "updated", (json_int_t)(im->bad ? 0 : im->updated), "bad", (json_int_t)im->bad,
				   "errors", im->reasons));
		return im->bad ? CLI_REFUSED : CLI_OK;
	}
	if (more)
		fprintf(stderr, "%s: and %lld more bad lines\n", im->name, (long long)more);
	if (im->bad)
		return cli_fail(CLI_REFUSED, "%s: %lld bad lines; nothing was imported", im->name, (long long)im->bad);
	printf("%lld %s added, %lld changed\n", (long long)im->inserted, im->noun == VMP_NOUN_VM ? "VMs" : "records",
	       (long long)im->updated);
	return CLI_OK;
}

static int import_file(struct import *im, enum format format)
{
	struct stat st;
	int err, code = cli_open(im->cli, VMP_STORE_WRITE, &im->store);

	if (code != CLI_OK)
		return code;
	progress_start(&im->progress, "import",
		       fstat(fileno(im->file), &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0);
	im->reasons = json_array();
	err = vmp_records_new(&im->rs, im->store, im->noun, &im->msg);
	if (err == VMP_OK)
		err = read_all(im, format);
	code = err == VMP_OK ? report(im) : cli_fail_err(err, &im->msg);
	json_decref(im->reasons);
	vmp_records_free(im->rs);
	vmp_store_close(im->store);
	return code;
}

int import_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_FORMAT = 256, OPT_UPDATE, OPT_NOUN };
	static const struct option own[] = { { "format", required_argument, NULL, OPT_FORMAT },
					     { "update", no_argument, NULL, OPT_UPDATE },
					     { "noun", required_argument, NULL, OPT_NOUN },
					     { NULL, 0, NULL, 0 } };
	struct import im = { .cli = cli, .noun = VMP_NOUN_VM };
	enum format format = FORMAT_UNKNOWN;
	int c, code;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_UPDATE)
			im.update = true;
		else if (c == OPT_NOUN && vmp_noun_find(optarg, &im.noun) != VMP_OK)
			return cli_usage(cli, "%s: no such noun", optarg);
		else if (c == OPT_FORMAT && !format_find(optarg, &format))
			return cli_usage(cli, "%s: expected csv or json", optarg);
	}
	if (optind + 1 != argc)
		return cli_usage(cli, "expected one FILE, or - for standard input");
	im.name = argv[optind];
	im.file = strcmp(im.name, "-") == 0 ? stdin : fopen(im.name, "re");
	if (!im.file)
		return cli_fail(CLI_NOT_FOUND, "%s: %s", im.name, strerror(errno));
	code = import_file(&im, format_of(format, im.name));
	if (im.file != stdin)
		fclose(im.file);
	return code;
}
