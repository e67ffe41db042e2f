/* The driver against a wireguard-go that is wrong, silent, slow or gone: a thread of the test's behind its socket. */
#include "namespace.h"
#include "need_linux.h"
#include "suites_member.h"
#include "wg_internal.h"
#include "wg_process.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME	 "fake0"
#define OK(call) ck_assert_msg((call) == VMP_OK, "%s: %s", #call, msg.text)

static struct vmp_msg msg;
static struct event_base *base;
static struct need *need; /* an interface of the name */
static struct wg *wg;

/* What it answers to requests, one after the other. */
static struct {
	pthread_t thread;
	int listener;
	const char *const *answers; /* NULL: close the connection. The list ends where it is empty */
	unsigned taken;		    /* connections */
	char request[65536];	    /* the last one, but its last line's end */
} fake;

#define SILENT ""
#define SLOW   "@" /* in front: later than anybody waits for */
#define GOOD   "errno=0\n\n"

/* @return false: it was closed. */
static bool read_request(int fd)
{
	char *text = fake.request;
	size_t len = 0;
	ssize_t n;

	while (len < 2 || memcmp(text + len - 2, "\n\n", 2) != 0) {
		n = recv(fd, text + len, sizeof(fake.request) - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	text[len - 1] = '\0';
	return true;
}

static void answer(int fd, const char *text)
{
	static const struct timespec slow = { 2, 300000000 };

	if (*text == *SLOW) {
		nanosleep(&slow, NULL);
		text++;
	}
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void *serve(void *ctx)
{
	const char *const *next = fake.answers;
	int fd;

	while ((fd = accept(fake.listener, NULL, NULL)) >= 0) {
		__atomic_add_fetch(&fake.taken, 1, __ATOMIC_SEQ_CST);
		while (read_request(fd) && *next) {
			answer(fd, *next);
			next++;
		}
		if (!*next)
			next++;
		close(fd);
	}
	return ctx;
}

static void nothing(void *ctx, const struct prefix *to, const struct prefix *from, const uint8_t *packet, size_t len)
{
	(void)ctx;
	(void)to;
	(void)from;
	(void)packet;
	(void)len;
}

static void setup(void)
{
	base = event_base_new();
	OK(need_open(base, NAME, 0, nothing, NULL, &need, &msg));
}

static void teardown(void)
{
	if (wg)
		wg_close(wg);
	need_close(need);
	event_base_free(base);
}

static void begin(const char *const *answers)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/run/wireguard/" NAME ".sock" };
	bool made;

	fake.answers = answers;
	fake.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fake.listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fake.listener, 8), 0);
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve, NULL), 0);
	OK(wg_open(NAME, WG_USERSPACE, "/nonexistent", &wg, &made, &msg));
	ck_assert(!made);
}

static void end(void)
{
	shutdown(fake.listener, SHUT_RDWR);
	if (wg)
		wg_close(wg);
	wg = NULL;
	pthread_join(fake.thread, NULL);
	close(fake.listener);
	ck_assert_int_eq(unlink("/run/wireguard/" NAME ".sock"), 0);
}

static int remove_one(void)
{
	static const uint8_t key[VMP_COI_SECRET] = { 1 };

	msg.text[0] = '\0';
	return wg_peer_remove(wg, key, &msg);
}

static int see(void *ctx, const struct wg_peer *peer)
{
	(void)peer;
	++*(unsigned *)ctx;
	return VMP_OK;
}

#define FAILS(call, part)                                                                                              \
	do {                                                                                                           \
		ck_assert_int_eq(call, VMP_EIO);                                                                       \
		ck_assert_msg(strstr(msg.text, part) != NULL, "\"%s\" is not in: %s", part, msg.text);                 \
	} while (0)

START_TEST(test_good_ones_in_one_connection)
{
	static const char *const answers[] = { GOOD, GOOD, GOOD, NULL };
	int i;

	begin(answers);
	for (i = 0; i < 3; i++)
		OK(remove_one());
	ck_assert_uint_eq(fake.taken, 1);
	end();
}
END_TEST

/* wireguard-go opens its socket anew at every port that it is given. */
START_TEST(test_a_port_that_it_has_is_not_set)
{
	static const char *const answers[] = {
		"listen_port=51820\nerrno=0\n\n", GOOD, "listen_port=51821\nerrno=0\n\n", GOOD, GOOD, GOOD, NULL
	};
	static const uint8_t key[VMP_COI_SECRET] = { 1 };
	int i;

	begin(answers);
	for (i = 0; i < 3; i++) {
		OK(wg_device_set(wg, key, 51820, 7, &msg));
		ck_assert((strstr(fake.request, "listen_port=51820\n") == NULL) == (i == 0));
		ck_assert_ptr_nonnull(strstr(fake.request, "fwmark=7\n"));
		ck_assert_ptr_nonnull(strstr(fake.request, "private_key=01"));
	}
	end();
}
END_TEST

START_TEST(test_refused_goes_on)
{
	static const char *const answers[] = { "errno=-22\n\n", "errno=5\n\n", GOOD, NULL };

	begin(answers);
	FAILS(remove_one(), "refused: Invalid argument");
	FAILS(remove_one(), "refused: Input/output error");
	OK(remove_one());
	ck_assert_uint_eq(fake.taken, 1);
	end();
}
END_TEST

static const char *const nonsense[] = {
	"HTTP/1.1 400 Bad Request\r\n\r\n",
	"\n\n",
	"errno=0\n\nerrno=0\n\n",
	"errno=zero\n\n",
	"public_key=00\nerrno=0\n\n",
	"public_key=0100000000000000000000000000000000000000000000000000000000000000\nerrno=0\n\n"
};

START_TEST(test_nonsense)
{
	const char *const answers[] = { nonsense[_i], NULL, GOOD, NULL };

	begin(answers);
	FAILS(remove_one(), "does not speak its protocol");
	/* With another connection there may be sense again. */
	OK(remove_one());
	end();
}
END_TEST

START_TEST(test_a_line_without_end)
{
	static char line[20000];
	static const char *const answers[] = { line, NULL, GOOD, NULL };
	unsigned n = 0;

	memset(line, 'a', sizeof(line) - 1);
	begin(answers);
	FAILS(wg_each(wg, see, &n, &msg), "does not speak its protocol");
	ck_assert_uint_eq(n, 0);
	OK(remove_one());
	end();
}
END_TEST

START_TEST(test_nothing_is_told_of_half_an_answer)
{
	static const char *const answers[] = {
		"public_key=0100000000000000000000000000000000000000000000000000000000000000\nrx_bytes=x\n", NULL, GOOD,
		NULL
	};
	unsigned n = 0;

	begin(answers);
	FAILS(wg_each(wg, see, &n, &msg), "rx_bytes");
	ck_assert_uint_eq(n, 0);
	end();
}
END_TEST

START_TEST(test_silence_has_an_end)
{
	static const char *const answers[] = { SILENT, GOOD GOOD, NULL };
	long long began;

	begin(answers);
	began = wg_process_now();
	FAILS(remove_one(), "does not answer in time");
	ck_assert_int_lt(wg_process_now() - began, 4000);
	end();
}
END_TEST

/* It is that of the earlier request, and not taken for the later one's. */
START_TEST(test_a_late_answer)
{
	static const char *const answers[] = { SLOW GOOD, "errno=-22\n\n", GOOD, NULL };

	begin(answers);
	FAILS(remove_one(), "does not answer in time");
	FAILS(remove_one(), "refused: Invalid argument");
	OK(remove_one());
	ck_assert_uint_eq(fake.taken, 1);
	end();
}
END_TEST

START_TEST(test_half_an_answer)
{
	static const char *const answers[] = { "errno=0\n", NULL, GOOD, NULL };

	begin(answers);
	FAILS(remove_one(), "does not answer in time");
	OK(remove_one());
	ck_assert_uint_eq(fake.taken, 2);
	end();
}
END_TEST

START_TEST(test_closed_between_requests)
{
	static const char *const answers[] = { GOOD, NULL, GOOD, NULL };

	begin(answers);
	OK(remove_one());
	OK(remove_one());
	ck_assert_uint_eq(fake.taken, 2);
	end();
}
END_TEST

START_TEST(test_closed_again_and_again)
{
	static const char *const answers[] = { NULL, NULL, GOOD, NULL };

	begin(answers);
	FAILS(remove_one(), "has closed the connection");
	OK(remove_one());
	end();
}
END_TEST

START_TEST(test_gone)
{
	static const char *const answers[] = { GOOD, NULL };

	begin(answers);
	OK(remove_one());
	shutdown(fake.listener, SHUT_RDWR);
	FAILS(remove_one(), "cannot connect to");
	end();
}
END_TEST

/* Nobody reads what we say: more than a socket's buffer. */
START_TEST(test_deaf)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/run/wireguard/" NAME ".sock" };
	struct prefix *allowed = calloc(50000, sizeof(*allowed));
	struct wg_peer peer = { .psk = { 1 }, .allowed = allowed, .n_allowed = 50000 };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long long began;
	bool made;
	size_t i;

	ck_assert_ptr_nonnull(allowed);
	for (i = 0; i < 50000; i++)
		allowed[i].family = AF_INET6;
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	OK(wg_open(NAME, WG_USERSPACE, "/nonexistent", &wg, &made, &msg));
	began = wg_process_now();
	FAILS(wg_peer_set(wg, &peer, WG_PSK | WG_ALLOWED, &msg), "does not answer in time");
	ck_assert_int_lt(wg_process_now() - began, 4000);
	close(listener);
	unlink(at.sun_path);
	free(allowed);
}
END_TEST

Suite *check_wg_userspace(void)
{
	Suite *s = suite_create("wg_userspace");
	TCase *tc = tcase_create("a wrong one");

	if (!namespace_is_own())
		return s;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, test_good_ones_in_one_connection);
	tcase_add_test(tc, test_a_port_that_it_has_is_not_set);
	tcase_add_test(tc, test_refused_goes_on);
	tcase_add_loop_test(tc, test_nonsense, 0, (int)(sizeof(nonsense) / sizeof(nonsense[0])));
	tcase_add_test(tc, test_a_line_without_end);
	tcase_add_test(tc, test_nothing_is_told_of_half_an_answer);
	tcase_add_test(tc, test_silence_has_an_end);
	tcase_add_test(tc, test_a_late_answer);
	tcase_add_test(tc, test_half_an_answer);
	tcase_add_test(tc, test_closed_between_requests);
	tcase_add_test(tc, test_closed_again_and_again);
	tcase_add_test(tc, test_gone);
	tcase_add_test(tc, test_deaf);
	suite_add_tcase(s, tc);
	return s;
}
