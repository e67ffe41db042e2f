/** coiflow: a steady flow of datagrams from one machine to another, which shows to the packet what a change costs.
 *
 *	coiflow --to [ADDR]:PORT [--rate PACKETS/S] [--size OCTETS] [--text TEXT]
 *	coiflow --listen [ADDR]:PORT --log FILE
 *
 * The sender numbers its packets from 1 on, fills them with TEXT again and again, and does not stop when there is no
 *way; each new reason is a line "US NAME".  Its last line is "sent N failed N". The receiver writes a line for each
 *packet: number, when it was sent and when it came, in microseconds since 1970. Exit: 0 after SIGTERM or SIGINT; 1 no
 *socket; 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 65000
#define SECOND	   1000000000L

struct packet {
	uint8_t magic[8];
	uint64_t number, sent; /* of one machine, so nobody swaps octets */
};
static const uint8_t MAGIC[8] = { 'c', 'o', 'i', 'f', 'l', 'o', 'w', 1 };

struct flow {
	struct sockaddr_in6 address;
	long rate, size;
	const char *text, *log;
	int error; /* the last errno that was told */
	uint64_t sent, failed;
};

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

static _Noreturn void fatal(int status, const char *what)
{
	if (status == 2)
		fprintf(stderr, "coiflow: %s\n", what);
	else
		fprintf(stderr, "coiflow: %s: %s\n", what, strerror(errno));
	exit(status);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static long number(const char *text, long least, long most, const char *what)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < least || n > most)
		fatal(2, what);
	return n;
}

/* "[ADDR]:PORT"; an IPv4 address is written as IPv6 does. */
static void address_read(const char *text, struct sockaddr_in6 *out)
{
	const char *close = strrchr(text, ']');
	char host[INET6_ADDRSTRLEN + 8] = "";
	struct in_addr four;

	if (text[0] != '[' || !close || close[1] != ':' || close - text - 1 >= INET6_ADDRSTRLEN)
		fatal(2, "expected [ADDRESS]:PORT");
	memcpy(host, text + 1, (size_t)(close - text - 1));
	if (inet_pton(AF_INET, host, &four) == 1)
		snprintf(host, sizeof(host), "::ffff:%s", inet_ntoa(four));
	out->sin6_family = AF_INET6;
	out->sin6_port = htons((uint16_t)number(close + 2, 1, 65535, "expected a port"));
	if (inet_pton(AF_INET6, host, &out->sin6_addr) != 1)
		fatal(2, "expected [ADDRESS]:PORT");
}

static void packet_fill(const struct flow *flow, uint8_t *out)
{
	size_t at, len = strlen(flow->text);

	for (at = sizeof(struct packet); at < (size_t)flow->size; at++)
		out[at] = (uint8_t)flow->text[(at - sizeof(struct packet)) % len];
}

static void error_tell(struct flow *flow, int error)
{
	if (error == flow->error)
		return;
	flow->error = error;
	printf("%" PRIu64 " %s\n", now_us(), error ? strerrorname_np(error) : "well");
	fflush(stdout);
}

/* What fails may be an answer to a packet before; then this one has not been tried. */
static void packet_send(struct flow *flow, int fd, uint8_t *data)
{
	struct packet head = { .number = ++flow->sent, .sent = now_us() };

	memcpy(head.magic, MAGIC, sizeof(MAGIC));
	memcpy(data, &head, sizeof(head));
	if (send(fd, data, (size_t)flow->size, 0) >= 0) {
		error_tell(flow, 0);
		return;
	}
	error_tell(flow, errno);
	if (send(fd, data, (size_t)flow->size, 0) < 0)
		flow->failed++;
}

/* The time of the next one; a sender that was late does not make up for it in one burst. */
static void turn_wait(struct timespec *next, long rate)
{
	struct timespec now;

	next->tv_nsec += SECOND / rate;
	if (next->tv_nsec >= SECOND) {
		next->tv_nsec -= SECOND;
		next->tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > next->tv_sec)
		*next = now;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void flow_send(struct flow *flow, int fd)
{
	static uint8_t data[PACKET_MAX];
	struct timespec next;

	if (connect(fd, (struct sockaddr *)&flow->address, sizeof(flow->address)))
		error_tell(flow, errno);
	packet_fill(flow, data);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stopped) {
		if (flow->error == EDESTADDRREQ) /* there was no route at first */
			(void)!connect(fd, (struct sockaddr *)&flow->address, sizeof(flow->address));
		packet_send(flow, fd, data);
		turn_wait(&next, flow->rate);
	}
	printf("sent %" PRIu64 " failed %" PRIu64 "\n", flow->sent, flow->failed);
}

/* When the kernel got it, whenever we are told. */
static uint64_t came_at(struct msghdr *message)
{
	struct cmsghdr *control;
	struct timespec at;

	for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&at, CMSG_DATA(control), sizeof(at));
			return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
		}
	return now_us();
}

static void packet_take(int fd, int log)
{
	static uint8_t data[PACKET_MAX];
	uint8_t control[128];
	struct iovec vector = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	ssize_t len = recvmsg(fd, &message, 0);
	struct packet head;

	if (len < (ssize_t)sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	if (memcmp(head.magic, MAGIC, sizeof(MAGIC)) == 0)
		dprintf(log, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", head.number, head.sent, came_at(&message));
}

static void flow_take(struct flow *flow, int fd)
{
	int on = 1, room = 4 << 20, log = open(flow->log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (log < 0)
		fatal(1, flow->log);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&flow->address, sizeof(flow->address)))
		fatal(1, "bind");
	while (!stopped)
		packet_take(fd, log);
	close(log);
}

static void options_read(struct flow *flow, int argc, char **argv)
{
	static const struct option options[] = { { "to", required_argument, NULL, 't' },
						 { "listen", required_argument, NULL, 'l' },
						 { "log", required_argument, NULL, 'o' },
						 { "rate", required_argument, NULL, 'r' },
						 { "size", required_argument, NULL, 's' },
						 { "text", required_argument, NULL, 'x' },
						 { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't' || c == 'l')
			address_read(optarg, &flow->address);
		else if (c == 'o')
			flow->log = optarg;
		else if (c == 'r')
			flow->rate = number(optarg, 1, 1000000, "--rate: expected 1 to 1000000");
		else if (c == 's')
			flow->size = number(optarg, (long)sizeof(struct packet), PACKET_MAX,
					    "--size: expected 24 to 65000");
		else if (c == 'x' && *optarg)
			flow->text = optarg;
		else
			fatal(2, "usage: coiflow --to [ADDR]:PORT [--rate N] [--size N] [--text TEXT] | --listen "
				 "[ADDR]:PORT --log FILE");
	}
	if (!flow->address.sin6_family || optind != argc)
		fatal(2, "expected --to or --listen");
}

int main(int argc, char **argv)
{
	struct flow flow = { .rate = 200, .size = 200, .text = "." };
	struct sigaction stop = { .sa_handler = on_stop }; /* without SA_RESTART: what waits ends */
	int fd;

	options_read(&flow, argc, argv);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fatal(1, "socket");
	if (flow.log)
		flow_take(&flow, fd);
	else
		flow_send(&flow, fd);
	close(fd);
	return 0;
}
