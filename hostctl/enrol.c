/* enrol: the host's certificate, by a join token. */
#include "client.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TOKEN	 1024 /* [octets] */
#define WAIT_S	 60
#define PAUSE_MS 100

static int read_line(char out[TOKEN], struct vmp_msg *msg)
{
	size_t len;

	/* Without a buffer no copy of it stays behind. */
	setvbuf(stdin, NULL, _IONBF, 0);
	*out = '\0';
	if (!fgets(out, TOKEN, stdin))
		*out = '\0';
	len = strcspn(out, " \t\r\n");
	if (len == 0 || strspn(out + len, " \t\r\n") != strlen(out + len))
		return vmp_fail(msg, VMP_EINVAL, "standard input: expected a join token in the first line");
	if (!out[len] && len == TOKEN - 1)
		return vmp_fail(msg, VMP_EINVAL, "standard input: expected a join token of at most %d octets",
				TOKEN - 2);
	out[len] = '\0';
	return VMP_OK;
}

static int read_token(char out[TOKEN], struct vmp_msg *msg)
{
	struct termios was, quiet;
	int err;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was) != 0)
		return read_line(out, msg);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs("Join token: ", stderr);
	err = read_line(out, msg);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	return err;
}

/* What tells that an attempt is over. */
struct tally {
	json_int_t good, bad;
};

static int read_tally(struct cli *cli, struct tally *out, json_t **status)
{
	const json_t *counters;
	int code = client_get(cli, json_pack("{s:s}", "do", "status"), status);

	if (code != CLI_OK)
		return code;
	counters = json_object_get(*status, "counters");
	out->good = json_integer_value(json_object_get(counters, "enrolments"));
	out->bad = json_integer_value(json_object_get(counters, "identity_failures"));
	return CLI_OK;
}

static int report(const struct cli *cli, const json_t *identity)
{
	char room[3][VIEW_CELL];

	if (cli->json)
		return cli_print_json(json_deep_copy(identity));
	if (*view_cell(identity, "error", room[0]) != '-')
		fprintf(stderr, "vmprov-hostctl: of no use yet: %s\n", view_cell(identity, "error", room[0]));
	printf("%s, serial number %s, good until %s\n", view_cell(identity, "name", room[0]),
	       view_cell(identity, "serial", room[1]), view_time(identity, "not_after", room[2]));
	return CLI_OK;
}

static int await(struct cli *cli, const struct tally *before)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int left, code;

	for (left = WAIT_S * 1000 / PAUSE_MS; left > 0; left--) {
		struct tally now;
		json_t *status, *identity;

		code = read_tally(cli, &now, &status);
		if (code != CLI_OK)
			return code;
		identity = json_object_get(status, "identity");
		if (now.good != before->good)
			code = report(cli, identity);
		else if (now.bad != before->bad)
			code = cli_fail(CLI_REFUSED, "%s", json_string_value(json_object_get(identity, "error")));
		json_decref(status);
		if (now.good != before->good || now.bad != before->bad)
			return code;
		nanosleep(&pause, NULL);
	}
	return cli_fail(CLI_REFUSED, "no certificate within %d seconds; hostd goes on trying", WAIT_S);
}

static int enrol(struct cli *cli, const char *token, bool wait)
{
	struct tally before = { 0, 0 };
	json_t *answer, *status = NULL;
	int code = wait ? read_tally(cli, &before, &status) : CLI_OK;

	json_decref(status);
	if (code == CLI_OK)
		code = client_get(cli, json_pack("{s:s, s:s}", "do", "enrol", "token", token), &answer);
	if (code != CLI_OK)
		return code;
	json_decref(answer);
	return wait ? await(cli, &before) : CLI_OK;
}

int enrol_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_NO_WAIT = 256 };
	static const struct option own[] = { { "no-wait", no_argument, NULL, OPT_NO_WAIT }, { NULL, 0, NULL, 0 } };
	struct vmp_msg msg = { "" };
	char token[TOKEN];
	bool wait = true;
	int code;

	while (cli_option(cli, argc, argv, own) != -1)
		wait = false;
	if (optind != argc)
		return cli_usage(cli, "expected no operands; the join token is read from standard input");
	if (read_token(token, &msg) == VMP_OK)
		code = enrol(cli, token, wait);
	else
		code = cli_fail(CLI_REFUSED, "%s", msg.text);
	explicit_bzero(token, sizeof(token));
	return code;
}
