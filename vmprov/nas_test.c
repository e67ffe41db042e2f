/* nas test: does a NAS take what policyd sends? */
#include "actor.h"
#include "coa_job.h"
#include "find.h"
#include "noun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define WAIT_S 15

static int add(struct noun_job *job, const char *name, const char *actor, int64_t *id)
{
	char nas[VMP_ADDR_TEXT];
	struct vmp_addr addr;
	struct vmp_coa_job test = { .action = VMP_COA_TEST,
				    .reason = "administrator",
				    .actor = actor,
				    .place = { .nas = nas, .nas_port = -1 } };
	int err = find_nas(job->store, name, &addr, &job->msg);

	if (err == VMP_OK && getrandom(&test.token, sizeof(test.token), 0) != sizeof(test.token))
		err = vmp_fail(&job->msg, VMP_EIO, "cannot draw random octets");
	if (err != VMP_OK)
		return err;
	vmp_addr_format(&addr, nas);
	return vmp_coa_add(job->store, &test, id, &job->msg);
}

static int add_all(struct noun_job *job, int64_t *id)
{
	char actor[ACTOR_MAX];
	int i, err = vmp_store_begin(job->store, &job->msg);

	actor_name(actor);
	for (i = 0; i < job->argc && err == VMP_OK; i++)
		err = add(job, job->argv[i], actor, &id[i]);
	if (err == VMP_OK)
		err = vmp_store_commit(job->store, &job->msg);
	vmp_store_rollback(job->store);
	return err;
}

/* Nobody waits for it any more: a policyd that comes back need not send it.  What is known of it stands in its outcome.
 */
static int withdraw(struct noun_job *job, int64_t id)
{
	struct vmp_coa_job test;
	char why[401];
	int err = vmp_coa_get(job->store, id, &test, &job->msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	snprintf(why, sizeof(why), "%s",
		 *test.outcome ? test.outcome : "policyd does not answer: is it running, is [coa] enabled?");
	vmp_coa_done(job->store);
	return vmp_coa_finish(job->store, id, false, 0, why, time(NULL), &job->msg);
}

static int withdraw_all(struct noun_job *job, const int64_t *id, size_t n)
{
	size_t i;
	int err = n ? vmp_store_begin(job->store, &job->msg) : VMP_OK;

	for (i = 0; i < n && err == VMP_OK; i++)
		err = withdraw(job, id[i]);
	if (err == VMP_OK && n)
		err = vmp_store_commit(job->store, &job->msg);
	vmp_store_rollback(job->store);
	return err;
}

static int print_one(struct noun_job *job, const char *name, int64_t id, size_t *printed, int *failed)
{
	struct vmp_coa_job test;
	json_t *doc;
	int err = vmp_coa_get(job->store, id, &test, &job->msg);

	if (err != VMP_OK)
		return err;
	*failed += test.state != VMP_COA_DONE;
	if (job->cli->json) {
		doc = coa_job_json(&test);
		json_object_set_new(doc, "name", json_string(name));
		out_json_item(printed, doc);
	} else {
		printf("nas %s: %s\n", name, *test.outcome ? test.outcome : vmp_coa_state_name(test.state));
	}
	vmp_coa_done(job->store);
	return VMP_OK;
}

static int print_all(struct noun_job *job, const int64_t *id)
{
	size_t printed = 0;
	int i, failed = 0, err = VMP_OK;

	for (i = 0; i < job->argc && err == VMP_OK; i++)
		err = print_one(job, job->argv[i], id[i], &printed, &failed);
	if (job->cli->json && (err == VMP_OK || printed))
		out_json_end(printed);
	if (err == VMP_OK && failed)
		err = vmp_fail(&job->msg, VMP_EINVAL, "%d of %d failed", failed, job->argc);
	return err;
}

int nas_test(struct noun_job *job)
{
	size_t n = (size_t)job->argc, open = 0;
	int64_t *id = calloc(2 * n, sizeof(*id)), *waiting = id + n;
	int err = id ? add_all(job, id) : vmp_fail(&job->msg, VMP_ENOMEM, "out of memory");

	if (err == VMP_OK) {
		memcpy(waiting, id, n * sizeof(*id));
		err = coa_wait(job->store, waiting, n, job->wait_s ? job->wait_s : WAIT_S, &open, &job->msg);
	}
	if (err == VMP_OK)
		err = withdraw_all(job, waiting, open);
	if (err == VMP_OK)
		err = print_all(job, id);
	free(id);
	return err;
}
