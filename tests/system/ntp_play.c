/** ntp-play: an NTP server and clients, as far as a forwarder sees them, for tests.
 *
 *	ntp-play serve ADDR:PORT [--twice] [--stranger]
 *	ntp-play ask ADDR:PORT [--count N] [--mode M] [--octets N] [--wait MS]
 *
 * serve answers each request; --twice: two times; --stranger: first with an answer to somebody else's.  Prints "ready".
 * ask sends N requests from as many sockets, and prints how many have got the answer to their own, and no other.
 * IPv4.  Exit: 0; 2 usage.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 48, ROOM = 512, ORIGIN = 24, TRANSMIT = 40, CLIENTS = 900 };

struct options {
	struct sockaddr_in at;
	bool twice, stranger;
	long count, mode, octets, wait_ms;
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static struct sockaddr_in address(char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char *colon = strrchr(text, ':');

	if (!colon)
		exit(2);
	*colon = '\0';
	at.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, text, &at.sin_addr) != 1)
		exit(2);
	return at;
}

static int udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

/* -- the server --------------------------------------------------------------------------------------------------- */

static void answer(int fd, uint8_t *packet, size_t len, const struct sockaddr_in *to, uint8_t other)
{
	uint8_t out[ROOM] = { 0 };

	out[0] = (uint8_t)((packet[0] & 0x38) | 4);
	memcpy(out + ORIGIN, packet + TRANSMIT, 8);
	out[ORIGIN] ^= other;
	out[TRANSMIT] = 1;
	if (sendto(fd, out, len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		perror("sendto");
}

static _Noreturn void serve(const struct options *o)
{
	uint8_t packet[ROOM];
	struct sockaddr_in from;
	int fd = udp();

	if (bind(fd, (const struct sockaddr *)&o->at, sizeof(o->at)) != 0)
		fail("bind");
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);

		if (n < PACKET)
			continue;
		if (o->stranger)
			answer(fd, packet, (size_t)n, &from, 0x80);
		answer(fd, packet, (size_t)n, &from, 0);
		if (o->twice)
			answer(fd, packet, (size_t)n, &from, 0);
	}
}

/* -- clients ------------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void request(const struct options *o, int fd, uint8_t key[8])
{
	uint8_t packet[ROOM] = { (uint8_t)(4 << 3 | o->mode) };

	if (getrandom(key, 8, 0) != 8)
		fail("getrandom");
	memcpy(packet + TRANSMIT, key, 8);
	if (connect(fd, (const struct sockaddr *)&o->at, sizeof(o->at)) != 0 ||
	    send(fd, packet, (size_t)o->octets, 0) < 0)
		fail("send");
}

/* One answer, and the right one? */
static bool answered(int fd, const uint8_t key[8])
{
	uint8_t packet[ROOM];
	ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

	return n >= PACKET && (packet[0] & 7) == 4 && memcmp(packet + ORIGIN, key, 8) == 0;
}

static int ask(const struct options *o)
{
	static struct pollfd fds[CLIENTS];
	static uint8_t keys[CLIENTS][8];
	static int answers[CLIENTS];
	int64_t end = now_ms() + o->wait_ms, left;
	long i, right = 0;

	for (i = 0; i < o->count; i++) {
		fds[i] = (struct pollfd){ .fd = udp(), .events = POLLIN };
		request(o, fds[i].fd, keys[i]);
	}
	while ((left = end - now_ms()) > 0 && poll(fds, (nfds_t)o->count, (int)left) > 0) {
		for (i = 0; i < o->count; i++) {
			if (fds[i].revents)
				answers[i] += answered(fds[i].fd, keys[i]) ? 1 : 1000;
		}
	}
	for (i = 0; i < o->count; i++)
		right += answers[i] == 1;
	printf("%ld\n", right);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "twice", no_argument, NULL, 't' },
		{ "stranger", no_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "mode", required_argument, NULL, 'm' },
		{ "octets", required_argument, NULL, 'o' },
		{ "wait", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .count = 1, .mode = 3, .octets = PACKET, .wait_ms = 1000 };
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		long n = optarg ? strtol(optarg, NULL, 10) : 0;

		o.twice |= c == 't';
		o.stranger |= c == 's';
		o.count = c == 'c' ? n : o.count;
		o.mode = c == 'm' ? n : o.mode;
		o.octets = c == 'o' ? n : o.octets;
		o.wait_ms = c == 'w' ? n : o.wait_ms;
		if (c == '?')
			return 2;
	}
	if (optind + 2 != argc || o.count < 1 || o.count > CLIENTS || o.octets < 1 || o.octets > ROOM)
		return 2;
	o.at = address(argv[optind + 1]);
	if (strcmp(argv[optind], "serve") == 0)
		serve(&o);
	return ask(&o);
}
