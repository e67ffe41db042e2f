/* hook: for libvirt's /etc/libvirt/hooks/qemu.  Nothing goes to standard output: libvirt would take it for the domain's
 * new XML. */
#include "client.h"
#include "jsontext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XML_MAX	   (512 * 1024) /* [octets] */
#define WAIT_S	   60
#define WAIT_MAX_S 600

/* The calls that hostd does something for; libvirt makes many more, for each guest that starts and stops. */
static const char *const matters[][2] = { { "migrate", "begin" }, { "prepare", "begin" }, { "release", "end" } };

static bool is_ours(const char *operation, const char *sub)
{
	size_t i;

	for (i = 0; i < sizeof(matters) / sizeof(matters[0]); i++) {
		if (strcmp(matters[i][0], operation) == 0 && strcmp(matters[i][1], sub) == 0)
			return true;
	}
	return false;
}

static int read_xml(char **out, struct vmp_msg *msg)
{
	char *xml = malloc(XML_MAX + 2);
	size_t len;

	if (!xml)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	len = fread(xml, 1, XML_MAX + 1, stdin);
	xml[len] = '\0';
	*out = xml;
	if (ferror(stdin))
		return vmp_fail(msg, VMP_EIO, "standard input: %s", strerror(errno));
	if (len > XML_MAX)
		return vmp_fail(msg, VMP_EIO, "the domain's XML has more than %d octets", XML_MAX);
	return VMP_OK;
}

static json_t *request(char **argv, int argc, const char *xml)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "do", "hook", "object", vmp_json_text(argv[0]), "operation",
			 vmp_json_text(argv[1]), "sub", vmp_json_text(argv[2]), "extra",
			 vmp_json_text(argc > 3 ? argv[3] : "-"), "xml", vmp_json_text(xml));
}

static int tell(const struct cli *cli, char **argv, int argc, bool strict, int seconds)
{
	struct vmp_msg msg = { "" };
	char *xml = NULL;
	json_t *answer = NULL;
	int err = read_xml(&xml, &msg);

	if (err == VMP_OK)
		err = client_ask(cli->socket, request(argv, argc, xml), seconds, &answer, &msg);
	free(xml);
	json_decref(answer);
	if (err == VMP_OK)
		return CLI_OK;
	/* A sentence of policyd's, or of hostd's: libvirt shows it to whoever starts the guest. */
	if (err == VMP_EACCES)
		return cli_fail(CLI_REFUSED, "%s", msg.text);
	return cli_fail(strict ? CLI_AWAY : CLI_OK, "%s", msg.text);
}

static bool read_seconds(const char *text, int *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	*out = (int)n;
	return !errno && end != text && !*end && n >= 1 && n <= WAIT_MAX_S;
}

int hook_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_STRICT = 256, OPT_TIMEOUT };
	static const struct option own[] = {
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ NULL, 0, NULL, 0 },
	};
	bool strict = false;
	int c, seconds = WAIT_S;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_STRICT)
			strict = true;
		else if (!read_seconds(optarg, &seconds))
			return cli_usage(cli, "--timeout %s: expected 1 to %d seconds", optarg, WAIT_MAX_S);
	}
	if (argc - optind < 3)
		return cli_usage(cli, "expected a guest's name, an operation and its part, as libvirt gives them");
	if (!is_ours(argv[optind + 1], argv[optind + 2]))
		return CLI_OK;
	return tell(cli, argv + optind, argc - optind, strict, seconds);
}
