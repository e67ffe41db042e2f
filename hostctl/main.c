/* vmprov-hostctl: what an operator of a host, and libvirt's hook, say to hostd. */
#include "cli.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif

#define SOCKET "/run/vmprov/hostd.sock"

static int help_run(struct cli *cli, int argc, char **argv);

const struct cli_command cli_commands[] = {
	{ "list", "the guests of this host, an interface a line", "", NULL, list_run },
	{ "show", "all that is known of a guest", "GUEST", "GUEST is a name, a UUID or a MAC address.\n", show_run },
	{ "reauth", "authenticate again", "GUEST... | --all",
	  "All interfaces of these guests, or the one with this MAC address; also those that were logged off.\n"
	  "The address of an uplink is the host's own port.\n"
	  "  --all  all guests of this host\n",
	  reauth_run },
	{ "logoff", "log off from the network, until reauth or a restart", "GUEST... | --all",
	  "All interfaces of these guests, or the one with this MAC address.\n"
	  "  --all  all guests of this host\n",
	  logoff_run },
	{ "status", "hostd itself: certificate, policyd, libvirt, uplinks", "", NULL, status_run },
	{ "enrol", "get the host a certificate from policyd", "[--no-wait]",
	  "The join token (vmprov token --host NAME) is the first line of standard input.\n"
	  "  --no-wait  do not wait for the certificate\n",
	  enrol_run },
	{ "hook", "for /etc/libvirt/hooks/qemu", "[--strict] [--timeout SECONDS] NAME OPERATION SUB-OPERATION [EXTRA]",
	  "The domain's XML is standard input.  Exits with 1, and policyd's sentence, when policyd refuses the guest.\n"
	  "  --strict   fail too when hostd cannot be reached; otherwise the guest starts without it\n"
	  "  --timeout  how long to wait for hostd, 1 to 600 seconds; otherwise 60\n",
	  hook_run },
	{ "completion", "print a script for the shell's completion", "bash", NULL, completion_run },
	{ "help", "show this, or a command's help", "[COMMAND]", NULL, help_run },
	{ "complete", NULL, "WORD...", "Candidates for the last word; the completion script calls this.\n",
	  complete_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char exit_codes[] = "Exit: 0 done, 1 refused or failed, 2 wrong command line, 3 no such guest,\n"
				 "4 hostd cannot be reached.\n";

static void print_help(void)
{
	const struct cli_command *c;

	printf("usage: vmprov-hostctl [--socket PATH] [--json] COMMAND ...\n\n");
	for (c = cli_commands; c->name; c++) {
		if (c->summary)
			printf("  %-10s %s\n", c->name, c->summary);
	}
	printf("\n  --socket PATH  hostd's; otherwise VMPROV_HOSTD in the environment, or\n"
	       "                 " SOCKET "\n"
	       "  --json         for programs\n"
	       "  --version\n"
	       "  --help         also behind a command\n\n%s",
	       exit_codes);
}

void cli_help(const struct cli_command *command)
{
	printf("usage: vmprov-hostctl %s %s\n%s%s", command->name, command->usage, command->help ? "\n" : "",
	       command->help ? command->help : "");
}

VMP_PRINTF(1, 0) static void complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("vmprov-hostctl: ", stderr);
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

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	if (cli->command)
		fprintf(stderr, "usage: vmprov-hostctl %s %s\n", cli->command->name, cli->command->usage);
	else
		fprintf(stderr, "Try: vmprov-hostctl help\n");
	return CLI_USAGE;
}

int cli_print_json(json_t *doc)
{
	int err = doc ? json_dumpf(doc, stdout, JSON_INDENT(2)) : -1;

	json_decref(doc);
	putchar('\n');
	return err == 0 ? CLI_OK : cli_fail(CLI_REFUSED, "cannot write to standard output");
}

#define MAX_OPTIONS 8

int cli_option(struct cli *cli, int argc, char **argv, const struct option *own)
{
	static const struct option common[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
	};
	struct option all[MAX_OPTIONS] = { { NULL, 0, NULL, 0 } };
	size_t n = 0;
	int c;

	for (; own && own->name && n < MAX_OPTIONS - 4; own++)
		all[n++] = *own;
	memcpy(all + n, common, sizeof(common));
	/* Before the command is known, what follows it is not ours to read. */
	while ((c = getopt_long(argc, argv, cli->command ? "" : "+", all, NULL)) != -1) {
		switch (c) {
		case 's':
			cli->socket = optarg;
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
			fprintf(stderr, "Try: vmprov-hostctl help%s%s\n", cli->command ? " " : "",
				cli->command ? cli->command->name : "");
			exit(CLI_USAGE);
		default:
			return c;
		}
	}
	return -1;
}

static const struct cli_command *find_command(const char *name)
{
	const struct cli_command *c;

	for (c = cli_commands; c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static int help_run(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *c;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind == argc) {
		print_help();
		return CLI_OK;
	}
	c = find_command(argv[optind]);
	if (!c)
		return cli_usage(cli, "%s: no such command", argv[optind]);
	cli_help(c);
	return CLI_OK;
}

int main(int argc, char **argv)
{
	enum { OPT_VERSION = 256 };
	static const struct option own[] = { { "version", no_argument, NULL, OPT_VERSION }, { NULL, 0, NULL, 0 } };
	const char *env = getenv("VMPROV_HOSTD");
	struct cli cli = { .socket = env && *env ? env : SOCKET };
	int first, code;

	setlocale(LC_CTYPE, "");
	if (cli_option(&cli, argc, argv, own) == OPT_VERSION) {
		printf("vmprov-hostctl %s\n", VMPROV_VERSION);
		return CLI_OK;
	}
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
