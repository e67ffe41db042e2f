/** What the commands share: options, exit codes, messages. */
#ifndef CLI_H
#define CLI_H

#include "err.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

/** Exit codes, those of vmprov(1); docs/man/vmprov-hostctl.1 and `vmprov-hostctl --help` list them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1, /**< hostd, or policyd through it, refuses; or it failed */
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_AWAY = 4 /**< hostd cannot be reached */
};

struct cli;

struct cli_command {
	const char *name, *summary;
	const char *usage; /**< what follows the name */
	const char *help;  /**< more lines for --help; NULL: none */
	int (*run)(struct cli *cli, int argc, char **argv);
};

struct cli {
	const char *socket; /**< hostd's */
	bool json;
	const struct cli_command *command;
};

/** A NULL name ends. */
extern const struct cli_command cli_commands[];

/** The next option of a command's own, as getopt_long() returns it; -1 at the end, with optind at the first operand.
 * Takes --socket, --json and --help by itself; for --help and wrong options it ends the program.
 * @param own  long options with values >= 256; NULL: none. */
int cli_option(struct cli *cli, int argc, char **argv, const struct option *own);

/** "vmprov-hostctl: ..." on standard error. @return exit. */
int cli_fail(enum cli_exit code, const char *fmt, ...) VMP_PRINTF(2, 3);
/** A wrong command line: says so, and where help is. @return CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...) VMP_PRINTF(2, 3);
void cli_help(const struct cli_command *command);

/** Print with line breaks, and release. @return CLI_OK, or CLI_REFUSED when standard output is gone. */
int cli_print_json(json_t *doc);

int list_run(struct cli *cli, int argc, char **argv);
int show_run(struct cli *cli, int argc, char **argv);
int status_run(struct cli *cli, int argc, char **argv);
int reauth_run(struct cli *cli, int argc, char **argv);
int logoff_run(struct cli *cli, int argc, char **argv);
int enrol_run(struct cli *cli, int argc, char **argv);
int hook_run(struct cli *cli, int argc, char **argv);
int completion_run(struct cli *cli, int argc, char **argv);
int complete_run(struct cli *cli, int argc, char **argv);

#endif
