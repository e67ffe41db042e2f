/* gatewayd: the gateway of an enclave: its licence broker, and a member of COIs that faces the clear network. */
#include "daemon.h"
#include "log.h"
#include "proc.h"

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

static int read_config(const char *path, void *config, struct vmp_msg *msg)
{
	return config_read(path, config, msg);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "gatewayd", .help = help, .config = GATEWAYD_CONFIG };
	int exit_code;

	if (!vmp_daemon_begin(argc, argv, &args, read_config, proc_check, &config, &exit_code))
		return exit_code;
	vmp_log_setup("gatewayd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return proc_supervise(&config);
}
