#include "listen.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct vmp_msg msg;
static char folder[32], path[64];

static void set_up(void)
{
	strcpy(folder, "/tmp/check-listen.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run/x.sock", folder);
}

static void tear_down(void)
{
	char run[64];

	snprintf(run, sizeof(run), "%s/run", folder);
	unlink(path);
	rmdir(run);
	rmdir(folder);
}

static const char *const addresses[] = { "192.0.2.1:8443", "0.0.0.0:1", "[::]:8443", "[2001:db8::1]:65535" };

START_TEST(addresses_with_a_port)
{
	ck_assert_msg(vmp_listen_check(addresses[_i], &msg) == VMP_OK, "%s", msg.text);
}
END_TEST

static const char *const no_addresses[] = {
	"",	  ":80",	   "192.0.2.1",	    "192.0.2.1:",    "192.0.2.1:-1",  "192.0.2.1:65536",
	"::1:80", "[::1]",	   "[::1:80",	    "localhost:80",  "[]:80",	      "192.0.2.1:http",
	"a b:80", "192.0.2.256:1", "[192.0.2.1]:x", "192.0.2.1:+80", "192.0.2.1: 80",
};

START_TEST(what_is_no_address)
{
	ck_assert_int_eq(vmp_listen_check(no_addresses[_i], &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "expected ADDRESS:PORT"));
}
END_TEST

START_TEST(a_tcp_socket_takes_connections)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int fd, other, client;

	ck_assert_int_eq(vmp_listen_tcp("127.0.0.1:0", 4, &fd, &msg), VMP_OK);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&at, len), 0);
	close(client);
	close(fd);
	ck_assert_int_eq(vmp_listen_tcp("192.0.2.77:1", 4, &other, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "192.0.2.77:1"));
}
END_TEST

START_TEST(a_socket_with_its_folder)
{
	struct stat st;
	int fd, second;

	ck_assert_int_eq(vmp_listen_unix(path, (unsigned)-1, 4, &fd, &msg), VMP_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq((int)(st.st_mode & 07777), 0660);
	ck_assert_int_eq(vmp_listen_unix(path, (unsigned)-1, 4, &second, &msg), VMP_EEXIST);
	ck_assert_ptr_nonnull(strstr(msg.text, "somebody listens there already"));
	close(fd);
	/* Whoever listened there has gone without a word. */
	ck_assert_int_eq(vmp_listen_unix(path, (unsigned)-1, 4, &fd, &msg), VMP_OK);
	close(fd);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	char run[64];
	FILE *file;
	int fd;

	snprintf(run, sizeof(run), "%s/run", folder);
	ck_assert_int_eq(mkdir(run, 0755), 0);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(vmp_listen_unix(path, (unsigned)-1, 4, &fd, &msg), VMP_EEXIST);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(too_long_a_path)
{
	char longer[200];
	int fd;

	snprintf(longer, sizeof(longer), "/tmp/%0120d", 1);
	ck_assert_int_eq(vmp_listen_unix(longer, (unsigned)-1, 4, &fd, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "expected at most 107 octets"));
}
END_TEST

Suite *check_listen(void)
{
	Suite *s = suite_create("listen");
	TCase *tc = tcase_create("tcp"), *files = tcase_create("unix");

	tcase_add_loop_test(tc, addresses_with_a_port, 0, (int)(sizeof(addresses) / sizeof(addresses[0])));
	tcase_add_loop_test(tc, what_is_no_address, 0, (int)(sizeof(no_addresses) / sizeof(no_addresses[0])));
	tcase_add_test(tc, a_tcp_socket_takes_connections);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(files, set_up, tear_down);
	tcase_add_test(files, a_socket_with_its_folder);
	tcase_add_test(files, what_is_no_socket_stays);
	tcase_add_test(files, too_long_a_path);
	suite_add_tcase(s, files);
	return s;
}
