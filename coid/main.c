/* coid: a guest's part in its communities of interest: certificate, licence, keys, and whom it talks to. */
#include "daemon.h"
#include "log.h"
#include "run.h"
#include "show.h"

#ifndef COID_CONFIG
#define COID_CONFIG "/etc/vmprov/coid.conf"
#endif

static const char help[] =
	"usage: coid [-c FILE] [-t]\n"
	"       coid status [-c FILE] [--json]\n\n"
	"  -c, --config FILE  instead of " COID_CONFIG "\n"
	"  -t, --test         check the configuration and the files that it names, and exit:\n"
	"                     0 good, 2 not\n"
	"      --version\n"
	"      --help\n\n"
	"Stays in the foreground and logs to standard error.  SIGTERM: leave, and give the licence back.\n"
	"Exit: 0 stopped, 1 failed, 2 wrong configuration or command line.  See coid(8), coid.conf(5).\n";

static int read_config(const char *path, void *config, struct vmp_msg *msg)
{
	return config_read(path, config, msg);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "coid", .help = help, .config = COID_CONFIG };
	int exit_code;

	if (show_is_asked(argc, argv))
		return show(argc, argv, COID_CONFIG);
	if (!vmp_daemon_begin(argc, argv, &args, read_config, run_check, &config, &exit_code))
		return exit_code;
	vmp_log_setup("coid", (enum vmp_log_level)vmp_log_level(config.log_level));
	return run(&config);
}
