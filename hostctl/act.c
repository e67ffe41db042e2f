/* reauth and logoff: have interfaces do something. */
#include "client.h"

#include <stdio.h>
#include <string.h>

static int act(struct cli *cli, const char *verb, const char *what, json_int_t *n)
{
	json_t *answer;
	int code = client_get(cli, json_pack("{s:s, s:s}", "do", verb, "what", what), &answer);

	if (code != CLI_OK)
		return code;
	*n += json_integer_value(json_object_get(answer, "done"));
	json_decref(answer);
	return CLI_OK;
}

static int finish(const struct cli *cli, json_int_t n)
{
	if (cli->json)
		return cli_print_json(json_pack("{s:I}", "done", n));
	printf("%lld interface%s\n", (long long)n, n == 1 ? "" : "s");
	return CLI_OK;
}

static int act_run(struct cli *cli, int argc, char **argv, const char *verb)
{
	enum { OPT_ALL = 256 };
	static const struct option own[] = { { "all", no_argument, NULL, OPT_ALL }, { NULL, 0, NULL, 0 } };
	json_int_t n = 0;
	bool all = false;
	int i, code = CLI_OK;

	while (cli_option(cli, argc, argv, own) != -1)
		all = true;
	if (all ? optind != argc : optind == argc)
		return cli_usage(cli, "expected guests, or --all");
	for (i = optind; i < argc; i++) {
		/* To hostd it means all; a guest of that name goes by its UUID. */
		if (strcmp(argv[i], "all") == 0)
			return cli_usage(cli, "all: expected --all, or the UUID of a guest of that name");
	}
	if (all)
		code = act(cli, verb, "all", &n);
	for (i = optind; i < argc && code == CLI_OK; i++)
		code = act(cli, verb, argv[i], &n);
	return code == CLI_OK ? finish(cli, n) : code;
}

int reauth_run(struct cli *cli, int argc, char **argv)
{
	return act_run(cli, argc, argv, "reauth");
}

int logoff_run(struct cli *cli, int argc, char **argv)
{
	return act_run(cli, argc, argv, "logoff");
}
