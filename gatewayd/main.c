/* gatewayd: the gateway of an enclave; its licence broker. */
#include "daemon.h"
#include "log.h"
#include "run.h"

#include <stdio.h>

#ifndef GATEWAYD_CONFIG
#define GATEWAYD_CONFIG "/etc/vmprov/gatewayd.conf"
#endif

static const char help[] =
	"usage: gatewayd [-c FILE] [-t]\n\n"
	"  -c, --config FILE  instead of " GATEWAYD_CONFIG "\n"
	"  -t, --test         check the configuration and the files that it names, and exit:\n"
	"                     0 good, 2 not\n"
	"      --version\n"
	"      --help\n\n"
	"Stays in the foreground and logs to standard error.  SIGTERM: stop; what VMs have stays theirs.\n"
	"Exit: 0 stopped, 1 failed, 2 wrong configuration or command line.  See gatewayd(8), gatewayd.conf(5).\n";

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "gatewayd", .help = help, .config = GATEWAYD_CONFIG };
	struct vmp_msg msg;
	int exit_code;

	if (!vmp_daemon_args(argc, argv, &args, &exit_code))
		return exit_code;
	if (config_read(args.config, &config, &msg) != VMP_OK ||
	    (args.only_test && run_check(&config, &msg) != VMP_OK)) {
		fprintf(stderr, "gatewayd: %s\n", msg.text);
		return VMP_DAEMON_CONFIG;
	}
	if (args.only_test) {
		printf("%s: good\n", args.config);
		return VMP_DAEMON_DONE;
	}
	vmp_log_setup("gatewayd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return run(&config);
}
