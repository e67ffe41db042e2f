/** What the commands share: options, exit codes, messages, opening the store. */
#ifndef CLI_H
#define CLI_H

#include "record.h"

#include <getopt.h>

/** Exit codes; docs/man/vmprov.1 and `vmprov --help` list them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1, /**< input that the store refuses, or a check that failed */
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_STORE = 4,	/**< the store cannot be opened, read or written */
	CLI_VERDICT = 5 /**< `check`: the network would refuse this guest */
};

struct cli;

struct cli_command {
	const char *name, *summary;
	const char *usage; /**< what follows the name */
	const char *help;  /**< more lines for --help; NULL: none */
	int (*run)(struct cli *cli, int argc, char **argv);
};

struct cli {
	const char *store; /**< policy.db's path */
	bool json;
	const struct cli_command *command;
};

/** The commands beside the nouns; a NULL name ends. */
extern const struct cli_command cli_commands[];

/** The next option of a command's own, as getopt_long() returns it; -1 at the end, with optind at the first
 * operand.  Takes --store, --json and --help by itself; for --help and wrong options it ends the program.
 * @param own  long options with values >= 256; NULL: none.  Options and operands may be mixed. */
int cli_option(struct cli *cli, int argc, char **argv, const struct option *own);

/** A number from 1 on. @return false: it is none. */
bool cli_count(const char *text, int64_t *out);

/** "vmprov: ..." on standard error. @return exit. */
int cli_fail(enum cli_exit code, const char *fmt, ...) VMP_PRINTF(2, 3);
/** For a failed call of lib/: prints its message. @return the exit code for err. */
int cli_fail_err(int err, const struct vmp_msg *msg);
/** A wrong command line: says so, and where help is. @return CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...) VMP_PRINTF(2, 3);
/** The command's --help. */
void cli_help(const struct cli_command *command);

/** The path of session.db, beside policy.db; free() it.  Ends the program when out of memory. */
char *cli_session_path(const struct cli *cli);
/** Open policy.db. @return CLI_OK; else an exit code, and the reason is printed. */
int cli_open(const struct cli *cli, enum vmp_store_mode mode, struct vmp_store **out);
/** Open session.db, beside it, to read. */
int cli_open_sessions(const struct cli *cli, struct vmp_store **out);

/** How long a command waits for other writers. [ms] */
#define CLI_BUSY_MS 10000

int init_run(struct cli *cli, int argc, char **argv);
int migrate_run(struct cli *cli, int argc, char **argv);
int noun_run(struct cli *cli, int argc, char **argv); /**< argv[0] is the noun */
int site_run(struct cli *cli, int argc, char **argv);
int route_run(struct cli *cli, int argc, char **argv);
int import_run(struct cli *cli, int argc, char **argv);
int export_run(struct cli *cli, int argc, char **argv);
int check_run(struct cli *cli, int argc, char **argv);
int doctor_run(struct cli *cli, int argc, char **argv);
int token_run(struct cli *cli, int argc, char **argv);
int cert_run(struct cli *cli, int argc, char **argv);
int audit_run(struct cli *cli, int argc, char **argv);
int session_run(struct cli *cli, int argc, char **argv);
int licence_run(struct cli *cli, int argc, char **argv);
int hold_run(struct cli *cli, int argc, char **argv);
int completion_run(struct cli *cli, int argc, char **argv);
int complete_run(struct cli *cli, int argc, char **argv);

/** What a noun can do, verb by verb, for completion.
 * @param at    from 0; counted on.
 * @param keys  out: every operand is a key. @return the verb; NULL at the end. */
const char *noun_verb(enum vmp_noun noun, size_t *at, bool *keys);

#endif
