/* completion and complete: the shell's completion, made from the table of commands and from hostd's guests. */
#include "client.h"

#include <stdio.h>
#include <string.h>

#define WAIT_S 2

static const char script[] =
	"# bash completion for vmprov-hostctl\n"
	"_vmprov_hostctl() {\n"
	"\tlocal cur words cword head\n"
	"\tcur='' words=() cword=0\n"
	"\t_get_comp_words_by_ref -n =:, cur words cword || return\n"
	"\tmapfile -t COMPREPLY < <(\"${words[0]}\" complete -- \"${words[@]:1:cword}\" 2>/dev/null)\n"
	"\thead=${cur%\"${cur##*[=:]}\"}\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
	"}\n"
	"complete -o default -F _vmprov_hostctl vmprov-hostctl\n";

int completion_run(struct cli *cli, int argc, char **argv)
{
	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind + 1 != argc || strcmp(argv[optind], "bash") != 0)
		return cli_usage(cli, "expected bash");
	fputs(script, stdout);
	return CLI_OK;
}

static void offer(const char *word, const char *candidate)
{
	if (candidate && strncmp(candidate, word, strlen(word)) == 0)
		puts(candidate);
}

/* Without hostd there is nothing to offer, and nobody to tell. */
static void offer_guests(const struct cli *cli, const char *word)
{
	struct vmp_msg msg;
	json_t *answer, *guest, *nic;
	size_t i, j;

	if (client_ask(cli->socket, json_pack("{s:s}", "do", "list"), WAIT_S, &answer, &msg) != VMP_OK)
		return;
	json_array_foreach(json_object_get(answer, "guests"), i, guest) {
		offer(word, json_string_value(json_object_get(guest, "name")));
		/* Only for those who have begun to type one. */
		json_array_foreach(json_object_get(guest, "nics"), j, nic) {
			if (*word)
				offer(word, json_string_value(json_object_get(nic, "mac")));
		}
	}
	json_decref(answer);
}

static void offer_commands(const char *word)
{
	static const char *const common[] = { "--socket", "--json", "--help", "--version" };
	const struct cli_command *c;
	size_t i;

	for (c = cli_commands; c->name; c++) {
		if (c->summary)
			offer(word, c->name);
	}
	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		offer(word, common[i]);
}

/* "--name" for every word that starts so in the command's usage: what it takes stands there anyway. */
static void offer_options(const struct cli_command *c, const char *word)
{
	const char *p;

	for (p = c->usage; (p = strstr(p, "--")) != NULL; p += 2) {
		char option[32];
		size_t n = strcspn(p, " ]");

		if (n < sizeof(option)) {
			memcpy(option, p, n);
			option[n] = '\0';
			offer(word, option);
		}
	}
}

static void offer_for_command(const struct cli *cli, const struct cli_command *c, const char *word)
{
	offer_options(c, word);
	if (strncmp(c->usage, "GUEST", 5) == 0)
		offer_guests(cli, word);
	if (c->run == completion_run)
		offer(word, "bash");
	if (strcmp(c->name, "help") == 0)
		offer_commands(word);
}

int complete_run(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *c;
	const char *word;
	int first;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind == argc)
		return CLI_OK;
	word = argv[argc - 1];
	for (first = optind; first < argc - 1 && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--socket") == 0 && first + 1 < argc - 1)
			cli->socket = argv[++first];
	}
	if (first == argc - 1)
		offer_commands(word);
	for (c = cli_commands; c->name && first < argc - 1; c++) {
		if (strcmp(c->name, argv[first]) == 0)
			offer_for_command(cli, c, word);
	}
	return CLI_OK;
}
