#include "est.h"
#include "folder.h"
#include "identity_pair.h"
#include "identity_token.h"
#include "maker.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pair_files files;
static struct vmp_ca *ca;

static void setup(void)
{
	folder_setup();
	maker_setup();
	ca = maker_created();
	ck_assert_int_eq(pair_files_init(&files, folder_path("cert"), folder_path("key"), NULL), VMP_OK);
}

static void teardown(void)
{
	vmp_ca_free(ca);
	maker_teardown();
	folder_teardown();
}

/* policyd's answer to a request. */
static char *answer(const char *body, const char *name)
{
	uint8_t csr[VMP_CSR_MAX], der[VMP_CERT_MAX];
	struct vmp_cert_order order = { .kind = VMP_CERT_HOST, .common_name = name, .serial = { 1 } };
	size_t csr_len = sizeof(csr), len = sizeof(der), text_len;

	ck_assert_int_eq(vmp_est_request(body, strlen(body), csr, &csr_len, NULL), VMP_OK);
	ck_assert_int_eq(vmp_csr_read(csr, csr_len, &order.key, NULL), VMP_OK);
	order.not_after = 4000000000;
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	return vmp_est_certs(der, len, &text_len);
}

/* Ask, and have an answer. */
static char *asked(const char *name)
{
	char *body = NULL, *out;

	ck_assert_int_eq(pair_request(&files, &body, NULL), VMP_OK);
	out = answer(body, name);
	free(body);
	return out;
}

static void enrol(const char *name)
{
	char *text = asked(name);

	ck_assert_int_eq(pair_take(&files, text, strlen(text), NULL), VMP_OK);
	free(text);
}

/* The name of the pair that is there; "" when there is none. */
static const char *whose(void)
{
	static struct vmp_pair pair;

	if (vmp_pair_read(files.certificate, files.key, &pair, NULL) != VMP_OK)
		return "";
	return pair.name;
}

START_TEST(a_first_pair)
{
	ck_assert_int_eq(pair_mend(&files, NULL), VMP_OK);
	enrol("first");
	ck_assert_str_eq(whose(), "first");
	ck_assert_int_eq(folder_count(NULL), 2);
}
END_TEST

START_TEST(the_same_key_until_it_is_used)
{
	char *one = NULL, *two = NULL;
	const char *key;

	ck_assert_int_eq(pair_request(&files, &one, NULL), VMP_OK);
	key = strdup(folder_read("key.next"));
	ck_assert_int_eq(pair_request(&files, &two, NULL), VMP_OK);
	ck_assert_str_eq(folder_read("key.next"), key);
	free((void *)key);
	free(one);
	free(two);
}
END_TEST

START_TEST(a_next_key_that_is_none)
{
	char *body = NULL;

	folder_write("key.next", "", 0600);
	ck_assert_int_eq(pair_request(&files, &body, NULL), VMP_OK);
	free(body);
	enrol("first");
	ck_assert_str_eq(whose(), "first");
	/* Nor one that others have seen. */
	folder_write("key.next", folder_read("key"), 0644);
	enrol("second");
	ck_assert_str_eq(whose(), "second");
}
END_TEST

START_TEST(answers_that_are_not_for_us)
{
	struct vmp_msg msg = { "" };
	char *text;

	enrol("first");
	text = asked("second");
	ck_assert_int_eq(pair_take(&files, text, strlen(text) / 2, &msg), VMP_EINVAL);
	unlink(files.next_key);
	ck_assert_int_eq(pair_take(&files, text, strlen(text), &msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_key_create(files.next_key, NULL), VMP_OK);
	ck_assert_int_eq(pair_take(&files, text, strlen(text), &msg), VMP_EINVAL);
	free(text);
	ck_assert_str_eq(whose(), "first");
	ck_assert_ptr_null(folder_read("cert.next"));
}
END_TEST

/* Every state in which a kill can leave the four files, from an old pair or none. */
START_TEST(killed_anywhere)
{
	static const char *const wanted[] = { "old", "old", "new", "new", "new" };
	static const char *const without[] = { "", "", "new", "new", "new" };
	char *old_cert, *old_key, *new_cert, *new_key;
	int at, old;

	enrol("old");
	old_cert = strdup(folder_read("cert"));
	old_key = strdup(folder_read("key"));
	enrol("new");
	new_cert = strdup(folder_read("cert"));
	new_key = strdup(folder_read("key"));
	for (old = 0; old < 2; old++) {
		for (at = 0; at < 5; at++) {
			unlink(files.certificate);
			unlink(files.key);
			if (old || at >= 3)
				folder_write("cert", at < 3 ? old_cert : new_cert, 0644);
			if (old || at >= 4)
				folder_write("key", at < 4 ? old_key : new_key, 0600);
			if (at >= 1 && at < 4)
				folder_write("key.next", new_key, 0600);
			if (at == 2)
				folder_write("cert.next", new_cert, 0644);
			folder_write("key.next.tmp-AbCdEf", "half", 0600);
			ck_assert_int_eq(pair_mend(&files, NULL), VMP_OK);
			ck_assert_str_eq(whose(), old ? wanted[at] : without[at]);
			ck_assert_ptr_null(folder_read("cert.next"));
			ck_assert_ptr_null(folder_read("key.next.tmp-AbCdEf"));
			/* A key that is awaited stays. */
			ck_assert_int_eq(folder_read("key.next") != NULL, at == 1);
			unlink(files.next_key);
		}
	}
	free(old_cert);
	free(old_key);
	free(new_cert);
	free(new_key);
}
END_TEST

START_TEST(leftovers_that_fit_nothing)
{
	enrol("first");
	folder_write("cert.next", "", 0644);
	folder_write("key.next", "nonsense", 0600);
	ck_assert_int_eq(pair_mend(&files, NULL), VMP_OK);
	ck_assert_str_eq(whose(), "first");
	ck_assert_ptr_null(folder_read("cert.next"));
	/* The old pair is damaged, and what is beside it does not help. */
	folder_write("key", "", 0600);
	ck_assert_int_eq(pair_mend(&files, NULL), VMP_OK);
	ck_assert_str_eq(whose(), "");
	enrol("second");
	ck_assert_str_eq(whose(), "second");
}
END_TEST

START_TEST(names_have_a_longest)
{
	struct pair_files other = { "", "", "", "" };
	char name[PAIR_PATH + 1];

	memset(name, 'x', sizeof(name));
	name[PAIR_PATH - 6] = '\0';
	ck_assert_int_eq(pair_files_init(&other, name, name, NULL), VMP_OK);
	ck_assert_uint_eq(strlen(other.next_key), PAIR_PATH - 1);
	name[PAIR_PATH - 6] = 'x';
	name[PAIR_PATH - 5] = '\0';
	ck_assert_int_eq(pair_files_init(&other, name, name, NULL), VMP_EINVAL);
}
END_TEST

START_TEST(tokens)
{
	char token[IDENTITY_TOKEN], longest[IDENTITY_TOKEN + 1];
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(identity_token_read(folder_path("none"), token, &msg), VMP_ENOENT);
	folder_write("token", "\n  abc-DEF_123 \r\n\n", 0600);
	ck_assert_int_eq(identity_token_read(folder_path("token"), token, &msg), VMP_OK);
	ck_assert_str_eq(token, "abc-DEF_123");
	folder_write("open", "abc\n", 0604);
	ck_assert_int_eq(identity_token_read(folder_path("open"), token, &msg), VMP_EINVAL);
	folder_write("two", "abc def\n", 0600);
	ck_assert_int_eq(identity_token_read(folder_path("two"), token, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "abc") == NULL, "%s", msg.text);
	folder_write("empty", " \n", 0600);
	ck_assert_int_eq(identity_token_read(folder_path("empty"), token, &msg), VMP_EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[IDENTITY_TOKEN] = '\0';
	ck_assert(!identity_token_is_one(longest));
	ck_assert(identity_token_is_one(longest + 1));
	ck_assert(!identity_token_is_one(""));
	ck_assert(!identity_token_is_one("\xc3\xa4"));
	identity_token_remove(folder_path("token"));
	ck_assert_ptr_null(folder_read("token"));
}
END_TEST

Suite *check_identity_pair(void)
{
	Suite *s = suite_create("identity_pair");
	TCase *t = tcase_create("identity_pair");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_first_pair);
	tcase_add_test(t, the_same_key_until_it_is_used);
	tcase_add_test(t, a_next_key_that_is_none);
	tcase_add_test(t, answers_that_are_not_for_us);
	tcase_add_test(t, killed_anywhere);
	tcase_add_test(t, leftovers_that_fit_nothing);
	tcase_add_test(t, names_have_a_longest);
	tcase_add_test(t, tokens);
	suite_add_tcase(s, t);
	return s;
}
