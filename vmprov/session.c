/* session list, show, disconnect, reauth: who is authorized where. */
#include "session.h"
#include "coa_job.h"
#include "find.h"
#include "mac.h"
#include "output.h"
#include "record_read.h"
#include "session_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sessions that are read at once.  They are printed when the store is not being read: who pages through them would
 * keep its log from being emptied. */
#define BATCH 1000
/* The last of a guest's past sessions, and of its jobs. */
#define LAST 10

#define WAIT_S 30

/* Views that were read, the last of them when there are more than max. */
struct views {
	struct session_request *req;
	json_t *list;
	size_t max;
	uint64_t after; /* where the next batch begins */
};

static int append(struct views *views, json_t *item)
{
	if (json_array_append_new(views->list, item) != 0)
		return vmp_fail(&views->req->msg, VMP_ENOMEM, "out of memory");
	if (json_array_size(views->list) > views->max)
		json_array_remove(views->list, 0);
	return VMP_OK;
}

static int take(void *ctx, const struct vmp_session *session)
{
	struct views *views = ctx;
	json_t *view;
	int err = session_view(views->req->policy, session, views->req->now, &view, &views->req->msg);

	views->after = session->past_id ? (uint64_t)session->past_id : session->mac;
	return err == VMP_OK ? append(views, view) : err;
}

/* -- list ----------------------------------------------------------------------------------------------------- */

struct listing {
	struct session_request *req;
	struct coa_open_list jobs;
	struct vmp_table *table; /* NULL: JSON */
	size_t n;
};

static const struct vmp_table_head heads_lasting[] = { { "mac", false },    { "vm", false },	{ "state", false },
						       { "nas", false },    { "port", false },	{ "vlan", true },
						       { "method", false }, { "since", false }, { "updated", false },
						       { "job", false } };
static const struct vmp_table_head heads_past[] = { { "mac", false },	 { "vm", false },    { "state", false },
						    { "nas", false },	 { "port", false },  { "vlan", true },
						    { "method", false }, { "since", false }, { "ended", false },
						    { "cause", false } };

static void print_row(struct vmp_table *table, const json_t *view, bool past, const char *job)
{
	char room[4][24];

	table_row(table, (const char *[]){ session_cell(view, "mac", room[0]), session_cell(view, "vm", room[0]),
					   session_cell(view, "state", room[0]), session_cell_nas(view, room[0]),
					   session_cell_port(view, room[1]), session_cell(view, "vlan", room[2]),
					   session_cell(view, "method", room[0]), session_cell(view, "since", room[0]),
					   session_cell(view, past ? "ended_at" : "updated_at", room[0]),
					   past ? session_cell(view, "cause", room[3]) : job });
}

static void print_one(struct listing *list, json_t *view)
{
	const char *mac_text = json_string_value(json_object_get(view, "mac"));
	const struct coa_open *job;
	char text[100] = "-";
	uint64_t mac = 0;

	if (vmp_mac_parse(mac_text, strlen(mac_text), &mac) != VMP_OK)
		mac = 0;
	job = coa_open_find(&list->jobs, mac, json_integer_value(json_object_get(view, "past_id")));
	if (list->table) {
		if (job)
			snprintf(text, sizeof(text), "%s: %s", vmp_coa_action_name(job->action), job->reason);
		print_row(list->table, view, list->req->past, text);
		return;
	}
	json_object_set_new(view, "job",
			    job ? json_pack("{s:I, s:s, s:o}", "id", (json_int_t)job->id, "action",
					    vmp_coa_action_name(job->action), "reason", vmp_json_text(job->reason))
				: json_null());
	out_json_item(&list->n, json_incref(view));
}

static int print_batches(struct listing *list, struct vmp_session_filter *filter)
{
	struct views views = { .req = list->req, .max = BATCH };
	size_t n = BATCH, i;
	json_t *view;
	int err = VMP_OK;

	filter->max = BATCH;
	while (err == VMP_OK && n == BATCH) {
		filter->after = views.after;
		views.list = json_array();
		err = vmp_session_each(list->req->sessions, filter, take, &views, &list->req->msg);
		n = json_array_size(views.list);
		json_array_foreach(views.list, i, view)
			print_one(list, view);
		json_decref(views.list);
	}
	return err;
}

static int list(struct session_request *req)
{
	struct vmp_session_filter filter = { .past = req->past };
	struct listing list = { .req = req };
	char nas[VMP_ADDR_TEXT];
	struct vmp_addr addr;
	int err = req->vm ? find_mac(req->policy, req->vm, &filter.mac, &req->msg) : VMP_OK;

	if (err == VMP_OK && req->nas)
		err = find_nas(req->policy, req->nas, &addr, &req->msg);
	if (err == VMP_OK && req->nas) {
		vmp_addr_format(&addr, nas);
		filter.nas = nas;
	}
	if (err == VMP_OK)
		err = coa_open_read(req->policy, filter.mac, filter.nas, &list.jobs, &req->msg);
	if (err == VMP_OK && !req->cli->json)
		list.table = table_new(req->past ? heads_past : heads_lasting, 10);
	if (err == VMP_OK)
		err = print_batches(&list, &filter);
	if (list.table)
		table_end(list.table);
	else if (req->cli->json && (err == VMP_OK || list.n))
		out_json_end(list.n);
	coa_open_clear(&list.jobs);
	return err;
}

/* -- show ----------------------------------------------------------------------------------------------------- */

static int take_job(void *ctx, const struct vmp_coa_job *job)
{
	return append(ctx, coa_job_json(job));
}

static int read_all(struct session_request *req, uint64_t mac, json_t *lasting, json_t *jobs, json_t *past)
{
	struct views views = { .req = req, .list = lasting, .max = 1 };
	const struct vmp_coa_filter of_mac = { .finished = true, .mac = mac };
	int err = vmp_session_each(req->sessions, &(struct vmp_session_filter){ .mac = mac }, take, &views, &req->msg);

	views.max = LAST;
	views.list = jobs;
	if (err == VMP_OK)
		err = vmp_coa_each(req->policy, &of_mac, take_job, &views, &req->msg);
	views.list = past;
	if (err == VMP_OK)
		err = vmp_session_each(req->sessions, &(struct vmp_session_filter){ .past = true, .mac = mac }, take,
				       &views, &req->msg);
	return err;
}

/* What the table shows of a session: all that is known. */
static const char *const shown[] = { "state",
				     "nas",
				     "nas_name",
				     "nas_port",
				     "nas_port_id",
				     "nas_ip",
				     "nas_identifier",
				     "user_name",
				     "calling_station_id",
				     "acct_session_id",
				     "framed_ip",
				     "token",
				     "method",
				     "cert_name",
				     "quarantined",
				     "vlan",
				     "authorized_at",
				     "since",
				     "updated_at",
				     "expires_at",
				     "input_octets",
				     "output_octets" };

static void print_now(const json_t *now)
{
	const json_t *differs = json_object_get(now, "differs");
	char room[24];

	if (!json_is_object(now))
		return;
	printf("\npolicy now: %s", session_cell(now, "sentence", room));
	if (json_is_true(json_object_get(now, "allowed")))
		printf(" VLAN %s.", session_cell(now, "vlan", room));
	puts(json_is_null(differs)   ? " What was answered is not known."
	     : json_is_true(differs) ? " This DIFFERS from what was answered."
				     : " The same as was answered.");
}

static void print_lasting(const json_t *view)
{
	static const struct vmp_table_head heads[] = { { "column", false }, { "value", false } };
	struct vmp_table *table = table_new(heads, 2);
	char room[24];
	size_t i;

	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		table_row(table, (const char *[]){ shown[i], session_cell(view, shown[i], room) });
	table_end(table);
	print_now(json_object_get(view, "now"));
}

static void print_people(const json_t *lasting, const json_t *jobs, const json_t *past)
{
	const json_t *view = json_array_get(lasting, 0);
	struct vmp_table *table;
	size_t i;

	if (view)
		print_lasting(view);
	else
		puts("no session that lasts");
	if (json_array_size(jobs)) {
		puts("\njobs:");
		coa_job_table(jobs);
	}
	if (!json_array_size(past))
		return;
	puts("\npast:");
	table = table_new(heads_past, 10);
	json_array_foreach(past, i, view)
		print_row(table, view, true, NULL);
	table_end(table);
}

/* @return the guest's name, wherever a view has it; null. */
static json_t *name_of(const json_t *lasting, const json_t *past)
{
	json_t *view = json_array_get(lasting, 0), *name;

	name = json_object_get(view ? view : json_array_get(past, 0), "vm");
	return name ? json_incref(name) : json_null();
}

static int show(struct session_request *req)
{
	json_t *lasting = json_array(), *jobs = json_array(), *past = json_array(), *view;
	char mac_text[VMP_MAC_TEXT];
	uint64_t mac = 0;
	int err = find_mac(req->policy, req->argv[0], &mac, &req->msg);

	vmp_mac_format(mac, mac_text);
	if (err == VMP_OK)
		err = read_all(req, mac, lasting, jobs, past);
	if (err == VMP_OK && !json_array_size(lasting) && !json_array_size(jobs) && !json_array_size(past))
		err = vmp_fail(&req->msg, VMP_ENOENT, "%s: has no session, and had none", mac_text);
	view = json_array_get(lasting, 0);
	if (err == VMP_OK && req->cli->json)
		out_json(json_pack("{s:s, s:o, s:O?, s:O, s:O}", "mac", mac_text, "vm", name_of(lasting, past),
				   "session", view, "jobs", jobs, "past", past));
	else if (err == VMP_OK)
		print_people(lasting, jobs, past);
	json_decref(lasting);
	json_decref(jobs);
	json_decref(past);
	return err;
}

/* -- the command ---------------------------------------------------------------------------------------------- */

enum { TAKES_VM = 1, TAKES_PAST = 2, TAKES_NAS = 4, TAKES_WAIT = 8 };

static const struct verb {
	const char *name;
	unsigned takes;		  /* options */
	int min, max;		  /* operands */
	enum vmp_store_mode mode; /* of policy.db */
	int (*run)(struct session_request *req);
} verbs[] = {
	{ "list", TAKES_VM | TAKES_NAS | TAKES_PAST, 0, 0, VMP_STORE_READ, list },
	{ "show", 0, 1, 1, VMP_STORE_READ, show },
	{ "disconnect", TAKES_NAS | TAKES_WAIT, 0, 1 << 20, VMP_STORE_WRITE, session_disconnect },
	{ "reauth", TAKES_NAS | TAKES_WAIT, 0, 1 << 20, VMP_STORE_WRITE, session_reauth },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* @return CLI_OK, or what is wrong. */
static int check(const struct session_request *req, const struct verb *verb)
{
	const struct cli *cli = req->cli;

	if (!verb)
		return cli_usage(cli, "expected list, show, disconnect or reauth");
	if ((req->past && !(verb->takes & TAKES_PAST)) || (req->vm && !(verb->takes & TAKES_VM)) ||
	    (req->nas && !(verb->takes & TAKES_NAS)) || (req->wait_s && !(verb->takes & TAKES_WAIT)))
		return cli_usage(cli,
				 "--vm and --past go with list, --nas not with show, --wait with disconnect or reauth");
	if (verb->takes & TAKES_WAIT && !req->argc == !req->nas)
		return cli_usage(cli, "expected MACs or VMs, or --nas");
	if (req->argc < verb->min || req->argc > verb->max)
		return cli_usage(cli, verb->min ? "expected one MAC or VM" : "list takes no operands");
	return CLI_OK;
}

static int run(struct session_request *req, const struct verb *verb)
{
	int err, code = cli_open(req->cli, verb->mode, &req->policy);

	if (code == CLI_OK)
		code = cli_open_sessions(req->cli, &req->sessions);
	if (code == CLI_OK) {
		err = verb->run(req);
		code = err == VMP_OK ? CLI_OK : cli_fail_err(err, &req->msg);
	}
	vmp_store_close(req->sessions);
	vmp_store_close(req->policy);
	return code;
}

int session_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_NAS = 256, OPT_VM, OPT_PAST, OPT_WAIT };
	static const struct option own[] = { { "nas", required_argument, NULL, OPT_NAS },
					     { "vm", required_argument, NULL, OPT_VM },
					     { "past", no_argument, NULL, OPT_PAST },
					     { "wait", optional_argument, NULL, OPT_WAIT },
					     { NULL, 0, NULL, 0 } };
	struct session_request req = { .cli = cli, .now = time(NULL) };
	const struct verb *verb;
	int c, code;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_NAS)
			req.nas = optarg;
		else if (c == OPT_VM)
			req.vm = optarg;
		else if (c == OPT_PAST)
			req.past = true;
		else if (!coa_wait_read(argc, argv, WAIT_S, &req.wait_s))
			return cli_usage(cli, "--wait: expected 1 to 3600 seconds");
	}
	verb = optind < argc ? find_verb(argv[optind]) : NULL;
	req.argc = argc - optind - 1;
	req.argv = argv + optind + 1;
	code = check(&req, verb);
	return code == CLI_OK ? run(&req, verb) : code;
}
