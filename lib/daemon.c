#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif
#define PAUSE_MS     100
#define PAUSE_MAX_MS 30000

enum { OPT_VERSION = 256, OPT_HELP };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

bool vmp_daemon_args(int argc, char **argv, struct vmp_daemon_args *args, int *exit_code)
{
	int c;

	*exit_code = VMP_DAEMON_DONE;
	while ((c = getopt_long(argc, argv, "c:t", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			args->config = optarg;
			break;
		case 't':
			args->only_test = true;
			break;
		case OPT_VERSION:
			printf("%s %s\n", args->name, VMPROV_VERSION);
			return false;
		case OPT_HELP:
			fputs(args->help, stdout);
			return false;
		default:
			fprintf(stderr, "Try: %s --help\n", args->name);
			*exit_code = VMP_DAEMON_CONFIG;
			return false;
		}
	}
	if (optind == argc)
		return true;
	fprintf(stderr, "%s: %s: expected no operands\nTry: %s --help\n", args->name, argv[optind], args->name);
	*exit_code = VMP_DAEMON_CONFIG;
	return false;
}

bool vmp_daemon_begin(int argc, char **argv, struct vmp_daemon_args *args, vmp_daemon_read_fn read_config,
		      vmp_daemon_check_fn check_files, void *config, int *exit_code)
{
	struct vmp_msg msg;

	if (!vmp_daemon_args(argc, argv, args, exit_code))
		return false;
	if (read_config(args->config, config, &msg) != VMP_OK ||
	    (args->only_test && check_files(config, &msg) != VMP_OK)) {
		fprintf(stderr, "%s: %s\n", args->name, msg.text);
		*exit_code = VMP_DAEMON_CONFIG;
		return false;
	}
	if (args->only_test)
		printf("%s: good\n", args->config);
	return !args->only_test;
}

int vmp_daemon_check_aside(vmp_daemon_check_fn check, const void *config, struct vmp_msg *msg)
{
	int fds[2], status = -1, err;
	pid_t pid;

	memset(msg, 0, sizeof(*msg));
	if (pipe2(fds, O_CLOEXEC) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		err = check(config, msg);
		if (err != VMP_OK && write(fds[1], msg->text, strlen(msg->text)) < 0)
			_exit(VMP_DAEMON_FAILED);
		_exit(err == VMP_OK ? VMP_DAEMON_DONE : VMP_DAEMON_CONFIG);
	}
	close(fds[1]);
	if (read(fds[0], msg->text, sizeof(msg->text) - 1) < 0)
		msg->text[0] = '\0';
	close(fds[0]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == VMP_DAEMON_DONE)
		return VMP_OK;
	return *msg->text ? VMP_EINVAL : vmp_fail(msg, VMP_EINVAL, "the configuration's files cannot be checked");
}

unsigned vmp_daemon_pause(unsigned *pause)
{
	unsigned now = *pause;

	*pause = now ? 2 * now : PAUSE_MS;
	if (*pause > PAUSE_MAX_MS)
		*pause = PAUSE_MAX_MS;
	return now;
}
