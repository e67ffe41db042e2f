/* completion and complete: the shell's completion, made from the same tables as everything else. */
#include "cli.h"
#include "record.h"

#include <stdio.h>
#include <string.h>

/* The shell breaks words at = and :, so what stands before the last of them is not repeated. */
static const char script[] =
	"# bash completion for vmprov\n"
	"_vmprov() {\n"
	"\tlocal cur words cword head\n"
	"\tcur='' words=() cword=0\n"
	"\t_get_comp_words_by_ref -n =:, cur words cword || return\n"
	"\tmapfile -t COMPREPLY < <(\"${words[0]}\" complete -- \"${words[@]:1:cword}\" 2>/dev/null)\n"
	"\t[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
	"\thead=${cur%\"${cur##*[=:]}\"}\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
	"}\n"
	"complete -o default -F _vmprov vmprov\n";

int completion_run(struct cli *cli, int argc, char **argv)
{
	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind + 1 != argc || strcmp(argv[optind], "bash") != 0)
		return cli_usage(cli, "expected bash");
	fputs(script, stdout);
	return CLI_OK;
}

#define NAMES_MAX 200

/* The word that is being typed. */
struct word {
	struct cli *cli;
	const char *text;
	size_t keep; /* octets of text that stand before each name: "cois=web," */
};

static void offer(const struct word *w, const char *candidate, const char *tail)
{
	if (strncmp(candidate, w->text + w->keep, strlen(w->text + w->keep)) == 0)
		printf("%.*s%s%s\n", (int)w->keep, w->text, candidate, tail);
}

static void offer_name(void *ctx, const char *name)
{
	offer(ctx, name, "");
}

static void offer_names(const struct word *w, enum vmp_noun noun)
{
	struct word copy = *w;
	struct vmp_records *rs = NULL;
	struct vmp_store *store;

	if (vmp_store_open(&store, w->cli->store, VMP_STORE_POLICY, VMP_STORE_READ, 200, NULL) != VMP_OK)
		return;
	/* Without a store there is nothing to offer, and nobody to tell. */
	if (vmp_records_new(&rs, store, noun, NULL) != VMP_OK ||
	    vmp_record_names(rs, w->text + w->keep, NAMES_MAX, offer_name, &copy, NULL) != VMP_OK)
		fflush(stdout);
	vmp_records_free(rs);
	vmp_store_close(store);
}

/* Columns that hold names. */
static const struct {
	const char *column;
	enum vmp_noun noun;
} named[] = {
	{ "tenant", VMP_NOUN_TENANT }, { "enclave", VMP_NOUN_ENCLAVE }, { "cois", VMP_NOUN_COI },
	{ "hosts", VMP_NOUN_HOST },    { "nas", VMP_NOUN_NAS },		{ "uplinks", VMP_NOUN_NAS },
	{ "coi", VMP_NOUN_COI },
};

/* Columns that hold one of a few words. */
static const struct {
	const char *column, *words[4];
} worded[] = {
	{ "direction", { "in", "out" } },
	{ "protocol", { "tcp", "udp", "icmp", "any" } },
	{ "action", { "accept", "drop", "reject" } },
};

static void offer_words(const struct word *w, const char *column)
{
	size_t i, j;

	for (i = 0; i < sizeof(worded) / sizeof(worded[0]); i++) {
		for (j = 0; j < 4 && worded[i].words[j] && strcmp(worded[i].column, column) == 0; j++)
			offer(w, worded[i].words[j], "");
	}
}

static void offer_value(const struct word *w, const struct vmp_column *col)
{
	struct word value = *w;
	const char *comma = strrchr(w->text, ',');
	size_t i;

	value.keep = (size_t)((comma ? comma : strchr(w->text, '=')) + 1 - w->text);
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(named[i].column, col->name) == 0)
			offer_names(&value, named[i].noun);
	}
	offer_words(&value, col->name);
	if (col->type == VMP_TYPE_BOOL) {
		offer(&value, "yes", "");
		offer(&value, "no", "");
	}
	if (col->flags & VMP_COL_INHERIT)
		offer(&value, "inherit", "");
	if (col->flags & VMP_COL_NONE)
		offer(&value, "none", "");
}

static void offer_columns(const struct word *w, enum vmp_noun noun, unsigned without)
{
	const struct vmp_noun_info *info = vmp_noun_info(noun);
	const char *eq = strchr(w->text, '=');
	int col = eq ? vmp_column_find(noun, w->text, (size_t)(eq - w->text)) : -1;
	size_t i;

	if (col >= 0)
		offer_value(w, &info->column[col]);
	for (i = 0; i < info->n_column && !eq; i++) {
		if (!(info->column[i].flags & without))
			offer(w, info->column[i].name, "=");
	}
}

static void offer_nouns(const struct word *w)
{
	int n;

	for (n = 0; n < VMP_NOUNS; n++)
		offer(w, vmp_noun_info((enum vmp_noun)n)->name, "");
}

static void offer_commands(const struct word *w)
{
	const struct cli_command *c;

	offer_nouns(w);
	for (c = cli_commands; c->name; c++) {
		if (c->summary)
			offer(w, c->name, "");
	}
	offer(w, "--store", "");
	offer(w, "--json", "");
	offer(w, "--help", "");
}

static void offer_verbs(const struct word *w, enum vmp_noun noun)
{
	const char *name;
	size_t at = 0;
	bool keys;

	while ((name = noun_verb(noun, &at, &keys)))
		offer(w, name, "");
}

/* Are all operands of this verb keys? */
static bool takes_keys(enum vmp_noun noun, const char *verb)
{
	const char *name;
	size_t at = 0;
	bool keys;

	while ((name = noun_verb(noun, &at, &keys))) {
		if (strcmp(name, verb) == 0)
			return keys;
	}
	return false;
}

/* at: how many words stand before this one, from the verb on. */
static void offer_for_noun(const struct word *w, enum vmp_noun noun, const char *verb, int at)
{
	bool writes = verb && (strcmp(verb, "add") == 0 || strcmp(verb, "set") == 0);

	if (!verb) {
		offer_verbs(w, noun);
		return;
	}
	if (noun == VMP_NOUN_FILTER && at == 1 && strcmp(verb, "add") == 0)
		offer_names(w, VMP_NOUN_COI);
	if (strcmp(verb, "list") == 0)
		offer_columns(w, noun, 0);
	else if (takes_keys(noun, verb) || (at == 1 && strcmp(verb, "set") == 0))
		offer_names(w, noun);
	else if (writes && at > 1)
		offer_columns(w, noun, VMP_COL_READONLY);
	if (noun == VMP_NOUN_NAS && strcmp(verb, "test") == 0)
		offer(w, "--wait", "");
	if (writes && noun == VMP_NOUN_VM) {
		offer(w, "--eap-md5-file", "");
		offer(w, "--no-eap-md5", "");
	}
}

/* What comes behind a word of a command: names of a noun, or VMP_NOUNS and these words. */
static const struct hint {
	const char *command, *behind;
	enum vmp_noun noun;
	const char *words[4];
	bool many; /* behind names, too */
} hints[] = {
	{ "completion", "completion", VMP_NOUNS, { "bash" }, false },
	{ "cert", "cert", VMP_NOUNS, { "list", "show", "revoke" }, false },
	{ "cert", "list", VMP_NOUN_VM, { NULL }, false },
	{ "cert", "revoke", VMP_NOUN_VM, { NULL }, false },
	{ "token", "token", VMP_NOUN_VM, { NULL }, false },
	{ "token", "--template", VMP_NOUN_TEMPLATE, { NULL }, false },
	{ "token", "--host", VMP_NOUN_HOST, { NULL }, false },
	{ "check", "--nas", VMP_NOUN_NAS, { NULL }, false },
	{ "session", "session", VMP_NOUNS, { "list", "show", "disconnect", "reauth" }, false },
	{ "session", "show", VMP_NOUN_VM, { NULL }, false },
	{ "session", "disconnect", VMP_NOUN_VM, { NULL }, true },
	{ "session", "reauth", VMP_NOUN_VM, { NULL }, true },
	{ "session", "--vm", VMP_NOUN_VM, { NULL }, false },
	{ "session", "--nas", VMP_NOUN_NAS, { NULL }, false },
	{ "site", "site", VMP_NOUNS, { "show", "set" }, false },
	{ "site", "set", VMP_NOUNS, { "inner_prefix=", "inner_prefix4=" }, false },
	{ "route", "route", VMP_NOUNS, { "add", "rm", "list" }, false },
	{ "route", "add", VMP_NOUN_VM, { NULL }, false },
	{ "route", "rm", VMP_NOUN_VM, { NULL }, false },
	{ "route", "list", VMP_NOUN_VM, { NULL }, false },
	{ "licence", "licence", VMP_NOUNS, { "pool", "usage", "lease", "denials" }, false },
	{ "licence", "lease", VMP_NOUNS, { "list", "end" }, false },
	{ "licence", "end", VMP_NOUN_VM, { NULL }, false },
	{ "licence", "--holder", VMP_NOUN_VM, { NULL }, false },
};

/* "--name" for every word that starts so in the command's usage: what it takes stands there anyway. */
static void offer_options(const struct word *w, const struct cli_command *c)
{
	const char *p;

	for (p = c->usage; (p = strstr(p, "--")) != NULL; p += 2) {
		char option[32];
		size_t n = strcspn(p, " ]");

		if (n < sizeof(option)) {
			memcpy(option, p, n);
			option[n] = '\0';
			offer(w, option, "");
		}
	}
}

/* verb: the word behind the command's name; behind: the word before this one. */
static void offer_for_command(const struct word *w, const struct cli_command *c, const char *verb, const char *behind)
{
	bool option = strncmp(behind, "--", 2) == 0;
	size_t i, j;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		const struct hint *h = &hints[i];

		if (strcmp(h->command, c->name) != 0 || strcmp(h->behind, h->many && !option ? verb : behind) != 0)
			continue;
		if (h->noun != VMP_NOUNS)
			offer_names(w, h->noun);
		for (j = 0; j < 4 && h->words[j]; j++)
			offer(w, h->words[j], "");
	}
	if (strcmp(behind, "--noun") == 0)
		offer_nouns(w);
	if (!option)
		offer_options(w, c);
	if (strcmp(c->name, "help") == 0)
		offer_commands(w);
}

int complete_run(struct cli *cli, int argc, char **argv)
{
	struct word w = { .cli = cli };
	const struct cli_command *c;
	enum vmp_noun noun;
	int first;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind == argc)
		return CLI_OK;
	w.text = argv[argc - 1];
	for (first = optind; first < argc - 1 && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--store") == 0 && first + 1 < argc - 1)
			cli->store = argv[++first];
	}
	/* The noun behind the command. */
	if (first + 2 < argc && strcmp(argv[first], "licence") == 0 && strcmp(argv[first + 1], "pool") == 0)
		first++;
	if (first == argc - 1)
		offer_commands(&w);
	else if (vmp_noun_find(argv[first], &noun) == VMP_OK)
		offer_for_noun(&w, noun, first + 1 < argc - 1 ? argv[first + 1] : NULL, argc - first - 2);
	for (c = cli_commands; c->name && first < argc - 1; c++) {
		if (strcmp(c->name, argv[first]) == 0)
			offer_for_command(&w, c, argv[first + 1], argv[argc - 2]);
	}
	return CLI_OK;
}
