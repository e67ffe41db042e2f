#include "../../hostd/warden.h"
#include "../../hostd/fence.h"
#include "../../hostd/packet_linux.h"
#include "suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* In the place of nftables and of a packet socket: what they are asked for. */
static char asked[512];

static void note(const char *what, const char *const *names, size_t n)
{
	size_t i, len = strlen(asked);

	len += (size_t)snprintf(asked + len, sizeof(asked) - len, "%s", what);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(asked + len, sizeof(asked) - len, " %s", names[i]);
}

int fence_put(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone, struct vmp_msg *msg)
{
	(void)msg;
	note("ports", ports, n_port);
	note(" alone", alone, n_alone);
	return VMP_OK;
}

int fence_remove(struct vmp_msg *msg)
{
	return vmp_fail(msg, VMP_EIO, "not here");
}

int packet_listen(const char *interface, int *fd, struct vmp_msg *msg)
{
	note("open", &interface, 1);
	if (strcmp(interface, "up1") == 0)
		return vmp_fail(msg, VMP_ENOENT, "up1: there is no such interface");
	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return VMP_OK;
}

static struct config config = { .fence = true, .uplink = { { .name = "up0" }, { .name = "up1" } }, .n_uplink = 2 };
static struct warden_request request;
static struct warden_reply reply;
static struct vmp_msg msg;
static int fds[2];

static void set_up(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	memset(&request, 0, sizeof(request));
	memset(&reply, 0, sizeof(reply));
	asked[0] = '\0';
	config.fence = true;
}

static void tear_down(void)
{
	close(fds[0]);
	close(fds[1]);
}

static void name(int i, const char *text)
{
	snprintf(request.name[i], sizeof(request.name[i]), "%s", text);
}

/* @return the descriptor that came with the reply; -1: none. */
static int serve(void)
{
	char room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &reply, sizeof(reply) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	int fd = -1;

	ck_assert_int_eq((int)send(fds[1], &request, sizeof(request), 0), (int)sizeof(request));
	ck_assert_int_eq(warden_serve(fds[0], &config, &msg), VMP_OK);
	ck_assert_int_eq((int)recvmsg(fds[1], &message, MSG_DONTWAIT), (int)sizeof(reply));
	ck_assert_uint_eq(reply.what, request.what);
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

START_TEST(a_socket_comes_over)
{
	int fd;

	request.what = WARDEN_OPEN;
	name(0, "up0");
	fd = serve();
	ck_assert_int_eq(reply.err, VMP_OK);
	ck_assert_str_eq(asked, "open up0");
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(why_there_is_none)
{
	request.what = WARDEN_OPEN;
	name(0, "up1");
	ck_assert_int_eq(serve(), -1);
	ck_assert_int_eq(reply.err, VMP_ENOENT);
	ck_assert_str_eq(reply.msg.text, "up1: there is no such interface");
}
END_TEST

START_TEST(only_of_uplinks)
{
	static const char *const others[] = { "eth0", "", "up", "up00", "up0 " };

	request.what = WARDEN_OPEN;
	name(0, others[_i]);
	ck_assert_int_eq(serve(), -1);
	ck_assert_int_eq(reply.err, VMP_EACCES);
	ck_assert_str_eq(asked, "");
}
END_TEST

START_TEST(a_name_without_its_end)
{
	request.what = WARDEN_OPEN;
	memset(request.name, 'a', sizeof(request.name));
	ck_assert_int_eq(serve(), -1);
	ck_assert_int_eq(reply.err, VMP_EACCES);
	ck_assert_uint_lt(strnlen(reply.msg.text, sizeof(reply.msg.text)), 100);
}
END_TEST

START_TEST(a_fence_of_the_configurations_uplinks)
{
	request.what = WARDEN_FENCE;
	request.n_port = 1;
	request.n_alone = 1;
	name(0, "up0");
	name(1, "up1");
	serve();
	ck_assert_int_eq(reply.err, VMP_OK);
	ck_assert_str_eq(asked, "ports up0 alone up1");
	asked[0] = '\0';
	request.n_port = request.n_alone = 0;
	serve();
	ck_assert_str_eq(asked, "ports alone");
}
END_TEST

static const struct {
	uint32_t n_port, n_alone;
	const char *name;
} wrongs[] = {
	{ 0, 1, "eth0" },
	{ 0, 1, "" },
	{ 0, 1, "up0\"; flush ruleset" },
	{ CONFIG_UPLINKS + 1, 0, "up0" },
	{ 1, 0, "br0" },
	{ 0, CONFIG_UPLINKS + 1, "up0" },
	{ CONFIG_UPLINKS, 1, "up0" },
	{ 0xffffffff, 1, "up0" },
	{ 1, 0xffffffff, "up0" },
	{ 0xffffffff, 0xffffffff, "up0" },
};

START_TEST(no_fence_of_anything_else)
{
	int i;

	request.what = WARDEN_FENCE;
	request.n_port = wrongs[_i].n_port;
	request.n_alone = wrongs[_i].n_alone;
	for (i = 0; i < CONFIG_UPLINKS; i++)
		name(i, wrongs[_i].name);
	serve();
	ck_assert_int_ne(reply.err, VMP_OK);
	ck_assert_str_eq(asked, "");
}
END_TEST

START_TEST(no_fence_at_all)
{
	config.fence = false;
	request.what = WARDEN_FENCE;
	serve();
	ck_assert_int_eq(reply.err, VMP_EACCES);
	ck_assert_str_eq(asked, "");
}
END_TEST

START_TEST(nonsense_ends_it)
{
	ck_assert_int_eq(warden_serve(fds[0], &config, &msg), VMP_OK); /* nothing yet */
	request.what = 99;
	ck_assert_int_eq((int)send(fds[1], &request, sizeof(request), 0), (int)sizeof(request));
	ck_assert_int_eq(warden_serve(fds[0], &config, &msg), VMP_EINVAL);
	ck_assert_int_eq((int)send(fds[1], &request, sizeof(request) - 1, 0), (int)sizeof(request) - 1);
	ck_assert_int_eq(warden_serve(fds[0], &config, &msg), VMP_EINVAL);
	close(fds[1]);
	ck_assert_int_eq(warden_serve(fds[0], &config, &msg), VMP_ENOENT);
	fds[1] = -1;
}
END_TEST

Suite *check_warden(void)
{
	Suite *s = suite_create("warden");
	TCase *tc = tcase_create("serve");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_socket_comes_over);
	tcase_add_test(tc, why_there_is_none);
	tcase_add_loop_test(tc, only_of_uplinks, 0, 5);
	tcase_add_test(tc, a_name_without_its_end);
	tcase_add_test(tc, a_fence_of_the_configurations_uplinks);
	tcase_add_loop_test(tc, no_fence_of_anything_else, 0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(tc, no_fence_at_all);
	tcase_add_test(tc, nonsense_ends_it);
	suite_add_tcase(s, tc);
	return s;
}
