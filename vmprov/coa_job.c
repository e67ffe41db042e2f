#include "coa_job.h"
#include "mac.h"
#include "record_read.h"
#include "store_directory.h"
#include "when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MAX 3600
/* [ms] between looks whether policyd has written */
#define LOOK_MS 50

/* -- open ones ------------------------------------------------------------------------------------------------ */

static int keep(void *ctx, const struct vmp_coa_job *job)
{
	struct coa_open_list *list = ctx;
	struct coa_open *grown;

	if (job->action == VMP_COA_TEST)
		return VMP_OK;
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;

		grown = reallocarray(list->job, room, sizeof(*grown));
		if (!grown)
			return VMP_ENOMEM;
		list->job = grown;
		list->room = room;
	}
	list->job[list->n] = (struct coa_open){ .mac = job->mac,
						.past_id = job->past_id,
						.id = job->id,
						.action = job->action,
						.reason = strdup(job->reason) };
	return list->job[list->n++].reason ? VMP_OK : VMP_ENOMEM;
}

static int by_session(const void *a, const void *b)
{
	const struct coa_open *x = a, *y = b;

	if (x->mac != y->mac)
		return x->mac < y->mac ? -1 : 1;
	return (x->past_id > y->past_id) - (x->past_id < y->past_id);
}

int coa_open_read(struct vmp_store *store, uint64_t mac, const char *nas, struct coa_open_list *out,
		  struct vmp_msg *msg)
{
	const struct vmp_coa_filter filter = { .mac = mac, .nas = nas };
	int err = vmp_coa_each(store, &filter, keep, out, msg);

	if (out->n)
		qsort(out->job, out->n, sizeof(*out->job), by_session);
	return err;
}

const struct coa_open *coa_open_find(const struct coa_open_list *list, uint64_t mac, int64_t past_id)
{
	const struct coa_open key = { .mac = mac, .past_id = past_id };

	return list->n ? bsearch(&key, list->job, list->n, sizeof(key), by_session) : NULL;
}

void coa_open_clear(struct coa_open_list *list)
{
	while (list->n)
		free(list->job[--list->n].reason);
	free(list->job);
	*list = (struct coa_open_list){ 0 };
}

/* -- one ------------------------------------------------------------------------------------------------------ */

static json_t *time_or_null(int64_t at)
{
	char text[WHEN_TEXT];

	return at ? json_string(when_text(at, text)) : json_null();
}

json_t *coa_job_json(const struct vmp_coa_job *job)
{
	char mac[VMP_MAC_TEXT];

	vmp_mac_format(job->mac, mac);
	return json_pack("{s:I, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:I, s:o, s:o, s:o, s:o}", "id",
			 (json_int_t)job->id, "action", vmp_coa_action_name(job->action), "mac", job->mac ? mac : NULL,
			 "past_id", job->past_id ? json_integer(job->past_id) : json_null(), "nas",
			 vmp_json_text(job->place.nas), "nas_port_id", vmp_json_text(job->place.nas_port_id), "reason",
			 vmp_json_text(job->reason), "actor", vmp_json_text(job->actor), "state",
			 vmp_coa_state_name(job->state), "attempts", job->attempts, "error_cause",
			 (json_int_t)job->error_cause, "outcome", vmp_json_text(job->outcome), "created_at",
			 time_or_null(job->created_at), "not_before", time_or_null(job->not_before), "finished_at",
			 time_or_null(job->finished_at));
}

static const char *text_of(const json_t *job, const char *key)
{
	const char *text = json_string_value(json_object_get(job, key));

	return text && *text ? text : "-";
}

void coa_job_table(const json_t *jobs)
{
	static const struct vmp_table_head heads[] = { { "job", true },	   { "action", false },	 { "reason", false },
						       { "nas", false },   { "created", false }, { "finished", false },
						       { "state", false }, { "outcome", false } };
	struct vmp_table *table = table_new(heads, 8);
	const json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job) {
		char id[24];

		snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(job, "id")));
		table_row(table,
			  (const char *[]){ id, text_of(job, "action"), text_of(job, "reason"), text_of(job, "nas"),
					    text_of(job, "created_at"), text_of(job, "finished_at"),
					    text_of(job, "state"), text_of(job, "outcome") });
	}
	table_end(table);
}

void coa_job_line(const struct vmp_coa_job *job)
{
	char mac[VMP_MAC_TEXT];

	vmp_mac_format(job->mac, mac);
	if (job->mac)
		printf("%s: ", mac);
	printf("job %" PRId64 ": %s, NAS %s: %s%s%s\n", job->id, vmp_coa_action_name(job->action), job->place.nas,
	       vmp_coa_state_name(job->state), *job->outcome ? ", " : "", job->outcome);
}

/* -- waiting -------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

bool coa_wait_read(int argc, char **argv, int otherwise, int *seconds)
{
	const char *text = optarg;
	long n;

	*seconds = otherwise;
	/* No MAC address is as short, and who has a VM of such a name can put --wait last. */
	if (!text && optind < argc && strlen(argv[optind]) < 5 && is_number(argv[optind]))
		text = argv[optind++];
	if (!text)
		return true;
	errno = 0;
	n = strtol(text, NULL, 10);
	if (errno || !is_number(text) || n < 1 || n > WAIT_MAX)
		return false;
	*seconds = (int)n;
	return true;
}

/* Take out of id[] what is finished, or forgotten. */
static int look(struct vmp_store *store, int64_t *id, size_t *n, struct vmp_msg *msg)
{
	struct vmp_coa_job job;
	size_t i, left = 0;
	int err = VMP_OK;

	for (i = 0; i < *n && err == VMP_OK; i++) {
		bool finished;

		err = vmp_coa_get(store, id[i], &job, msg);
		finished = err == VMP_ENOENT || (err == VMP_OK && job.finished_at);
		if (err == VMP_OK)
			vmp_coa_done(store);
		if (err == VMP_ENOENT)
			err = VMP_OK;
		if (!finished)
			id[left++] = id[i];
	}
	if (err == VMP_OK)
		*n = left;
	return err;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int coa_wait(struct vmp_store *store, int64_t *id, size_t n, int seconds, size_t *open, struct vmp_msg *msg)
{
	static const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	int64_t until = now_ms() + seconds * 1000LL;
	bool changed = false;
	int err = vmp_store_poll(store, &changed, msg);

	/* Once more after the first poll: what was written before it would not count as a change. */
	if (err == VMP_OK)
		err = look(store, id, &n, msg);
	while (err == VMP_OK && n && now_ms() < until) {
		nanosleep(&pause, NULL);
		err = vmp_store_poll(store, &changed, msg);
		if (err == VMP_OK && changed)
			err = look(store, id, &n, msg);
	}
	*open = n;
	return err;
}
