/* licence: pools, leases, usage, refusals. */
#include "licence.h"
#include "actor.h"

#include <stdio.h>
#include <string.h>

/* A holder believes in its lease until its own end, whatever is ended here. */
static int lease_end(struct licence_request *req)
{
	const char *product = req->argc > 1 ? req->argv[1] : NULL;
	char actor[ACTOR_MAX];
	int n = 0, err = vmp_store_begin(req->store, &req->msg);

	actor_name(actor);
	if (err == VMP_OK)
		err = vmp_licence_end(req->store, req->argv[0], product, actor, &n, &req->msg);
	if (err == VMP_OK)
		err = vmp_store_commit(req->store, &req->msg);
	vmp_store_rollback(req->store);
	if (err != VMP_OK)
		return err;
	if (req->cli->json)
		printf("{\"ended\": %d}\n", n);
	else
		printf("%s: %d ended\n", req->argv[0], n);
	fprintf(stderr,
		"vmprov: if %s still runs it goes on using what it had, until its own end, while others may be given "
		"the same\n",
		req->argv[0]);
	return VMP_OK;
}

enum { TAKES_PRODUCT = 1, TAKES_HOLDER = 2, TAKES_LAST = 4 };

static const struct verb {
	const char *noun, *name; /* "lease", "list"; noun NULL: one word */
	unsigned takes;		 /* options */
	int min, max;		 /* operands */
	enum vmp_store_mode mode;
	int (*run)(struct licence_request *req);
} verbs[] = {
	{ NULL, "usage", 0, 0, 0, VMP_STORE_READ, licence_usage },
	{ NULL, "denials", TAKES_PRODUCT | TAKES_LAST, 0, 0, VMP_STORE_READ, licence_denials },
	{ "lease", "list", TAKES_PRODUCT | TAKES_HOLDER, 0, 0, VMP_STORE_READ, licence_lease_list },
	{ "lease", "end", 0, 1, 2, VMP_STORE_WRITE, lease_end },
};

/* @param words  the operands. @param n  out: how many of them name the verb. */
static const struct verb *find_verb(int argc, char **words, int *n)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		*n = verbs[i].noun ? 2 : 1;
		if (argc < *n || (verbs[i].noun && strcmp(words[0], verbs[i].noun) != 0))
			continue;
		if (strcmp(words[*n - 1], verbs[i].name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* @return CLI_OK, or what is wrong. */
static int check(const struct licence_request *req, const struct verb *verb)
{
	const struct cli *cli = req->cli;

	if (!verb)
		return cli_usage(cli, "expected pool, lease list, lease end, usage or denials");
	if ((req->product && !(verb->takes & TAKES_PRODUCT)) || (req->holder && !(verb->takes & TAKES_HOLDER)) ||
	    (req->last && !(verb->takes & TAKES_LAST)))
		return cli_usage(cli,
				 "--product goes with lease list and denials, --holder with lease list, --last with "
				 "denials");
	if (req->argc < verb->min || req->argc > verb->max)
		return cli_usage(cli, verb->min ? "expected a holder, and perhaps a product" : "too many operands");
	return CLI_OK;
}

static int run(struct licence_request *req, const struct verb *verb)
{
	int err, code = cli_open(req->cli, verb->mode, &req->store);

	if (code != CLI_OK)
		return code;
	vmp_clock_read(&req->clock);
	err = verb->run(req);
	vmp_store_close(req->store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &req->msg);
}

int licence_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_PRODUCT = 256, OPT_HOLDER, OPT_LAST };
	static const struct option own[] = { { "product", required_argument, NULL, OPT_PRODUCT },
					     { "holder", required_argument, NULL, OPT_HOLDER },
					     { "last", required_argument, NULL, OPT_LAST },
					     { NULL, 0, NULL, 0 } };
	struct licence_request req = { .cli = cli };
	const char *last = NULL;
	const char **const to[] = { &req.product, &req.holder, &last };
	const struct verb *verb;
	int c, code, words = 0;

	/* A noun like any other. */
	if (argc > 1 && strcmp(argv[1], "pool") == 0)
		return noun_run(cli, argc - 1, argv + 1);
	while ((c = cli_option(cli, argc, argv, own)) != -1)
		*to[c - OPT_PRODUCT] = optarg;
	if (last && !cli_count(last, &req.last))
		return cli_usage(cli, "--last %s: expected a number from 1 on", last);
	verb = find_verb(argc - optind, argv + optind, &words);
	req.argc = argc - optind - words;
	req.argv = argv + optind + words;
	code = check(&req, verb);
	return code == CLI_OK ? run(&req, verb) : code;
}
