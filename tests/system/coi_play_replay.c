#include "coi_play.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static int socket_open(const char *interface)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* takes nothing */

	to.sll_ifindex = interface ? (int)if_nametoindex(interface) : 0;
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fatal(1, "--interface", strerror(errno));
	return fd;
}

static void frame_alter(struct frame *frame, const struct options *o)
{
	uint32_t at;

	if (o->source.s_addr)
		memcpy(frame->data + frame->ip + 12, &o->source, sizeof(o->source));
	if (o->flip) {
		if (getrandom(&at, sizeof(at), 0) != sizeof(at))
			fatal(1, "random", strerror(errno));
		frame->data[frame->payload + at / 8 % (frame->len - frame->payload)] ^= (uint8_t)(1u << at % 8);
	}
	frame_seal(frame);
}

static unsigned long once(const struct options *o, int fd)
{
	struct capture capture;
	struct frame frame;
	unsigned long sent = 0;

	capture_open(&capture, o->file);
	while (capture_next(&capture, o->port, &frame)) {
		if (frame.destination != o->port || (o->source.s_addr && frame.data[frame.ip] >> 4 != 4))
			continue;
		frame_alter(&frame, o);
		if (send(fd, frame.data, frame.len, 0) == (ssize_t)frame.len)
			sent++;
	}
	capture_close(&capture);
	return sent;
}

int play_replay(const struct options *options)
{
	int fd = socket_open(options->interface);
	unsigned long sent = 0;
	long i;

	for (i = 0; i < options->times; i++)
		sent += once(options, fd);
	close(fd);
	printf("sent %lu\n", sent);
	return 0;
}
