#include "cidata.h"
#include "est.h"
#include "folder.h"
#include "guests_stub.h"
#include "loop.h"
#include "suites.h"

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UUID   "11111111-2222-4333-8444-555555555501"
#define BUNDLE "{\"uuid\":\"" UUID "\",\"token\":\"the token\",\"ca\":\"-----BEGIN\\nCA\\n\"}"
#define SIZE   (1024 * 1024)

static struct guest_info guest;

static void setup(void)
{
	folder_setup();
	memset(&guest, 0, sizeof(guest));
	memcpy(guest.uuid, UUID, sizeof(UUID));
	snprintf(guest.name, sizeof(guest.name), "web1");
}

/* A file of the volume, or NULL; until the next call. */
static const char *content(const char *name, unsigned *mode)
{
	static char text[SIZE];
	la_ssize_t n;
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	bool found = false;

	archive_read_support_format_iso9660(a);
	ck_assert_int_eq(archive_read_open_filename(a, folder_path("iso"), 10240), ARCHIVE_OK);
	while (!found && archive_read_next_header(a, &e) == ARCHIVE_OK) {
		if (strcmp(archive_entry_pathname(e), name) != 0)
			continue;
		n = archive_read_data(a, text, sizeof(text) - 1);
		ck_assert_int_ge(n, 0);
		text[n] = '\0';
		found = true;
		if (mode)
			*mode = archive_entry_perm(e);
	}
	archive_read_free(a);
	return found ? text : NULL;
}

static int write_it(const char *bundle, struct vmp_msg *msg)
{
	return cidata_write(folder_path("iso"), &guest, bundle, msg);
}

/* What the second command of user-data writes. */
static char *written_by(json_t *command, const char *path)
{
	const char *text = json_string_value(command), *begin = strstr(text, "<<'EOF'\n"), *end;
	char *out = calloc(1, SIZE);
	size_t len = SIZE - 1;

	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(begin);
	begin += 8;
	end = strchr(begin, '\n');
	ck_assert_str_eq(end, "\nEOF");
	ck_assert_int_eq(vmp_unbase64(begin, (size_t)(end - begin), out, &len), VMP_OK);
	return out;
}

START_TEST(what_is_in_it)
{
	struct vmp_msg msg = { "" };
	json_t *json, *commands;
	unsigned mode = 0;
	const char *text;
	char *file;

	ck_assert_msg(write_it(BUNDLE, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_str_eq(content("vmprov/join.json", &mode), BUNDLE);
	ck_assert_uint_eq(mode, 0400);
	ck_assert_str_eq(content("vmprov/ca.pem", NULL), "-----BEGIN\nCA\n");
	text = content("user-data", &mode);
	ck_assert_uint_eq(mode, 0400);
	ck_assert_int_eq(strncmp(text, "#cloud-config\n", 14), 0);
	json = json_loads(text + 14, 0, NULL);
	commands = json_object_get(json, "bootcmd");
	ck_assert_uint_eq(json_array_size(commands), 2);
	file = written_by(json_array_get(commands, 0), "> /etc/vmprov/policyd-ca.pem ");
	ck_assert_str_eq(file, "-----BEGIN\nCA\n");
	free(file);
	file = written_by(json_array_get(commands, 1), "umask 077; base64 -d > /etc/vmprov/join.json ");
	ck_assert_str_eq(file, BUNDLE);
	free(file);
	json_decref(json);
}
END_TEST

START_TEST(without_a_bundle)
{
	ck_assert_int_eq(write_it(NULL, NULL), VMP_OK);
	ck_assert_str_eq(content("user-data", NULL), "#cloud-config\n{}\n");
	ck_assert_ptr_null(content("vmprov/join.json", NULL));
	ck_assert_ptr_nonnull(strstr(content("meta-data", NULL), "\"instance-id\": \"" UUID "\""));
}
END_TEST

START_TEST(names)
{
	static const char *const rows[][2] = { { "web1", "web1" },
					       { "Web-1.example", "Web-1.example" },
					       { "a b", "a-b" },
					       { "  a  ", "a" },
					       { "a_b__c", "a-b-c" },
					       { "a-.b", "a.b" },
					       { ".a..b.", "a.b" },
					       { "-a-", "a" },
					       { "a.-b", "a.b" },
					       { "\"'${x}\\\n: #", "x" },
					       { "w\xc3\xa4hler", "w-hler" },
					       { "", "vm-11111111" },
					       { "---", "vm-11111111" },
					       { "\xe4\xbd\xa0", "vm-11111111" },
					       { "...", "vm-11111111" } };
	json_t *json;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(guest.name, sizeof(guest.name), "%s", rows[i][0]);
		ck_assert_int_eq(write_it(NULL, NULL), VMP_OK);
		json = json_loads(content("meta-data", NULL), 0, NULL);
		ck_assert_str_eq(json_string_value(json_object_get(json, "local-hostname")), rows[i][1]);
		json_decref(json);
	}
	memset(guest.name, 'x', sizeof(guest.name) - 1);
	ck_assert_int_eq(write_it(NULL, NULL), VMP_OK);
	json = json_loads(content("meta-data", NULL), 0, NULL);
	ck_assert_uint_eq(strlen(json_string_value(json_object_get(json, "local-hostname"))), 63);
	json_decref(json);
}
END_TEST

static long long size_of(void)
{
	struct stat st;

	ck_assert_int_eq(stat(folder_path("iso"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	return st.st_size;
}

static char *bundle_of(size_t size)
{
	static const char head[] = "{\"ca\":\"x\",\"y\":\"";
	char *out = malloc(size + 1);

	memset(out, 'y', size);
	memcpy(out, head, sizeof(head) - 1);
	memcpy(out + size - 2, "\"}", 3);
	return out;
}

START_TEST(always_of_one_size)
{
	static const size_t sizes[] = { 64, 4096, 65536, 200000 };
	char *bundle;
	size_t i;

	ck_assert_int_eq(write_it(NULL, NULL), VMP_OK);
	ck_assert_int_eq(size_of(), SIZE);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bundle = bundle_of(sizes[i]);
		ck_assert_int_eq(write_it(bundle, NULL), VMP_OK);
		ck_assert_int_eq(size_of(), SIZE);
		ck_assert_str_eq(content("vmprov/join.json", NULL), bundle);
		free(bundle);
	}
}
END_TEST

START_TEST(what_does_not_fit_leaves_the_old)
{
	char *bundle = bundle_of(SIZE);
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(write_it(BUNDLE, NULL), VMP_OK);
	ck_assert_int_ne(write_it(bundle, &msg), VMP_OK);
	ck_assert_msg(strstr(msg.text, "cannot make a volume of 1048576 octets") != NULL, "%s", msg.text);
	ck_assert_str_eq(content("vmprov/join.json", NULL), BUNDLE);
	ck_assert_int_eq(folder_count(NULL), 1);
	free(bundle);
}
END_TEST

START_TEST(bundles_that_are_none)
{
	static const char *const bad[] = { "", "x", "[]", "{}", "{\"ca\": 1}", "{\"ca\": \"a\", \"ca\": \"b\"}" };
	struct vmp_msg msg = { "" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(write_it(bad[i], &msg), VMP_EINVAL);
	ck_assert_int_eq(folder_count(NULL), 0);
	ck_assert_int_eq(cidata_write(folder_path("none/iso"), &guest, BUNDLE, &msg), VMP_ENOENT);
}
END_TEST

/* The volume identifier (ECMA-119 sections 8.4.7 and 8.5.6): the first descriptor knows capitals alone, Joliet's has it
 * in UCS-2. */
START_TEST(the_label)
{
	static const char joliet[] = "\0c\0i\0d\0a\0t\0a";
	char head[2][2048];
	FILE *f;

	ck_assert_int_eq(write_it(NULL, NULL), VMP_OK);
	f = fopen(folder_path("iso"), "r");
	ck_assert_int_eq(fseek(f, 16 * 2048, SEEK_SET), 0);
	ck_assert_uint_eq(fread(head, sizeof(head[0]), 2, f), 2);
	fclose(f);
	ck_assert_mem_eq(head[0] + 40, "CIDATA                          ", 32);
	ck_assert_mem_eq(head[1] + 40, joliet, sizeof(joliet) - 1);
}
END_TEST

START_TEST(its_path)
{
	char path[256];

	stub_reset();
	snprintf(stub_config()->cidata_directory, sizeof(stub_config()->cidata_directory), "/a/b");
	cidata_path(UUID, path);
	ck_assert_str_eq(path, "/a/b/" UUID ".iso");
}
END_TEST

Suite *check_cidata(void)
{
	Suite *s = suite_create("cidata");
	TCase *t = tcase_create("cidata");

	tcase_add_checked_fixture(t, setup, folder_teardown);
	tcase_add_test(t, what_is_in_it);
	tcase_add_test(t, without_a_bundle);
	tcase_add_test(t, names);
	tcase_add_test(t, always_of_one_size);
	tcase_add_test(t, what_does_not_fit_leaves_the_old);
	tcase_add_test(t, bundles_that_are_none);
	tcase_add_test(t, the_label);
	tcase_add_test(t, its_path);
	suite_add_tcase(s, t);
	return s;
}
