#include "via.h"
#include "suites_relayd.h"

#include <stdio.h>
#include <string.h>

#define UUID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define MAC  "52:54:00:aa:bb:cc"

static const struct tls_peer peer = { .uuid = UUID, .name = MAC };

/* A request that came through these, "a b c". */
static struct connect_request through(const char *list)
{
	struct connect_request r = { .n_via = 0 };
	char words[256], *rest = words, *word;

	snprintf(words, sizeof(words), "%s", list);
	while ((word = strsep(&rest, " "))) {
		if (*word)
			strcpy(r.via[r.n_via++], word);
	}
	return r;
}

static const struct {
	bool proxy, chain;
	const char *via;
	int status;
} cases[] = {
	/* a proxy: what comes from machines, and from proxies if it may be one of a chain */
	{ true, false, "", 200 },
	{ true, true, "", 200 },
	{ true, false, UUID, 403 },
	{ true, true, UUID, 200 },
	{ true, true, MAC, 200 },
	{ true, true, "other " UUID, 200 },
	/* a relay: only what proxies bring */
	{ false, false, "", 403 },
	{ false, true, "", 403 },
	{ false, false, UUID, 200 },
	{ false, false, "6BA7B810-9dad-41d1-80b4-00c04fd430c8", 200 },
	{ false, false, MAC, 200 },
	/* who brings it must say so itself */
	{ false, false, "other", 403 },
	{ false, false, UUID " other", 403 },
	{ true, true, "other", 403 },
	/* loops, whoever brings it */
	{ true, false, "me", 508 },
	{ false, false, "me", 508 },
	{ false, false, "ME " UUID, 508 },
	{ true, true, "a me " UUID, 508 },
	/* depth, ours counted */
	{ false, false, "a b " UUID, 200 },
	{ false, false, "a b c " UUID, 508 },
	{ true, true, "a b c d e " UUID, 508 },
};

START_TEST(by_whom_it_came)
{
	const struct via_rules rules = { .proxy = cases[_i].proxy, .chain = cases[_i].chain, .depth = 4, .id = "me" };
	struct connect_request request = through(cases[_i].via);
	struct vmp_msg why = { "" };

	ck_assert_int_eq(via_check(&rules, &request, &peer, &why), cases[_i].status);
	ck_assert_int_eq(cases[_i].status == 200, *why.text == '\0');
}
END_TEST

START_TEST(a_depth_of_one_is_one_alone)
{
	struct via_rules rules = { .proxy = true, .chain = true, .depth = 1, .id = "me" };
	struct connect_request direct = through(""), far = through(UUID);
	struct vmp_msg why;

	ck_assert_int_eq(via_check(&rules, &direct, &peer, &why), 200);
	ck_assert_int_eq(via_check(&rules, &far, &peer, &why), 508);
}
END_TEST

/* A certificate without a UUID, or without a name, is not everybody's. */
START_TEST(no_name_is_no_match)
{
	const struct via_rules rules = { .depth = 4, .id = "me" };
	const struct tls_peer only_name = { .name = MAC }, nobody = { .uuid = "" };
	struct connect_request by_uuid = through(UUID), by_mac = through(MAC);
	struct vmp_msg why;

	ck_assert_int_eq(via_check(&rules, &by_uuid, &only_name, &why), 403);
	ck_assert_int_eq(via_check(&rules, &by_mac, &only_name, &why), 200);
	ck_assert_int_eq(via_check(&rules, &by_uuid, &nobody, &why), 403);
}
END_TEST

Suite *check_via(void)
{
	Suite *s = suite_create("relayd via");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, by_whom_it_came, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(c, a_depth_of_one_is_one_alone);
	tcase_add_test(c, no_name_is_no_match);
	return s;
}
