/* Sections of a kind, each with a name of its own. */
#include "inifile_named.h"
#include "suites.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct port {
	char name[8];
	int64_t speed;
	uint64_t seen;
};

struct ports {
	struct port port[2];
	int n;
};

static const struct vmp_option options[] = {
	VMP_OPTION(struct port, "port", "speed", VMP_OPT_INT, speed, "10", 1, 1000),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

static const struct vmp_option none[] = { { NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 } };

static bool is_port(const char *name)
{
	return vmp_ini_is_name(name, "@", sizeof(((struct port *)NULL)->name));
}

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	struct ports *ports = ctx;
	const struct vmp_ini_named named = {
		.kind = "port",
		.options = options,
		.array = ports->port,
		.size = sizeof(ports->port[0]),
		.max = 2,
		.n = &ports->n,
		.name = offsetof(struct port, name),
		.seen = offsetof(struct port, seen),
		.is_name = is_port,
		.expected = "a port's name",
	};

	(void)line;
	return vmp_ini_named_take(&named, section, name, value, why);
}

static int read_text(const char *text, struct ports *out, struct vmp_msg *msg)
{
	char path[] = "/tmp/vmprov-named.XXXXXX", unused[1];
	FILE *file = fdopen(mkstemp(path), "w");
	int err;

	memset(out, 0, sizeof(*out));
	fputs(text, file);
	fclose(file);
	err = vmp_ini_read_with(path, none, unused, take, out, msg);
	remove(path);
	return err;
}

static const struct {
	const char *text, *why;
} refused[] = {
	{ "[ports a]\n", "[ports a]: there is no such section" },
	{ "[port]\n", "[port]: there is no such section" },
	{ "[port ]\n", "expected a port's name" },
	{ "[port a/b]\n", "[port a/b]: expected a port's name" },
	{ "[port abcdefgh]\n", "[port abcdefgh]: expected a port's name" },
	{ "[port a]\n[port a]\n", ":2: [port a]: given twice" },
	{ "[port a]\nspeed = 1\nspeed = 1\n", ":3: [port a] speed: given twice" },
	{ "[port a]\nspeed = 0\n", "[port a] speed: " },
	{ "[port a]\ncolour = red\n", "[port a] colour: " },
	{ "[port a]\n[port b]\n[port c]\n", ":3: [port c]: expected at most 2 sections [port NAME]" },
};

START_TEST(what_is_refused)
{
	struct vmp_msg msg = { "" };
	struct ports ports;

	ck_assert_int_eq(read_text(refused[_i].text, &ports, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, refused[_i].why) != NULL, "%s", msg.text);
}
END_TEST

START_TEST(each_has_its_own)
{
	struct vmp_msg msg = { "" };
	struct ports ports;

	ck_assert_msg(read_text("[port a@1]\nspeed = 7\n[port abcdefg]\n", &ports, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(ports.n, 2);
	ck_assert_str_eq(ports.port[0].name, "a@1");
	ck_assert_int_eq(ports.port[0].speed, 7);
	ck_assert_str_eq(ports.port[1].name, "abcdefg");
	ck_assert_int_eq(ports.port[1].speed, 10);
}
END_TEST

Suite *check_inifile_named(void)
{
	Suite *s = suite_create("inifile_named");
	TCase *t = tcase_create("named");

	tcase_add_loop_test(t, what_is_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, each_has_its_own);
	suite_add_tcase(s, t);
	return s;
}
