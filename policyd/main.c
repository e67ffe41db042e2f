/* policyd: certificates, COI keys and the directory for virtual machines, and what switches are told of their changes.
 */
#include "daemon.h"
#include "log.h"
#include "proc.h"

#include <stdio.h>

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

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "policyd", .help = help, .config = POLICYD_CONFIG };
	struct vmp_msg msg;
	int exit_code;

	if (!vmp_daemon_args(argc, argv, &args, &exit_code))
		return exit_code;
	if (config_read(args.config, &config, &msg) != VMP_OK ||
	    (args.only_test && proc_check_files(&config, &msg) != VMP_OK)) {
		fprintf(stderr, "policyd: %s\n", msg.text);
		return PROC_CONFIG;
	}
	if (args.only_test) {
		printf("%s: good\n", args.config);
		return PROC_DONE;
	}
	vmp_log_setup("policyd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return proc_supervise(args.config, &config);
}
