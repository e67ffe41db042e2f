/* relayd: proxy and relay: carries licence requests, syslog and NTP out of an enclave. */
#include "daemon.h"
#include "log.h"
#include "run.h"

#ifndef RELAYD_CONFIG
#define RELAYD_CONFIG "/etc/vmprov/relayd.conf"
#endif

static const char help[] =
	"usage: relayd [-c FILE] [-t]\n\n"
	"  -c, --config FILE  instead of " RELAYD_CONFIG "\n"
	"  -t, --test         check the configuration and the files that it names, and exit:\n"
	"                     0 good, 2 not\n"
	"      --version\n"
	"      --help\n\n"
	"Stays in the foreground and logs to standard error.  SIGHUP: read the list of peers and the certificates "
	"again;\n"
	"SIGTERM: stop.\n"
	"Exit: 0 stopped, 1 failed, 2 wrong configuration or command line.  See relayd(8), relayd.conf(5).\n";

static int read_config(const char *path, void *config, struct vmp_msg *msg)
{
	return config_read(path, config, msg);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct vmp_daemon_args args = { .name = "relayd", .help = help, .config = RELAYD_CONFIG };
	int exit_code;

	if (!vmp_daemon_begin(argc, argv, &args, read_config, run_check, &config, &exit_code))
		return exit_code;
	vmp_log_setup("relayd", (enum vmp_log_level)vmp_log_level(config.log_level));
	return run(&config);
}
