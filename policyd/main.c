/* policyd: certificates, COI keys and the directory for virtual machines, and what switches are told of their changes.
 */
#include "daemon.h"
#include "log.h"
#include "proc.h"

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

static int read_config(const char *path, void *config, struct vmp_msg *msg)
{
	return config_read(path, config, msg);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "policyd", .help = help, .config = POLICYD_CONFIG };
	int exit_code;

	if (!vmp_daemon_begin(argc, argv, &args, read_config, proc_check_files, &config, &exit_code))
		return exit_code;
	vmp_log_setup("policyd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return proc_supervise(args.config, &config);
}
