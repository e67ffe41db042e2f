/* tenant, enclave, coi, vm, host, nas, template, pool, filter: add, set, list, show, rm; and what a noun has of its
 * own. */
#include "coa_job.h"
#include "noun.h"
#include "output.h"
#include "record_read.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct noun_job *job);
static int set(struct noun_job *job);
static int list(struct noun_job *job);
static int show(struct noun_job *job);
static int rm(struct noun_job *job);

#define EVERY (~0u)
#define COI   (1u << VMP_NOUN_COI)
#define NAS   (1u << VMP_NOUN_NAS)
#define RULE  (1u << VMP_NOUN_FILTER)
#define MANY  (1 << 20)

static const struct verb {
	unsigned nouns; /* bits 1 << enum vmp_noun */
	const char *name, *usage, *summary;
	const char *done; /* for verbs that write */
	bool each;	  /* every operand is a key */
	int min, max;	  /* operands */
	enum vmp_store_mode mode;
	int (*run)(struct noun_job *job);
} verbs[] = {
	{ RULE, "add", "COI [COLUMN=VALUE...]", "make one", "added", false, 1, 1000, VMP_STORE_WRITE, filter_add },
	{ EVERY & ~RULE, "add", "KEY [COLUMN=VALUE...]", "make one", "added", false, 1, 1000, VMP_STORE_WRITE, add },
	{ EVERY, "set", "KEY COLUMN=VALUE...", "change one", "changed", false, 1, 1000, VMP_STORE_WRITE, set },
	{ EVERY, "list", "[COLUMN=VALUE...]", "show those that have these values, all without", NULL, false, 0, 1000,
	  VMP_STORE_READ, list },
	{ EVERY, "show", "KEY", "show all of one", NULL, true, 1, 1, VMP_STORE_READ, show },
	{ EVERY, "rm", "KEY...", "remove; all or none", "removed", true, 1, MANY, VMP_STORE_WRITE, rm },
	{ COI, "rotate", "KEY...", "have policyd make new keys at once", "rotating", true, 1, MANY, VMP_STORE_WRITE,
	  coi_rotate },
	{ COI, "keys", "[KEY]", "show the keys' epochs, and who has them", NULL, true, 0, 1, VMP_STORE_READ, coi_keys },
	/* With transactions of its own: it waits for what it has written. */
	{ NAS, "test", "KEY... [--wait [SECONDS]]", "does it answer a Disconnect-Request?", NULL, true, 1, 1000,
	  VMP_STORE_WRITE, nas_test },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static bool has(enum vmp_noun noun, const struct verb *verb)
{
	return verb->nouns >> noun & 1;
}

const char *noun_verb(enum vmp_noun noun, size_t *at, bool *keys)
{
	while (*at < N_VERBS && !has(noun, &verbs[*at]))
		++*at;
	if (*at == N_VERBS)
		return NULL;
	*keys = verbs[*at].each;
	return verbs[(*at)++].name;
}

static int usage(struct noun_job *job, const char *what)
{
	fprintf(stderr, "vmprov: %s\nTry: vmprov help %s\n", what, job->info->name);
	return CLI_USAGE;
}

static void print_help(enum vmp_noun noun)
{
	const struct vmp_noun_info *info = vmp_noun_info(noun);
	bool vm = noun == VMP_NOUN_VM;
	size_t i;

	puts("usage:");
	for (i = 0; i < N_VERBS; i++) {
		if (has(noun, &verbs[i]))
			printf("  vmprov %s %-6s %-22s %s\n", info->name, verbs[i].name, verbs[i].usage,
			       verbs[i].summary);
	}
	printf("\nKEY is %s.\n", vm		  ? "a MAC address in any common form, or a name"
				 : info->numbered ? "the number"
						  : "the name");
	puts("\nCOLUMN=            without a value of its own\n"
	     "COLUMN=inherit     the same, for columns marked i: the next level decides\n"
	     "COLUMN=none        explicitly none, for columns marked n; COLUMN=\\none is the text\n");
	for (i = 0; i < info->n_column; i++) {
		const struct vmp_column *col = &info->column[i];

		printf("  %-18s %c%c  %s%s\n", col->name, col->flags & VMP_COL_INHERIT ? 'i' : ' ',
		       col->flags & VMP_COL_NONE ? 'n' : ' ', col->help,
		       col->flags & VMP_COL_READONLY ? " (shown only)" : "");
	}
	if (vm)
		puts("\n  --eap-md5-file FILE|-  (add, set) record an EAP-MD5 password: the first line of FILE\n"
		     "  --no-eap-md5           (set) remove it");
	if (noun == VMP_NOUN_NAS)
		puts("\n  --wait [SECONDS]  (test) 1 to 3600; otherwise 15");
	if (noun == VMP_NOUN_FILTER)
		puts("\n  --COLUMN VALUE  (add, set, list) the same as COLUMN=VALUE; --log alone is log=yes");
}

int noun_columns(struct noun_job *job, int from, struct vmp_record *rec,
		 int (*read)(struct vmp_record *rec, const char *text, struct vmp_msg *msg))
{
	int i, err = VMP_OK;

	for (i = from; i < job->argc && err == VMP_OK; i++)
		err = read(rec, job->argv[i], &job->msg);
	for (i = 0; i < job->n_assigned && err == VMP_OK; i++)
		err = read(rec, job->assigned[i], &job->msg);
	return err;
}

static int write_password(struct noun_job *job, const char *key)
{
	char password[SECRET_MAX] = "";
	int err = VMP_OK;

	if (job->password_file)
		err = secret_read(job->password_file, password, &job->msg);
	if (err == VMP_OK)
		err = vmp_record_eap_md5(job->rs, key, job->password_file ? password : NULL, &job->msg);
	explicit_bzero(password, sizeof(password));
	return err == VMP_EIO && job->password_file ? VMP_EINVAL : err;
}

static bool has_password(const struct noun_job *job)
{
	return job->password_file || job->no_password;
}

/* What was committed. */
static void say(const struct noun_job *job, const struct verb *verb)
{
	int n = verb->each ? job->argc : 1, i;

	if (*job->number) {
		printf(job->cli->json ? "{\"added\": 1, \"id\": %s}\n" : "filter %s added\n", job->number);
		return;
	}
	if (job->cli->json)
		printf("{\"%s\": %d}\n", verb->done, n);
	for (i = 0; i < n && !job->cli->json; i++)
		printf("%s %s %s\n", job->info->name, job->argv[i], verb->done);
}

static int add(struct noun_job *job)
{
	struct vmp_record rec = { .noun = job->noun };
	const char *key = job->argv[0];
	int err = noun_columns(job, 1, &rec, vmp_record_assign);

	if (err == VMP_OK && rec.set & 1)
		err = vmp_fail(&job->msg, VMP_EINVAL, "%s: given twice", job->info->column[0].name);
	if (err != VMP_OK)
		return err;
	rec.value[0] = (struct vmp_value){ .kind = VMP_TEXT, .text = key };
	rec.set |= 1;
	err = vmp_record_insert(job->rs, &rec, &job->msg);
	if (err == VMP_OK && has_password(job))
		err = write_password(job, key);
	return err;
}

static int set(struct noun_job *job)
{
	struct vmp_record rec = { .noun = job->noun };
	const char *key = job->argv[0];
	int err = noun_columns(job, 1, &rec, vmp_record_assign);

	if (err == VMP_OK && !rec.set && !has_password(job))
		err = vmp_fail(&job->msg, VMP_EINVAL, "expected COLUMN=VALUE");
	/* The password first: the record may get another key. */
	if (err == VMP_OK && has_password(job))
		err = write_password(job, key);
	if (err == VMP_OK && rec.set)
		err = vmp_record_update(job->rs, key, &rec, &job->msg);
	return err;
}

static int rm(struct noun_job *job)
{
	int i, err = VMP_OK;

	for (i = 0; i < job->argc && err == VMP_OK; i++)
		err = vmp_record_delete(job->rs, job->argv[i], &job->msg);
	return err;
}

static int show(struct noun_job *job)
{
	static const struct vmp_table_head heads[] = { { "column", false }, { "value", false } };
	struct vmp_record rec;
	struct vmp_table *table;
	size_t i;
	int err = vmp_record_get(job->rs, job->argv[0], &rec, &job->msg);

	if (err != VMP_OK)
		return err;
	if (job->cli->json) {
		out_json(vmp_record_to_json(&rec));
		return VMP_OK;
	}
	table = table_new(heads, 2);
	for (i = 0; i < job->info->n_column; i++) {
		const struct vmp_column *col = &job->info->column[i];
		char room[64];

		table_row(table,
			  (const char *[]){ col->name, out_value(col, &rec.value[i], room,
								 col->flags & VMP_COL_INHERIT ? "inherit" : "") });
	}
	table_end(table);
	return VMP_OK;
}

static size_t brief_columns(const struct noun_job *job, size_t at[VMP_COLUMN_MAX],
			    struct vmp_table_head heads[VMP_COLUMN_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < job->info->n_column; i++) {
		const struct vmp_column *col = &job->info->column[i];

		if (!(col->flags & VMP_COL_BRIEF))
			continue;
		heads[n] = (struct vmp_table_head){ col->name, col->type == VMP_TYPE_INT };
		at[n++] = i;
	}
	return n;
}

static int list_table(struct noun_job *job)
{
	struct vmp_table_head heads[VMP_COLUMN_MAX];
	size_t at[VMP_COLUMN_MAX], n = brief_columns(job, at, heads), i;
	struct vmp_table *table = table_new(heads, n);
	struct vmp_record rec;
	int err;

	while ((err = vmp_record_next(job->rs, &rec, &job->msg)) == VMP_OK) {
		const char *cells[VMP_COLUMN_MAX];
		char room[VMP_COLUMN_MAX][64];

		for (i = 0; i < n; i++)
			cells[i] = out_value(&job->info->column[at[i]], &rec.value[at[i]], room[i], "-");
		table_row(table, cells);
	}
	table_end(table);
	return err;
}

static int list_json(struct noun_job *job)
{
	struct vmp_record rec;
	size_t n = 0;
	int err;

	while ((err = vmp_record_next(job->rs, &rec, &job->msg)) == VMP_OK)
		out_json_item(&n, vmp_record_to_json(&rec));
	out_json_end(n);
	return err;
}

static int list(struct noun_job *job)
{
	struct vmp_record filter = { .noun = job->noun };
	int err = noun_columns(job, 0, &filter, vmp_record_filter);

	if (err == VMP_OK)
		err = vmp_record_select(job->rs, &filter, &job->msg);
	if (err == VMP_OK)
		err = job->cli->json ? list_json(job) : list_table(job);
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* In one transaction when the verb writes. */
static int run_verb(struct noun_job *job, const struct verb *verb)
{
	bool writes = verb->done;
	int err, code = cli_open(job->cli, verb->mode, &job->store);

	if (code != CLI_OK)
		return code;
	err = vmp_records_new(&job->rs, job->store, job->noun, &job->msg);
	if (err == VMP_OK && writes)
		err = vmp_store_begin(job->store, &job->msg);
	if (err == VMP_OK)
		err = verb->run(job);
	if (err == VMP_OK && writes)
		err = vmp_store_commit(job->store, &job->msg);
	if (err == VMP_OK && writes)
		say(job, verb);
	vmp_store_rollback(job->store);
	vmp_records_free(job->rs);
	vmp_store_close(job->store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &job->msg);
}

static const struct verb *find_verb(enum vmp_noun noun, const char *name)
{
	size_t i;

	for (i = 0; i < N_VERBS; i++) {
		if (has(noun, &verbs[i]) && strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* "expected add, set, list, show or rm" */
static int no_verb(struct noun_job *job)
{
	const char *names[N_VERBS], *name;
	size_t n = 0, at = 0, len = 0, i;
	char text[128] = "";
	bool keys;

	while ((name = noun_verb(job->noun, &at, &keys)))
		names[n++] = name;
	for (i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i == 0	     ? "expected "
					: i + 1 == n ? " or "
						     : ", ",
					names[i]);
	return usage(job, text);
}

enum { OPT_FILE = 256, OPT_NO_PASSWORD, OPT_WAIT };

static const struct option vm_options[] = {
	{ "eap-md5-file", required_argument, NULL, OPT_FILE },
	{ "no-eap-md5", no_argument, NULL, OPT_NO_PASSWORD },
	{ "help", no_argument, NULL, NOUN_OPT_HELP },
	{ NULL, 0, NULL, 0 },
};
static const struct option nas_options[] = {
	{ "wait", optional_argument, NULL, OPT_WAIT },
	{ "help", no_argument, NULL, NOUN_OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* @return an exit code to end with; -1 to go on. */
static int read_options(struct noun_job *job, int argc, char **argv)
{
	const struct option *own = job->noun == VMP_NOUN_VM	  ? vm_options
				   : job->noun == VMP_NOUN_NAS	  ? nas_options
				   : job->noun == VMP_NOUN_FILTER ? filter_options
								  : nas_options + 1;
	int c;

	while ((c = cli_option(job->cli, argc, argv, own)) != -1) {
		if (c == NOUN_OPT_HELP) {
			print_help(job->noun);
			return CLI_OK;
		}
		if (c == OPT_WAIT && !coa_wait_read(argc, argv, 0, &job->wait_s))
			return usage(job, "--wait: expected 1 to 3600 seconds");
		if (c >= NOUN_OPT_COLUMN && !filter_option(job, c, optarg))
			return usage(job, "too many options");
		if (c == OPT_FILE)
			job->password_file = optarg;
		if (c == OPT_NO_PASSWORD)
			job->no_password = true;
	}
	job->argc = argc - optind - 1;
	job->argv = argv + optind + 1;
	if (job->argc < 0)
		return no_verb(job);
	return -1;
}

static int run_operands(struct noun_job *job)
{
	const struct verb *verb = find_verb(job->noun, job->argv[-1]);

	if (!verb)
		return no_verb(job);
	if (job->argc < verb->min || job->argc > verb->max)
		return usage(job, verb->min ? "expected a key" : "too many operands");
	if (has_password(job) &&
	    (verb->mode != VMP_STORE_WRITE || verb->run == rm || (job->password_file && job->no_password)))
		return usage(job, "--eap-md5-file goes with add or set, --no-eap-md5 with set");
	if (job->wait_s && verb->run != nas_test)
		return usage(job, "--wait goes with test");
	if (job->n_assigned && (verb->run == show || verb->run == rm))
		return usage(job, "columns go with add, set or list");
	return run_verb(job, verb);
}

int noun_run(struct cli *cli, int argc, char **argv)
{
	struct noun_job job = { .cli = cli };
	int code;

	if (vmp_noun_find(argv[0], &job.noun) != VMP_OK)
		return cli_usage(cli, "%s: no such command", argv[0]);
	job.info = vmp_noun_info(job.noun);
	code = read_options(&job, argc, argv);
	if (code < 0)
		code = run_operands(&job);
	while (job.n_assigned)
		free(job.assigned[--job.n_assigned]);
	return code;
}
