#include "serve.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];
static struct vmp_msg msg;

static int read_rules(const char *text)
{
	FILE *out;
	int fd, err;

	snprintf(path, sizeof(path), "/tmp/vmprov-serve-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	out = fdopen(fd, "w");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
	err = serve_read(path, &msg);
	unlink(path);
	return err;
}

static bool serves(uint64_t mac, const char *name, const char *port)
{
	struct guest_info guest = { .n_nic = 0 };
	struct guest_nic nic = { .mac = mac };

	snprintf(guest.name, sizeof(guest.name), "%s", name);
	snprintf(nic.port, sizeof(nic.port), "%s", port);
	return serve_is_served(&guest, &nic);
}

static const struct {
	const char *text;
	uint64_t mac;
	const char *name, *port;
	bool served;
} rows[] = {
	{ "", 0x525400000001, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:01\n", 0x525400000001, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:01\n", 0x525400000002, "web", "tap0", false },
	{ "[serve]\nmac = 52-54-00-00-00-01\n", 0x525400000001, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:00/24\n", 0x525400ffffff, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:00/24\n", 0x525401000000, "web", "tap0", false },
	{ "[serve]\nmac = 52:54:00:00:00:00/24\n", 0x5253ffffffff, "web", "tap0", false },
	{ "[serve]\nmac = 52:54:00:00:00:01/48\n", 0x525400000001, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:01/48\n", 0x525400000002, "web", "tap0", false },
	{ "[serve]\nmac = 52:54:00:00:00:10 - 52:54:00:00:00:20\n", 0x525400000010, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:10 - 52:54:00:00:00:20\n", 0x525400000020, "web", "tap0", true },
	{ "[serve]\nmac = 52:54:00:00:00:10 - 52:54:00:00:00:20\n", 0x52540000000f, "web", "tap0", false },
	{ "[serve]\nmac = 52:54:00:00:00:10 - 52:54:00:00:00:20\n", 0x525400000021, "web", "tap0", false },
	{ "[serve]\nname = web-*\n", 0x525400000001, "web-1", "tap0", true },
	{ "[serve]\nname = web-*\n", 0x525400000001, "db-1", "tap0", false },
	{ "[serve]\nname = web-*\nname = db-*\n", 0x525400000001, "db-1", "tap0", true },
	{ "[serve]\nport = tap?\n", 0x525400000001, "web", "tap0", true },
	{ "[serve]\nport = tap?\n", 0x525400000001, "web", "", false },
	{ "[except]\nname = web\n", 0x525400000001, "web", "tap0", false },
	{ "[except]\nname = web\n", 0x525400000001, "db", "tap0", true },
	{ "[except]\nmac = 52:54:00:00:00:01\n[serve]\nname = *\n", 0x525400000001, "web", "tap0", false },
	{ "[serve]\nname = *\n[except]\nmac = 52:54:00:00:00:01\n", 0x525400000001, "web", "tap0", false },
	{ "[serve]\n[except]\n", 0x525400000001, "web", "tap0", true },
};

START_TEST(who_is_served)
{
	ck_assert_int_eq(read_rules(rows[_i].text), VMP_OK);
	ck_assert_int_eq(serves(rows[_i].mac, rows[_i].name, rows[_i].port), rows[_i].served);
	serve_free();
}
END_TEST

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "[serve]\nmac = 52:54:00\n", ":2: [serve] mac: expected a MAC" },
	{ "[serve]\nmac = 01:00:5e:00:00:01\n", "expected a MAC" },
	{ "[serve]\nmac =\n", "expected a value" },
	{ "[serve]\nname =\n", "expected a value" },
	{ "[serve]\nmac = 52:54:00:00:00:00/0\n", "1 to 48" },
	{ "[serve]\nmac = 52:54:00:00:00:00/49\n", "1 to 48" },
	{ "[serve]\nmac = 52:54:00:00:00:00/\n", "1 to 48" },
	{ "[serve]\nmac = 52:54:00:00:00:00/24x\n", "1 to 48" },
	{ "[serve]\nmac = 52:54:00:00:00:01/24\n", "bits set" },
	{ "[serve]\nmac = 52:54:00:00:00:02 - 52:54:00:00:00:01\n", "ends before" },
	{ "[serve]\nmac = 52:54:00:00:00:02 - \n", "expected a MAC" },
	{ "[serve]\nmac = 52:54:00:00:00:02 - x\n", "expected a MAC" },
	{ "[serve]\nuuid = x\n", "expected mac, name or port" },
	{ "[served]\nmac = 52:54:00:00:00:01\n", "expected the section" },
	{ "mac = 52:54:00:00:00:01\n", "expected the section" },
	{ "[serve]\nnonsense\n", ":2:" },
};

START_TEST(what_is_wrong_is_said_and_the_old_rules_hold)
{
	ck_assert_int_eq(read_rules("[except]\nname = web\n"), VMP_OK);
	ck_assert_int_eq(read_rules(wrong[_i].text), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, wrong[_i].why) != NULL, "said: %s", msg.text);
	ck_assert(!serves(0x525400000001, "web", "tap0"));
	ck_assert(serves(0x525400000001, "db", "tap0"));
	serve_free();
}
END_TEST

START_TEST(without_a_file_all_are_served)
{
	ck_assert_int_eq(read_rules("[except]\nname = web\n"), VMP_OK);
	ck_assert_int_eq(serve_read("/nonexistent/guests.conf", &msg), VMP_OK);
	ck_assert(serves(0x525400000001, "web", "tap0"));
}
END_TEST

START_TEST(what_cannot_be_read_is_no_missing_file)
{
	ck_assert_int_eq(serve_read("/dev/null/guests.conf", &msg), VMP_EIO);
}
END_TEST

Suite *check_serve(void)
{
	Suite *s = suite_create("serve");
	TCase *t = tcase_create("serve");

	tcase_add_loop_test(t, who_is_served, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, what_is_wrong_is_said_and_the_old_rules_hold, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, without_a_file_all_are_served);
	tcase_add_test(t, what_cannot_be_read_is_no_missing_file);
	suite_add_tcase(s, t);
	return s;
}
