/* coi rotate, coi keys: the keys of a community. */
#include "actor.h"
#include "noun.h"
#include "output.h"
#include "store_coi_key.h"
#include "when.h"

#include <inttypes.h>
#include <stdio.h>

int coi_rotate(struct noun_job *job)
{
	char subject[VMP_COI_NAME + 4];
	int i, err = VMP_OK;

	for (i = 0; i < job->argc && err == VMP_OK; i++) {
		err = vmp_store_coi_rotate(job->store, job->argv[i], "administrator", &job->msg);
		snprintf(subject, sizeof(subject), "coi %s", job->argv[i]);
		if (err == VMP_OK)
			err = actor_audit(job->store, "rotation-asked", subject, "", &job->msg);
	}
	return err;
}

struct listing {
	struct vmp_table *table; /* NULL: JSON */
	size_t n;
};

static int print_key(void *ctx, const struct vmp_coi_key_row *row, int64_t members, int64_t acked)
{
	struct listing *list = ctx;
	char epoch[16], created[WHEN_TEXT], grace[WHEN_TEXT], all[24], got[24];

	when_text(row->created_at, created);
	when_text(row->retire_at, grace);
	if (!list->table) {
		out_json_item(&list->n, json_pack("{s:s, s:I, s:b, s:s, s:s?, s:I, s:I}", "coi", row->coi, "epoch",
						  (json_int_t)row->epoch, "current", !row->retire_at, "created_at",
						  created, "grace_until", row->retire_at ? grace : NULL, "members",
						  (json_int_t)members, "acknowledged", (json_int_t)acked));
		return VMP_OK;
	}
	snprintf(epoch, sizeof(epoch), "%" PRIu32, row->epoch);
	snprintf(all, sizeof(all), "%" PRId64, members);
	snprintf(got, sizeof(got), "%" PRId64, acked);
	table_row(list->table, (const char *[]){ row->coi, epoch, created, grace, all, got });
	return VMP_OK;
}

int coi_keys(struct noun_job *job)
{
	static const struct vmp_table_head heads[] = { { "coi", false },     { "epoch", true },
						       { "created", false }, { "grace until", false },
						       { "members", true },  { "acknowledged", true } };
	struct listing list = { .table = job->cli->json ? NULL : table_new(heads, 6) };
	int err = vmp_store_coi_key_each(job->store, job->argc ? job->argv[0] : NULL, print_key, &list, &job->msg);

	if (list.table)
		table_end(list.table);
	else if (err == VMP_OK || list.n)
		out_json_end(list.n);
	return err;
}
