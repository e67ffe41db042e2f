/* vmprov: the administrator's command. */
#include "cli.h"
#include "record.h"

#include <errno.h>
#include <libgen.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VMPROV_STORE
#define VMPROV_STORE "/var/lib/vmprov/policy.db"
#endif
#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif

static int help_run(struct cli *cli, int argc, char **argv);
static int version_run(struct cli *cli, int argc, char **argv);

const struct cli_command cli_commands[] = {
	{ "init", "make an empty store", "[--group GROUP]",
	  "Makes policy.db and session.db.  radiusd reads the first and writes the second: both belong to GROUP\n"
	  "(freerad, where there is such a group), with modes 0640 and 0660.  An existing store is left alone.\n",
	  init_run },
	{ "migrate", "bring the store to this program's schema", "", NULL, migrate_run },
	{ "site", "the prefixes of the machines' addresses inside the communities",
	  "[show] | set [inner_prefix=PREFIX] [inner_prefix4=PREFIX]",
	  "  inner_prefix   IPv6, a /64 such as fd12:3456:789a:1::/64\n"
	  "  inner_prefix4  IPv4, /8 to /30, such as 10.64.0.0/10; empty: machines have IPv6 alone\n"
	  "A machine's number within inner_prefix4 stays the same, if it fits.\n",
	  site_run },
	{ "route", "what gateways lead to", "add GATEWAY PREFIX... | rm GATEWAY PREFIX... | list [GATEWAY]",
	  "Machines that share a COI with GATEWAY, a VM's name or MAC address, send there what is for PREFIX.\n"
	  "All or none.\n",
	  route_run },
	{ "import", "read records from a file", "[--noun NOUN] [--format csv|json] [--update] FILE|-",
	  "All or nothing: each bad line is reported with its number, and then nothing is imported.\n"
	  "  --format  what FILE is; otherwise its name ending in .json tells, and all else is CSV\n"
	  "  --update  change those that are there already, in the columns that FILE has\n"
	  "  --noun    what they are, such as filter; otherwise vm\n"
	  "CSV has a header line that names columns, in any order; an empty field is no value (inherit),\n"
	  "none is explicitly none.  JSON is an array of objects; null is no value, \"\" and 0 are none.\n",
	  import_run },
	{ "export", "write records to a file", "[--noun NOUN] [--format csv|json] [FILE|-]",
	  "What import reads: VMs, or those of another NOUN.  EAP-MD5 passwords are not written.\n", export_run },
	{ "check", "what the network would answer for a guest",
	  "MAC [--nas NAME|ADDRESS] [--port PORT] [--method mab|eap-md5|eap-tls] [--cert NAME] [--at TIME]",
	  "Decides as radiusd does, and shows which rule gave each attribute.\n"
	  "  --nas     the switch that asks\n"
	  "  --port    its NAS-Port-Id or NAS-Port\n"
	  "  --method  how the guest authenticates; mab unless --cert is given\n"
	  "  --cert    the DNS name in the host's certificate, for eap-tls\n"
	  "  --at      UTC, such as 2026-12-01T08:00:00Z, or unix seconds; otherwise now\n",
	  check_run },
	{ "token", "make a join token by hand", "(VM [--template NAME] [--uuid UUID] | --host NAME) [--life SECONDS]",
	  "Prints the token alone: the password with which a guest, or a host, enrols at policyd, once.  It voids\n"
	  "the older tokens of the same VM or host.  Make it on policyd's machine.\n"
	  "  --template  what a VM that is no guest yet is made from; otherwise the guest's own\n"
	  "  --uuid      the guest's; otherwise the one it has, or a random one\n"
	  "  --host      a host's token, for its own certificate\n"
	  "  --life      10 to 600 seconds; otherwise 600\n",
	  token_run },
	{ "cert", "list, show and revoke certificates",
	  "list [VM|host:NAME|SERIAL] [--all] | show SERIAL | revoke SERIAL|VM|host:NAME [--reason REASON]",
	  "  list    those that are good, newest first; with --all, what has ended too\n"
	  "  show    one, as PEM\n"
	  "  revoke  one, or all that are good of a VM or host; final.  The VM leaves the directory, and its COIs\n"
	  "          get new keys, unless the reason is superseded or cessationOfOperation.\n"
	  "REASON is one of RFC 5280, such as keyCompromise; otherwise unspecified.\n",
	  cert_run },
	{ "session", "who is authorized where; have it taken back",
	  "list|show|disconnect|reauth [MAC|VM...] [--nas NAME|ADDRESS] [--vm MAC|VM] [--past] [--wait [SECONDS]]",
	  "  list        those that last, and what policyd is about to do with them: all, or those of --nas or --vm;\n"
	  "              with --past those that are over\n"
	  "  show        the session of a MAC or VM, whether the policy would answer something else now, jobs, and\n"
	  "              the last past sessions\n"
	  "  disconnect  have policyd send the NAS a Disconnect-Request: the guest has to authenticate again\n"
	  "  reauth      the same with a CoA-Request that keeps the port open meanwhile, if the NAS has one\n"
	  "  --nas       (disconnect, reauth) all sessions of a NAS\n"
	  "  --wait      (disconnect, reauth) until it is done, 1 to 3600 seconds, otherwise 30; exits with 1 if it\n"
	  "              failed or is still to be done\n",
	  session_run },
	{ "licence", "pools, leases and refusals of licences",
	  "pool ...|usage|lease list|lease end HOLDER [PRODUCT]|denials [--product NAME] [--holder HOLDER] [--last N]",
	  "  pool        the noun: how many licences of a product there are; see vmprov help pool\n"
	  "  usage       of each pool what is owned, leased and in use, and how often it was refused in the last day\n"
	  "  lease list  who holds how many, and until when: all, or those of --product or --holder\n"
	  "  lease end   end a holder's leases now, or that of one product.  Only when it is surely not running: it\n"
	  "              goes on using what it has until its own end, while others are given the same licences\n"
	  "  denials     who was refused what, and why: all, or those of --product, or the --last so many\n"
	  "HOLDER is a gateway or VM: its name, MAC address or UUID.\n",
	  licence_run },
	{ "audit", "show the audit trail", "[--since TIME] [--event WORD] [--about TEXT] [--last N] [--follow]",
	  "A table; with --json a line of JSON for each event.\n"
	  "  --since   UTC, such as 2026-12-01T08:00:00Z, or how long ago: 90s, 5m, 2h, 1d\n"
	  "  --event   only these, such as enrolled\n"
	  "  --about   only those whose actor or subject contains this\n"
	  "  --last    only the last so many\n"
	  "  --follow  go on as events come, until SIGINT; without --since and --last, from the last ten\n",
	  audit_run },
	{ "doctor", "look for what is wrong", "[--raddb DIR] [--moddir DIR] [--group GROUP] [--secrets FILE]",
	  "One line each: OK, INFO, WARN or FAIL, and what to do.  Exits with 1 when something failed.\n"
	  "  --raddb   FreeRADIUS's configuration (VMPROV_RADDB in the environment)\n"
	  "  --moddir  where its modules are (VMPROV_MODDIR)\n"
	  "  --group   the group that radiusd runs as; otherwise freerad\n"
	  "  --secrets where policyd has the NASes' secrets; otherwise /etc/vmprov/nas-secrets.conf\n",
	  doctor_run },
	{ "hold", "keep the store open for a radiusd that may only read it", "",
	  "Stays in the foreground until SIGINT or SIGTERM; vmprov-store.service runs it.  Without it, and without\n"
	  "any other program that has the store open to write, look-ups are right but slower.\n",
	  hold_run },
	{ "completion", "print a script for the shell's completion", "bash", NULL, completion_run },
	{ "version", "print the version", "", NULL, version_run },
	{ "help", "show this, or a command's help", "[COMMAND]", NULL, help_run },
	{ "complete", NULL, "WORD...", "Candidates for the last word; the completion script calls this.\n",
	  complete_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_command noun_command = { "tenant|enclave|coi|vm|host|nas|template|pool|filter",
						 "records of the store", "", NULL, noun_run };

static const char exit_codes[] = "Exit: 0 done, 1 refused or failed, 2 wrong command line, 3 not found,\n"
				 "4 store not available, 5 (check) the network refuses the guest.\n";

static void print_noun(enum vmp_noun noun)
{
	const char *verb;
	size_t at = 0;
	bool keys, more = false;

	printf("  %-10s ", vmp_noun_info(noun)->name);
	for (; (verb = noun_verb(noun, &at, &keys)); more = true)
		printf("%s%s", more ? ", " : "", verb);
	putchar('\n');
}

static void print_help(void)
{
	const struct cli_command *c;
	int n;

	printf("usage: vmprov [--store FILE] [--json] COMMAND ...\n\n");
	for (n = 0; n < VMP_NOUNS; n++)
		print_noun((enum vmp_noun)n);
	for (c = cli_commands; c->name; c++) {
		if (c->summary)
			printf("  %-10s %s\n", c->name, c->summary);
	}
	printf("\n  --store FILE  the store; otherwise VMPROV_STORE in the environment, or\n"
	       "                " VMPROV_STORE "\n"
	       "  --json        for programs\n"
	       "  --help        also behind a command\n\n%s",
	       exit_codes);
}

void cli_help(const struct cli_command *command)
{
	printf("usage: vmprov %s %s\n%s%s", command->name, command->usage, command->help ? "\n" : "",
	       command->help ? command->help : "");
}

VMP_PRINTF(1, 0) static void complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("vmprov: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int cli_fail(enum cli_exit code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return (int)code;
}

int cli_fail_err(int err, const struct vmp_msg *msg)
{
	static const struct {
		int err;
		enum cli_exit code;
	} codes[] = { { VMP_EINVAL, CLI_REFUSED },
		      { VMP_EEXIST, CLI_REFUSED },
		      { VMP_EACCES, CLI_REFUSED },
		      { VMP_ENOENT, CLI_NOT_FOUND } };
	enum cli_exit code = CLI_STORE;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].err == err)
			code = codes[i].code;
	}
	return cli_fail(code, "%s", *msg->text ? msg->text : vmp_strerror(err));
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	if (cli->command)
		fprintf(stderr, "usage: vmprov %s %s\n", cli->command->name, cli->command->usage);
	else
		fprintf(stderr, "Try: vmprov help\n");
	return CLI_USAGE;
}

#define MAX_OPTIONS 20

int cli_option(struct cli *cli, int argc, char **argv, const struct option *own)
{
	static const struct option common[] = {
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
	};
	struct option all[MAX_OPTIONS] = { { NULL, 0, NULL, 0 } };
	size_t n = 0;
	int c;

	/* A command's own --help comes first and wins. */
	for (; own && own->name && n < MAX_OPTIONS - 4; own++)
		all[n++] = *own;
	memcpy(all + n, common, sizeof(common));
	/* Before the command is known, what follows it is not ours to read. */
	while ((c = getopt_long(argc, argv, cli->command ? "" : "+", all, NULL)) != -1) {
		switch (c) {
		case 's':
			cli->store = optarg;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'h':
			if (cli->command)
				cli_help(cli->command);
			else
				print_help();
			exit(CLI_OK);
		case '?':
			fprintf(stderr, "Try: vmprov help%s%s\n", cli->command ? " " : "",
				cli->command ? cli->command->name : "");
			exit(CLI_USAGE);
		default:
			return c;
		}
	}
	return -1;
}

bool cli_count(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out > 0;
}

char *cli_session_path(const struct cli *cli)
{
	char *copy = strdup(cli->store), *out = NULL;

	if (!copy || asprintf(&out, "%s/session.db", dirname(copy)) < 0)
		exit(cli_fail(CLI_STORE, "out of memory"));
	free(copy);
	return out;
}

int cli_open(const struct cli *cli, enum vmp_store_mode mode, struct vmp_store **out)
{
	struct vmp_msg msg = { "" };
	int err = vmp_store_open(out, cli->store, VMP_STORE_POLICY, mode, CLI_BUSY_MS, &msg);

	if (err == VMP_ENOENT)
		return cli_fail(CLI_STORE, "%s; vmprov init makes one", msg.text);
	return err == VMP_OK ? CLI_OK : cli_fail(CLI_STORE, "%s", msg.text);
}

int cli_open_sessions(const struct cli *cli, struct vmp_store **out)
{
	struct vmp_msg msg = { "" };
	char *path = cli_session_path(cli);
	int err = vmp_store_open(out, path, VMP_STORE_SESSION, VMP_STORE_READ, CLI_BUSY_MS, &msg);

	free(path);
	if (err == VMP_ENOENT)
		return cli_fail(CLI_STORE, "%s; vmprov migrate makes one", msg.text);
	return err == VMP_OK ? CLI_OK : cli_fail(CLI_STORE, "%s", msg.text);
}

static const struct cli_command *find_command(const char *name)
{
	const struct cli_command *c;
	enum vmp_noun noun;

	if (vmp_noun_find(name, &noun) == VMP_OK)
		return &noun_command;
	for (c = cli_commands; c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static int help_run(struct cli *cli, int argc, char **argv)
{
	static char help[] = "--help";
	const struct cli_command *c;
	char *name;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind == argc) {
		print_help();
		return CLI_OK;
	}
	name = argv[optind];
	c = find_command(name);
	if (!c)
		return cli_usage(cli, "%s: no such command", name);
	optind = 0;
	if (c == &noun_command)
		return noun_run(cli, 2, (char *[]){ name, help, NULL });
	cli_help(c);
	return CLI_OK;
}

static int version_run(struct cli *cli, int argc, char **argv)
{
	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	printf("vmprov %s, schema: policy %d, session %d\n", VMPROV_VERSION, vmp_store_version_known(VMP_STORE_POLICY),
	       vmp_store_version_known(VMP_STORE_SESSION));
	return CLI_OK;
}

int main(int argc, char **argv)
{
	enum { OPT_VERSION = 256 };
	static const struct option own[] = { { "version", no_argument, NULL, OPT_VERSION }, { NULL, 0, NULL, 0 } };
	const char *env = getenv("VMPROV_STORE");
	struct cli cli = { .store = env && *env ? env : VMPROV_STORE };
	int first, code;

	setlocale(LC_CTYPE, "");
	vmp_store_tune_process();
	if (cli_option(&cli, argc, argv, own) == OPT_VERSION)
		return version_run(&cli, argc, argv);
	if (optind == argc)
		return cli_usage(&cli, "expected a command");
	first = optind;
	cli.command = find_command(argv[first]);
	if (!cli.command)
		return cli_usage(&cli, "%s: no such command", argv[first]);
	optind = 0; /* glibc: start over, with the command's own way of mixing */
	code = cli.command->run(&cli, argc - first, argv + first);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(CLI_REFUSED, "cannot write to standard output");
	return code;
}
