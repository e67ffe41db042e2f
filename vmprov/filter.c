/* filter add, and a filter's columns as options. */
#include "noun.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option filter_options[] = {
	{ "position", required_argument, NULL, NOUN_OPT_COLUMN },
	{ "direction", required_argument, NULL, NOUN_OPT_COLUMN + 1 },
	{ "source", required_argument, NULL, NOUN_OPT_COLUMN + 2 },
	{ "destination", required_argument, NULL, NOUN_OPT_COLUMN + 3 },
	{ "protocol", required_argument, NULL, NOUN_OPT_COLUMN + 4 },
	{ "source-ports", required_argument, NULL, NOUN_OPT_COLUMN + 5 },
	{ "ports", required_argument, NULL, NOUN_OPT_COLUMN + 6 },
	{ "action", required_argument, NULL, NOUN_OPT_COLUMN + 7 },
	{ "log", optional_argument, NULL, NOUN_OPT_COLUMN + 8 },
	{ "enabled", required_argument, NULL, NOUN_OPT_COLUMN + 9 },
	{ "comment", required_argument, NULL, NOUN_OPT_COLUMN + 10 },
	{ "help", no_argument, NULL, NOUN_OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

bool filter_option(struct noun_job *job, int c, const char *value)
{
	char *text, *dash;

	if (job->n_assigned == VMP_COLUMN_MAX)
		return false;
	if (asprintf(&text, "%s=%s", filter_options[c - NOUN_OPT_COLUMN].name, value ? value : "yes") < 0)
		exit(cli_fail(CLI_STORE, "out of memory"));
	dash = strchr(text, '-');
	if (dash && dash < strchr(text, '='))
		*dash = '_';
	job->assigned[job->n_assigned++] = text;
	return true;
}

int filter_add(struct noun_job *job)
{
	struct vmp_record rec = { .noun = job->noun };
	int coi = vmp_column_find(job->noun, "coi", strlen("coi"));
	int err = noun_columns(job, 1, &rec, vmp_record_assign);

	if (err == VMP_OK && rec.set >> coi & 1)
		err = vmp_fail(&job->msg, VMP_EINVAL, "coi: given twice");
	if (err != VMP_OK)
		return err;
	rec.value[coi] = (struct vmp_value){ .kind = VMP_TEXT, .text = job->argv[0] };
	rec.set |= 1u << coi;
	err = vmp_record_insert(job->rs, &rec, &job->msg);
	if (err == VMP_OK)
		snprintf(job->number, sizeof(job->number), "%" PRId64, vmp_record_number(job->rs));
	return err;
}
