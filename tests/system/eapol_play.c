/** eapol_play: a switch that misbehaves towards the guests on its port.
 *
 *	eapol_play INTERFACE FIRST-MAC COUNT SECONDS FRAMES-PER-SECOND SEED ACT...
 *
 * Sends EAPOL to COUNT guests whose MAC addresses follow FIRST-MAC, and to the PAE group address, each frame by one of
 *the ACTs (the table at the end), in turn; answers guests where an act says so.  The same SEED sends the same, as far
 *as the guests do.  Prints "sent N heard M".  Exit: 0; 2 usage, no such interface, no permission.
 */
#include "eapol.h"
#include "mac.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };
enum { IDENTITY = 1, TLS = 13, TLS_LENGTH = 0x80, TLS_MORE = 0x40, TLS_START = 0x20 };
enum { EAP_HEADER = 4, BODY_MAX = 1400, ARGS = 7 };

struct play {
	int fd;
	uint64_t own, first;
	unsigned count, seconds, rate;
	uint64_t random;
	unsigned long sent, heard;
	unsigned round;
	uint8_t id;
};

static unsigned roll(struct play *p, unsigned below)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (unsigned)(p->random >> 33) % below;
}

static void fill(struct play *p, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)roll(p, 256);
}

static void put(struct play *p, const uint8_t *frame, size_t len)
{
	if (send(p->fd, frame, len, 0) == (ssize_t)len)
		p->sent++;
}

/** A frame as it should be, around an EAP packet that may not be. */
static void put_eap(struct play *p, uint64_t dst, const uint8_t *eap, size_t len)
{
	uint8_t frame[VMP_EAPOL_FRAME_MAX];

	put(p, frame, vmp_eapol_write(dst, p->own, 2, VMP_EAPOL_EAP, eap, len, frame));
}

/** @param data  behind the header: type, type-data. */
static void put_packet(struct play *p, uint64_t dst, uint8_t code, uint8_t id, const uint8_t *data, size_t len)
{
	uint8_t eap[EAP_HEADER + BODY_MAX] = { code, id, (uint8_t)((EAP_HEADER + len) >> 8),
					       (uint8_t)(EAP_HEADER + len) };

	if (len)
		memcpy(eap + EAP_HEADER, data, len);
	put_eap(p, dst, eap, EAP_HEADER + len);
}

/** A guest, now and then the group. */
static uint64_t somebody(struct play *p)
{
	return roll(p, 8) ? p->first + roll(p, p->count) : VMP_EAPOL_PAE_GROUP;
}

/* -- acts */
/** Any length, version, type; lengths that lie. */
static void act_malformed(struct play *p)
{
	uint8_t frame[VMP_EAPOL_FRAME_MAX];
	size_t len = vmp_eapol_write(somebody(p), p->own, (uint8_t)roll(p, 256), (enum vmp_eapol_type)roll(p, 256),
				     NULL, 0, frame);
	size_t more = roll(p, 200);

	fill(p, frame + len, more);
	frame[len - 2] = (uint8_t)(roll(p, 4) ? 0 : roll(p, 256));
	frame[len - 1] = (uint8_t)roll(p, 256);
	put(p, frame, roll(p, 4) ? len + more : ETHER_HDR_LEN + roll(p, VMP_EAPOL_HEADER));
}

/** An EAP packet of any code but a Request's, which would begin a conversation; with a length of its own. */
static void act_codes(struct play *p)
{
	uint8_t eap[64];
	size_t len = EAP_HEADER + roll(p, sizeof(eap) - EAP_HEADER);

	fill(p, eap, len);
	eap[0] = (uint8_t)(roll(p, 2) ? RESPONSE + roll(p, 5) : roll(p, 256));
	eap[0] = eap[0] == REQUEST ? 0 : eap[0];
	eap[2] = 0;
	if (roll(p, 2))
		eap[3] = (uint8_t)len;
	put_eap(p, somebody(p), eap, len);
}

static void act_success(struct play *p)
{
	put_packet(p, somebody(p), SUCCESS, (uint8_t)p->round, NULL, 0);
}
static void act_failure(struct play *p)
{
	put_packet(p, somebody(p), FAILURE, (uint8_t)p->round, NULL, 0);
}

/** A new conversation, which nobody goes on with. */
static void act_identity(struct play *p)
{
	static const uint8_t data[] = { IDENTITY };

	put_packet(p, somebody(p), REQUEST, (uint8_t)roll(p, 256), data, sizeof(data));
}

/** Every method that there is, Notification and Expanded among them. */
static void act_methods(struct play *p)
{
	uint8_t data[BODY_MAX];
	size_t len = 1 + roll(p, roll(p, 8) ? 40 : BODY_MAX);

	fill(p, data, len);
	data[0] = (uint8_t)(p->round % 256);
	put_packet(p, somebody(p), REQUEST, (uint8_t)roll(p, 256), data, len);
}

/** EAP-TLS: any flags, message lengths that mean nothing, fragments of nothing. */
static void act_tls(struct play *p)
{
	static const uint32_t length[] = { 0, 1, 5, 1000, 65535, 65536, 65537, 0x7fffffff, 0xffffffff };
	uint32_t say = htonl(length[roll(p, sizeof(length) / sizeof(length[0]))]);
	uint8_t data[BODY_MAX] = { TLS, (uint8_t)roll(p, 256) };
	size_t len = 2 + roll(p, BODY_MAX - 2);

	fill(p, data + 2, len - 2);
	if (data[1] & TLS_LENGTH && len >= 6)
		memcpy(data + 2, &say, 4);
	put_packet(p, somebody(p), REQUEST, (uint8_t)roll(p, 256), data, len);
}

static void act_listen(struct play *p)
{
	(void)p;
}

/* -- answers */
/** What the authenticator on this port sends, once more and wrong. */
static void hear_mutate(struct play *p, const uint8_t *frame, size_t len, bool outgoing)
{
	uint8_t copy[VMP_EAPOL_FRAME_MAX];

	if (!outgoing || len > sizeof(copy))
		return;
	memcpy(copy, frame, len);
	for (unsigned n = 1 + roll(p, 3); n > 0; n--)
		copy[ETHER_HDR_LEN + roll(p, (unsigned)(len - ETHER_HDR_LEN))] = (uint8_t)roll(p, 256);
	put(p, copy, len);
}

/** An authenticator whose server never comes to an end of its first message. */
static void hear_endless(struct play *p, const uint8_t *frame, size_t len, bool outgoing)
{
	static const uint8_t identity[] = { IDENTITY }, start[] = { TLS, TLS_START };
	uint8_t data[2 + 4 + 1000] = { TLS, TLS_LENGTH | TLS_MORE, 0, 1, 0, 0 };
	struct vmp_eapol in;

	if (outgoing || vmp_eapol_read(frame, len, &in) < 0)
		return;
	p->id++;
	if (in.type == VMP_EAPOL_START) {
		put_packet(p, in.src, REQUEST, p->id, identity, sizeof(identity));
	} else if (in.type == VMP_EAPOL_EAP && in.len > EAP_HEADER && in.body[EAP_HEADER] == IDENTITY) {
		put_packet(p, in.src, REQUEST, p->id, start, sizeof(start));
	} else if (in.type == VMP_EAPOL_EAP) {
		fill(p, data + 6, sizeof(data) - 6);
		put_packet(p, in.src, REQUEST, p->id, data, sizeof(data));
	}
}

static const struct act {
	const char *name;
	void (*send)(struct play *p);
	void (*hear)(struct play *p, const uint8_t *frame, size_t len, bool outgoing);
} acts[] = {
	{ "malformed", act_malformed, NULL },
	{ "codes", act_codes, NULL },
	{ "success", act_success, NULL },
	{ "failure", act_failure, NULL },
	{ "identity", act_identity, NULL },
	{ "methods", act_methods, NULL },
	{ "tls", act_tls, NULL },
	{ "mutate", act_listen, hear_mutate },
	{ "endless", act_listen, hear_endless },
};

static const struct act *act_find(const char *name)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	fprintf(stderr, "eapol_play: there is no act %s\n", name);
	exit(2);
}

/* -- the port */
static void port_open(struct play *p, const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	socklen_t len = sizeof(at);

	p->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (p->fd < 0 || at.sll_ifindex == 0 || bind(p->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(p->fd, (struct sockaddr *)&at, &len) < 0) {
		perror(interface);
		exit(2);
	}
	for (int i = 0; i < 6; i++)
		p->own = p->own << 8 | at.sll_addr[i];
}

static void hear(struct play *p, char *const name[])
{
	uint8_t frame[2048];
	struct sockaddr_ll from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(p->fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len)) > 0) {
		bool outgoing = from.sll_pkttype == PACKET_OUTGOING;

		if (ntohs(from.sll_protocol) != VMP_EAPOL_ETHERTYPE || len <= ETHER_HDR_LEN)
			continue;
		p->heard += !outgoing;
		for (int i = 0; name[i]; i++)
			if (act_find(name[i])->hear)
				act_find(name[i])->hear(p, frame, (size_t)len, outgoing);
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void run(struct play *p, char *const name[])
{
	uint64_t began = now_ms(), now;
	uint64_t due = 0;
	int next = 0;

	while ((now = now_ms() - began) < p->seconds * 1000ULL) {
		struct pollfd wait = { .fd = p->fd, .events = POLLIN };

		for (; due < now * p->rate / 1000; due++) {
			next = name[next] ? next : 0;
			act_find(name[next++])->send(p);
			p->round++;
		}
		poll(&wait, 1, 1);
		hear(p, name);
	}
}

int main(int argc, char **argv)
{
	struct play p = { 0 };

	if (argc <= ARGS || vmp_mac_parse(argv[2], strlen(argv[2]), &p.first) < 0) {
		fprintf(stderr, "usage: eapol_play INTERFACE FIRST-MAC COUNT SECONDS FRAMES-PER-SECOND SEED ACT...\n");
		return 2;
	}
	p.count = (unsigned)strtoul(argv[3], NULL, 10);
	p.seconds = (unsigned)strtoul(argv[4], NULL, 10);
	p.rate = (unsigned)strtoul(argv[5], NULL, 10);
	p.random = strtoull(argv[6], NULL, 10) * 2654435761U + 88172645463325252ULL;
	for (int i = ARGS; i < argc; i++)
		act_find(argv[i]);
	if (p.count == 0) {
		fprintf(stderr, "eapol_play: no guests\n");
		return 2;
	}
	port_open(&p, argv[1]);
	run(&p, argv + ARGS);
	printf("sent %lu heard %lu\n", p.sent, p.heard);
	close(p.fd);
	return 0;
}
