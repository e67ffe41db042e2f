/* hostd: the host authenticates its guests to the network, each by its own MAC address. */
#include "log.h"
#include "proc.h"

#include <stdio.h>

#ifndef HOSTD_CONFIG
#define HOSTD_CONFIG "/etc/vmprov/hostd.conf"
#endif

static const char help[] =
	"usage: hostd [-c FILE] [-t]\n\n"
	"  -c, --config FILE  instead of " HOSTD_CONFIG "\n"
	"  -t, --test         check the configuration and the files that it names, and exit:\n"
	"                     0 good, 2 not\n"
	"      --version\n"
	"      --help\n\n"
	"Stays in the foreground and logs to standard error.  SIGHUP: read the configuration again; SIGTERM: stop.\n"
	"Exit: 0 stopped, 1 failed, 2 wrong configuration or command line.  See hostd(8), hostd.conf(5),\n"
	"vmprov-hostctl(1).\n";

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "hostd", .help = help, .config = HOSTD_CONFIG };
	struct vmp_msg msg;
	int exit_code;

	if (!vmp_daemon_args(argc, argv, &args, &exit_code))
		return exit_code;
	if (config_read(args.config, &config, &msg) != VMP_OK ||
	    (args.only_test && proc_check_files(&config, &msg) != VMP_OK)) {
		fprintf(stderr, "hostd: %s\n", msg.text);
		return PROC_CONFIG;
	}
	if (args.only_test) {
		printf("%s: good\n", args.config);
		return PROC_DONE;
	}
	vmp_log_setup("hostd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return proc_supervise(args.config, &config);
}
