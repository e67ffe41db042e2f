/* member/endpoint.c: addresses as text, and this machine's own. */
#include "endpoint.h"
#include "suites_peers.h"

#include <string.h>

static const struct {
	const char *text, *written; /* NULL: refused */
} texts[] = {
	{ "192.0.2.1", "192.0.2.1:51820" },
	{ "192.0.2.1:1", "192.0.2.1:1" },
	{ "192.0.2.1:65534", "192.0.2.1:65534" },
	{ "2001:db8::1", "[2001:db8::1]:51820" },
	{ "[2001:db8::1]", "[2001:db8::1]:51820" },
	{ "[2001:db8::1]:7", "[2001:db8::1]:7" },
	{ "2001:db8::1:7", "[2001:db8::1:7]:51820" },
	{ "", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.1:", NULL },
	{ "192.0.2.1:0", NULL },
	{ "192.0.2.1:65535", NULL },
	{ "192.0.2.1:99999999999999999999", NULL },
	{ "192.0.2.1:7x", NULL },
	{ "192.0.2.1:-7", NULL },
	{ "192.0.2.1: 7", NULL },
	{ "[192.0.2.1]:7", NULL },
	{ "[2001:db8::1", NULL },
	{ "[2001:db8::1]7", NULL },
	{ "[2001:db8::1]:", NULL },
	{ "[]:7", NULL },
	{ ":7", NULL },
	{ "host:7", NULL },
	{ "fe80::1%eth0", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff", NULL },
};

START_TEST(as_text)
{
	char written[ENDPOINT_TEXT];
	struct vmp_msg msg = { "" };
	union wg_endpoint e;
	int err = endpoint_read(texts[_i].text, 51820, &e, &msg);

	if (!texts[_i].written) {
		ck_assert_msg(err == VMP_EINVAL, "%s is taken", texts[_i].text);
		ck_assert_str_ne(msg.text, "");
		return;
	}
	ck_assert_msg(err == VMP_OK, "%s", msg.text);
	endpoint_write(&e, written);
	ck_assert_str_eq(written, texts[_i].written);
}
END_TEST

START_TEST(none)
{
	union wg_endpoint e;
	char written[ENDPOINT_TEXT] = "x";

	memset(&e, 0, sizeof(e));
	endpoint_write(&e, written);
	ck_assert_str_eq(written, "");
}
END_TEST

START_TEST(equal)
{
	union wg_endpoint a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	ck_assert(endpoint_equal(&a, &b));
	ck_assert_int_eq(endpoint_read("192.0.2.1:7", 0, &a, NULL), VMP_OK);
	ck_assert(!endpoint_equal(&a, &b));
	ck_assert_int_eq(endpoint_read("192.0.2.1:7", 0, &b, NULL), VMP_OK);
	ck_assert(endpoint_equal(&a, &b));
	b = endpoint_next_port(&a);
	ck_assert(!endpoint_equal(&a, &b));
	ck_assert_uint_eq(ntohs(b.in.sin_port), 8);
	ck_assert_int_eq(endpoint_read("[fd00::1]:7", 0, &a, NULL), VMP_OK);
	ck_assert_int_eq(endpoint_read("[fd00::2]:7", 0, &b, NULL), VMP_OK);
	ck_assert(!endpoint_equal(&a, &b));
	b = endpoint_next_port(&a);
	ck_assert_uint_eq(ntohs(b.in6.sin6_port), 8);
}
END_TEST

static void finds(const char *url, const char *expected)
{
	char written[ENDPOINT_TEXT];
	struct vmp_msg msg = { "" };
	union wg_endpoint e;
	int err;

	endpoint_close();
	err = endpoint_find(url, 0, 51820, &e, &msg);
	ck_assert_msg(err == VMP_OK, "%s", msg.text);
	endpoint_write(&e, written);
	ck_assert_str_eq(written, expected);
	endpoint_close();
}

START_TEST(own)
{
	finds("https://127.0.0.1:8443", "127.0.0.1:51820");
	finds("https://127.0.0.1/path", "127.0.0.1:51820");
	finds("https://[::1]:8443", "[::1]:51820");
}
END_TEST

START_TEST(own_of_no_host)
{
	union wg_endpoint e;
	struct vmp_msg msg = { "" };

	endpoint_close();
	ck_assert_int_eq(endpoint_find("https://", 0, 51820, &e, &msg), VMP_ENOENT);
	ck_assert_int_eq(endpoint_find("https://[::1", 0, 51820, &e, &msg), VMP_ENOENT);
	ck_assert_str_ne(msg.text, "");
	endpoint_close();
}
END_TEST

Suite *check_endpoint(void)
{
	Suite *s = suite_create("endpoint");
	TCase *t = tcase_create("endpoint");

	tcase_add_loop_test(t, as_text, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(t, none);
	tcase_add_test(t, equal);
	tcase_add_test(t, own);
	tcase_add_test(t, own_of_no_host);
	suite_add_tcase(s, t);
	return s;
}
