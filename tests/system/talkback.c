/** talkback: who gets an answer, by which protocol, and for how long.
 *
 *	talkback --listen PORT...
 *	talkback --ask tcp|udp|icmp ADDRESS [PORT [OWN-PORT]]
 *	talkback --hold tcp|udp ADDRESS PORT
 *	talkback --push ADDRESS PORT
 *
 * --listen sends back what comes to these ports, by TCP and UDP; a datagram "push" is answered 50 times a second from
 *then on.
 * --ask prints "yes" for an answer, else the error's name, or TIMEOUT after a second and a half.  --hold sends
 *something 20 times a second, and prints [us] since 1970 for each answer, or that and the error's name; --push sends
 *one "push", and prints the same.  Exit: 0, or 1: there was no answer, or no socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FDS	64
#define PUSH_MS 20
#define SEND_MS 50
#define WAIT_MS 1500 /* TCP tries again after a second */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static long long now_us(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (long long)now.tv_sec * 1000000 + now.tv_usec;
}

static int fail(const char *what)
{
	fprintf(stderr, "talkback: %s: %s\n", what, strerror(errno));
	return 1;
}

static int port_of(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

static const char *error_name(int error)
{
	return error == ETIMEDOUT ? "TIMEOUT" : strerrorname_np(error);
}

/* -- who answers -------------------------------------------------------------------------------------------------- */

static struct server {
	struct pollfd fd[FDS];
	int type[FDS]; /* SOCK_STREAM: listens or is connected; SOCK_DGRAM */
	int listening, n;
	int pushing; /* the socket; -1: nobody is pushed to */
	struct sockaddr_in6 to;
} server;

static int server_add(int fd, int type)
{
	if (server.n == FDS) {
		close(fd);
		return 0;
	}
	server.type[server.n] = type;
	server.fd[server.n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static int server_listen(int port, int type)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || (type == SOCK_STREAM && listen(fd, 16) != 0))
		return -1;
	return server_add(fd, type);
}

static void server_datagram(int fd)
{
	struct sockaddr_in6 from;
	socklen_t size = sizeof(from);
	char data[2048];
	ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);

	if (len == 4 && memcmp(data, "push", 4) == 0) {
		server.pushing = fd;
		server.to = from;
	} else if (len >= 0) {
		(void)!sendto(fd, data, (size_t)len, 0, (struct sockaddr *)&from, size);
	}
}

static void server_stream(int at)
{
	char data[2048];
	ssize_t len = recv(server.fd[at].fd, data, sizeof(data), 0);

	if (len > 0 && send(server.fd[at].fd, data, (size_t)len, MSG_NOSIGNAL) == len)
		return;
	close(server.fd[at].fd);
	server.fd[at] = server.fd[--server.n];
	server.type[at] = server.type[server.n];
}

static void server_turn(void)
{
	int at, fd;

	for (at = server.n - 1; at >= 0; at--) {
		if (!server.fd[at].revents)
			continue;
		if (server.type[at] == SOCK_DGRAM) {
			server_datagram(server.fd[at].fd);
		} else if (at >= server.listening) {
			server_stream(at);
		} else {
			fd = accept4(server.fd[at].fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				server_add(fd, SOCK_STREAM);
		}
	}
}

static int do_listen(char **ports)
{
	server.pushing = -1;
	for (; *ports; ports++) {
		if (server_listen(port_of(*ports), SOCK_STREAM) != 0 || server_listen(port_of(*ports), SOCK_DGRAM) != 0)
			return fail(*ports);
	}
	server.listening = server.n;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		poll(server.fd, (nfds_t)server.n, server.pushing >= 0 ? PUSH_MS : -1);
		if (server.pushing >= 0)
			(void)!sendto(server.pushing, "push", 4, 0, (struct sockaddr *)&server.to, sizeof(server.to));
		server_turn();
	}
}

/* -- who asks ----------------------------------------------------------------------------------------------------- */

static socklen_t address_read(const char *text, const char *port, union address *out)
{
	uint16_t number = htons((uint16_t)(port ? port_of(port) : 0));

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = number;
		return sizeof(out->in);
	}
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) != 1) {
		fprintf(stderr, "talkback: %s: no address\n", text);
		exit(1);
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = number;
	return sizeof(out->in6);
}

static int socket_open(const char *protocol, int family)
{
	if (strcmp(protocol, "tcp") == 0)
		return socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (strcmp(protocol, "udp") == 0)
		return socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return socket(family, SOCK_RAW | SOCK_NONBLOCK, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static void bind_to(int fd, int family, const char *port)
{
	union address own = { .sa.sa_family = (sa_family_t)family };
	int on = 1;

	own.in.sin_port = htons((uint16_t)port_of(port)); /* at the same place in both */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &own.sa, family == AF_INET ? sizeof(own.in) : sizeof(own.in6)) != 0)
		exit(fail(port));
}

/* @return 0, or why not: an error that is waiting, or ETIMEDOUT. */
static int await(int fd, short what, int ms)
{
	struct pollfd p = { .fd = fd, .events = what };
	int error = 0, n = poll(&p, 1, ms);
	socklen_t size = sizeof(error);

	if (n == 0)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

/* @return a connected socket, or the error with a minus. */
static int connect_to(const char *protocol, char **to, const char *own)
{
	union address address;
	socklen_t size = address_read(to[0], to[1], &address);
	int fd = socket_open(protocol, address.sa.sa_family), error = 0;

	if (fd < 0)
		exit(fail(protocol));
	if (own)
		bind_to(fd, address.sa.sa_family, own);
	if (connect(fd, &address.sa, size) != 0)
		error = errno == EINPROGRESS ? await(fd, POLLOUT, WAIT_MS) : errno;
	if (error)
		close(fd);
	return error ? -error : fd;
}

/* An echo request, whose checksum the kernel makes for IPv6. */
static size_t echo_make(const char *address, uint8_t out[8])
{
	uint16_t sum = 0;

	memset(out, 0, 8);
	out[0] = strchr(address, ':') ? 128 : 8;
	out[5] = 77;
	sum = (uint16_t) ~((out[0] << 8) + 77);
	out[2] = (uint8_t)(sum >> 8);
	out[3] = (uint8_t)sum;
	return 8;
}

static int answer_take(int fd, int ms)
{
	char data[2048];
	int error = await(fd, POLLIN, ms);

	if (error)
		return error;
	return recv(fd, data, sizeof(data), 0) > 0 ? 0 : errno ? errno : EPIPE;
}

static int do_ask(const char *protocol, char **to, const char *own)
{
	uint8_t data[8] = "hello\n";
	size_t len = strcmp(protocol, "icmp") == 0 ? echo_make(to[0], data) : 6;
	int fd = connect_to(protocol, to, own), error = fd < 0 ? -fd : 0;

	if (!error && send(fd, data, len, MSG_NOSIGNAL) < 0)
		error = errno;
	errno = 0;
	if (!error)
		error = answer_take(fd, WAIT_MS);
	puts(error ? error_name(error) : "yes");
	return error != 0;
}

static void tell(int error)
{
	if (error)
		printf("%lld %s\n", now_us(), error_name(error));
	else
		printf("%lld\n", now_us());
	fflush(stdout);
}

static int do_hold(const char *protocol, char **to, const char *said, bool again)
{
	int fd = connect_to(protocol, to, NULL), error = fd < 0 ? -fd : 0;
	bool stream = strcmp(protocol, "tcp") == 0;
	long long due = 0;

	if (error)
		tell(error);
	while (fd >= 0) {
		if (now_us() >= due && (again || due == 0)) {
			due = now_us() + SEND_MS * 1000;
			if (send(fd, said, strlen(said), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
				tell(errno);
		}
		errno = 0;
		error = answer_take(fd, SEND_MS);
		if (error == ETIMEDOUT || error == EAGAIN)
			continue;
		tell(error);
		if (error && stream)
			break;
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--listen") == 0)
		return do_listen(argv + 2);
	if (argc > 3 && strcmp(argv[1], "--ask") == 0)
		return do_ask(argv[2], argv + 3, argc > 5 ? argv[5] : NULL);
	if (argc > 4 && strcmp(argv[1], "--hold") == 0)
		return do_hold(argv[2], argv + 3, "hold\n", true);
	if (argc > 3 && strcmp(argv[1], "--push") == 0)
		return do_hold("udp", argv + 2, "push", false);
	fprintf(stderr, "usage: see the head of talkback.c\n");
	return 2;
}
