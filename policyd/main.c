/* policyd: certificates, COI keys and the directory for virtual machines, and what switches are told of their changes.
 */
#include "log.h"
#include "proc.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif
#ifndef POLICYD_CONFIG
#define POLICYD_CONFIG "/etc/vmprov/policyd.conf"
#endif

static const char help[] =
	"usage: policyd [-c FILE] [-t]\n\n"
	"  -c, --config FILE  instead of " POLICYD_CONFIG "\n"
	"  -t, --test         check the configuration, the keys and [coa]'s files, and exit:\n"
	"                     0 good, 2 not\n"
	"      --version\n"
	"      --help\n\n"
	"Stays in the foreground and logs to standard error.  SIGHUP: read the configuration again; SIGTERM: stop.\n"
	"Exit: 0 stopped, 1 failed, 2 wrong configuration or command line.  See policyd(8), policyd.conf(5).\n";

enum { OPT_VERSION = 256, OPT_HELP };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int test(const char *path, const struct config *config)
{
	struct vmp_msg msg;

	if (signer_check(config, &msg) != VMP_OK || coa_check(config, &msg) != VMP_OK) {
		fprintf(stderr, "policyd: %s\n", msg.text);
		return PROC_CONFIG;
	}
	printf("%s: good\n", path);
	return PROC_DONE;
}

int main(int argc, char **argv)
{
	static struct config config;
	const char *path = POLICYD_CONFIG;
	struct vmp_msg msg;
	bool only_test = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:t", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 't':
			only_test = true;
			break;
		case OPT_VERSION:
			printf("policyd %s\n", VMPROV_VERSION);
			return PROC_DONE;
		case OPT_HELP:
			fputs(help, stdout);
			return PROC_DONE;
		default:
			fputs("Try: policyd --help\n", stderr);
			return PROC_CONFIG;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "policyd: %s: expected no operands\nTry: policyd --help\n", argv[optind]);
		return PROC_CONFIG;
	}
	if (config_read(path, &config, &msg) != VMP_OK) {
		fprintf(stderr, "policyd: %s\n", msg.text);
		return PROC_CONFIG;
	}
	if (only_test)
		return test(path, &config);
	vmp_log_setup("policyd", (enum vmp_log_level)config_log_level(config.log_level));
	return proc_supervise(path, &config);
}
