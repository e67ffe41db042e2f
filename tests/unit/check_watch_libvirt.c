/* The libvirt process against libvirt's own test driver, which has its domains in this process. */
#include "attach_libvirt.h"
#include "suites.h"
#include "watch.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UUID	  "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f" /* of the domain "test" that the driver begins with */
#define XML                                                                                                            \
	"<domain type='test'><name>web-1</name><uuid>" UUID "</uuid><memory>4096</memory><os><type>hvm</type></os>"    \
	"<metadata><v:guest xmlns:v='https://vmprov.example/ns/guest/1' template='web'/></metadata><devices>"          \
	"<interface type='bridge'><mac address='52:54:00:aa:bb:01'/><source bridge='br0'/></interface>"                \
	"</devices></domain>"

static struct config config;
static int peer, watcher; /* the guests process's end, and the libvirt process's */
static virConnectPtr conn;
static pthread_t thread;

static void *run(void *ctx)
{
	struct vmp_msg msg;

	(void)ctx;
	ck_assert_int_ne(watch_run(&config, watcher, &msg), VMP_OK); /* it ends with its peer */
	return NULL;
}

static void start(void)
{
	struct timeval limit = { 10, 0 };
	struct vmp_msg msg;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	peer = fd[0];
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	snprintf(config.libvirt_uri, sizeof(config.libvirt_uri), "test:///default");
	snprintf(config.cidata_directory, sizeof(config.cidata_directory), "/var/lib/vmprov/cidata");
	watcher = fd[1];
	ck_assert_int_eq(watch_prepare(&msg), VMP_OK);
	conn = virConnectOpen(config.libvirt_uri);
	ck_assert_ptr_nonnull(conn);
}

static void end(void)
{
	shutdown(peer, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(peer);
	close(watcher);
	virConnectClose(conn);
}

static void begin(void)
{
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

static void expect(const char *wanted)
{
	static char got[65536];
	ssize_t n = recv(peer, got, sizeof(got) - 1, 0);

	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_msg(strcmp(got, wanted) == 0, "got %s, expected %s", got, wanted);
}

#define PRESENT(how)                                                                                                   \
	"{\"event\":\"present\",\"how\":\"" how "\",\"guest\":{\"uuid\":\"" UUID                                       \
	"\",\"name\":\"web-1\",\"template\":\"web\",\"cidata\":\"\",\"nics\":[{\"mac\":\"52:54:00:aa:bb:01\","         \
	"\"bridge\":\"br0\",\"direct\":\"\",\"port\":\"testnet0\"}]}}"
#define TEST_PRESENT                                                                                                   \
	"{\"event\":\"present\",\"how\":\"found\",\"guest\":{\"uuid\":\"" TEST_UUID                                    \
	"\",\"name\":\"test\",\"template\":\"\",\"cidata\":\"\",\"nics\":[{\"mac\":\"aa:bb:cc:dd:ee:ff\",\"bridge\":"  \
	"\"\",\"direct\":\"\",\"port\":\"testnet0\"}]}}"

START_TEST(it_tells_who_is_there_and_then_what_happens)
{
	virDomainPtr domain;

	begin();
	expect("{\"event\":\"connected\"}");
	expect("{\"event\":\"sync-begin\"}");
	expect(TEST_PRESENT);
	expect("{\"event\":\"sync-end\"}");
	domain = virDomainCreateXML(conn, XML, 0);
	ck_assert_ptr_nonnull(domain);
	expect(PRESENT("started"));
	ck_assert_int_eq(virDomainSuspend(domain), 0); /* nothing is told of that */
	ck_assert_int_eq(virDomainResume(domain), 0);
	ck_assert_int_eq(virDomainDestroy(domain), 0);
	expect("{\"event\":\"gone\",\"uuid\":\"" UUID "\",\"how\":\"stopped\"}");
	virDomainFree(domain);
	end();
}
END_TEST

START_TEST(a_libvirtd_that_is_not_there)
{
	snprintf(config.libvirt_uri, sizeof(config.libvirt_uri), "qemu+unix:///system?socket=/nonexistent/sock");
	begin();
	{
		char got[1024];
		ssize_t n = recv(peer, got, sizeof(got) - 1, 0);

		ck_assert_int_gt(n, 0);
		got[n] = '\0';
		ck_assert_msg(strstr(got, "{\"event\":\"disconnected\",\"why\":\"") == got, "got %s", got);
		ck_assert_ptr_nonnull(strstr(got, "/nonexistent/sock"));
	}
	end();
}
END_TEST

START_TEST(what_cannot_be_attached)
{
	static const char good[] = "/var/lib/vmprov/cidata/" TEST_UUID ".iso";
	virDomainPtr domain = virDomainCreateXML(conn, XML, 0);
	struct vmp_msg msg;

	ck_assert_ptr_nonnull(domain);
	ck_assert_int_eq(attach_volume(NULL, config.cidata_directory, TEST_UUID, good, &msg), VMP_EIO);
	ck_assert_int_eq(attach_volume(conn, config.cidata_directory, TEST_UUID, "/etc/passwd", &msg), VMP_EINVAL);
	ck_assert_int_eq(attach_volume(conn, "/a'b", TEST_UUID, "/a'b/" TEST_UUID ".iso", &msg), VMP_EINVAL);
	ck_assert_int_eq(attach_volume(conn, "/c", "6ba7b810-9dad-11d1-80b4-00c04fd430c9",
				       "/c/6ba7b810-9dad-11d1-80b4-00c04fd430c9.iso", &msg),
			 VMP_ENOENT);
	ck_assert_int_eq(attach_volume(conn, "/c", UUID, "/c/" UUID ".iso", &msg), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, "transient"));
	virDomainDestroy(domain);
	virDomainFree(domain);
	virConnectClose(conn);
}
END_TEST

Suite *check_watch_libvirt(void)
{
	Suite *s = suite_create("watch_libvirt");
	TCase *t = tcase_create("watch_libvirt");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, it_tells_who_is_there_and_then_what_happens);
	tcase_add_test(t, a_libvirtd_that_is_not_there);
	tcase_add_test(t, what_cannot_be_attached);
	suite_add_tcase(s, t);
	return s;
}
