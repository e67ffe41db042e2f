#include "authority.h"
#include "suites_relayd.h"

#include <string.h>

#define LABEL "a23456789b123456789c123456789d123456789e123456789f123456789g123"

static const char *const bad[] = {
	"",
	":",
	":443",
	"host",
	"host:",
	"host:0",
	"host:00443",
	"host:0443",
	"host:65536",
	"host:99999",
	"host:123456",
	"host:+443",
	"host:44a",
	"host: 443",
	"host :443",
	" host:443",
	"host:443 ",
	"ho st:443",
	"host:1:443",
	"user@host:443",
	"host/:443",
	"host..example:443",
	".host:443",
	"host.:443",
	"-host:443",
	"host-:443",
	"ho_st:443",
	"h\xc3\xb6st:443",
	"[]:443",
	"[:443",
	"[::1:443",
	"::1]:443",
	"::1:443",
	"[host]:443",
	"[192.0.2.1]:443",
	"[fe80::1%eth0]:443",
	"[1:2:3:4:5:6:7:8:9]:443",
	LABEL "4:443",
};

START_TEST(bad_ones_are_refused)
{
	char out[AUTHORITY_TEXT] = "untouched";

	ck_assert_int_eq(authority_read(bad[_i], strlen(bad[_i]), out), VMP_EINVAL);
	ck_assert_str_eq(out, "untouched");
}
END_TEST

START_TEST(no_nul_within)
{
	char out[AUTHORITY_TEXT];

	ck_assert_int_eq(authority_read("ho\0st:443", 9, out), VMP_EINVAL);
	ck_assert_int_eq(authority_read("host:4\0003", 8, out), VMP_EINVAL);
}
END_TEST

/* As many labels as a name has room for: 253 octets. */
START_TEST(as_long_as_a_name_may_be)
{
	char text[AUTHORITY_TEXT + 16] = LABEL "." LABEL "." LABEL "." LABEL, out[AUTHORITY_TEXT];

	text[253] = '\0';
	strcat(text, ":65535");
	ck_assert_int_eq(authority_read(text, strlen(text), out), VMP_OK);
	ck_assert_str_eq(out, text);
	memcpy(text, LABEL "." LABEL "." LABEL "." LABEL, 4 * sizeof(LABEL));
	strcpy(text + 254, ":65535");
	ck_assert_int_eq(authority_read(text, strlen(text), out), VMP_EINVAL);
}
END_TEST

static const struct {
	const char *text, *out, *host;
	uint16_t port;
} good[] = {
	{ "policyd.example:8444", "policyd.example:8444", "policyd.example", 8444 },
	{ "PolicyD.Example:8444", "policyd.example:8444", "policyd.example", 8444 },
	{ "a:1", "a:1", "a", 1 },
	{ "x-1.y--2:65535", "x-1.y--2:65535", "x-1.y--2", 65535 },
	{ "192.0.2.1:123", "192.0.2.1:123", "192.0.2.1", 123 },
	{ "[::1]:443", "[::1]:443", "::1", 443 },
	{ "[2001:DB8::A]:6514", "[2001:db8::a]:6514", "2001:db8::a", 6514 },
	{ LABEL ".example:443", LABEL ".example:443", LABEL ".example", 443 },
};

START_TEST(good_ones_are_read)
{
	char out[AUTHORITY_TEXT], host[AUTHORITY_HOST];
	uint16_t port;

	ck_assert_int_eq(authority_read(good[_i].text, strlen(good[_i].text), out), VMP_OK);
	ck_assert_str_eq(out, good[_i].out);
	authority_split(out, host, &port);
	ck_assert_str_eq(host, good[_i].host);
	ck_assert_uint_eq(port, good[_i].port);
}
END_TEST

Suite *check_authority(void)
{
	Suite *s = suite_create("relayd authority");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_ones_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, no_nul_within);
	tcase_add_test(c, as_long_as_a_name_may_be);
	tcase_add_loop_test(c, good_ones_are_read, 0, sizeof(good) / sizeof(good[0]));
	return s;
}
