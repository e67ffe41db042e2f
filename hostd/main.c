/* hostd: the host authenticates its guests to the network, each by its own MAC address. */
#include "daemon.h"
#include "log.h"
#include "proc.h"

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

static int read_config(const char *path, void *config, struct vmp_msg *msg)
{
	return config_read(path, config, msg);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "hostd", .help = help, .config = HOSTD_CONFIG };
	int exit_code;

	if (!vmp_daemon_begin(argc, argv, &args, read_config, proc_check_files, &config, &exit_code))
		return exit_code;
	vmp_log_setup("hostd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return proc_supervise(args.config, &config);
}
