#include "coi_play.h"

#include <errno.h>
#include <string.h>

#define ETHERNET 14
#define UDP	 17
#define UDP_HEAD 8

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, figures, longest, link;
};
struct record_head {
	uint32_t seconds, fraction, captured, length;
};

void capture_open(struct capture *capture, const char *path)
{
	struct file_head head;

	*capture = (struct capture){ .in = fopen(path, "rb") };
	if (!capture->in)
		fatal(1, path, strerror(errno));
	if (fread(&head, sizeof(head), 1, capture->in) != 1 || head.magic != 0xa1b2c3d4 || head.link != 1)
		fatal(1, path, "expected a capture of Ethernet by this machine's tcpdump");
}

void capture_close(struct capture *capture)
{
	fclose(capture->in);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Without fragments, and IPv6 without extension headers: messages have neither. */
static bool frame_read(struct frame *frame)
{
	const uint8_t *d = frame->data;
	uint16_t type = frame->len > ETHERNET + 48 ? get16(d + 12) : 0;

	frame->ip = ETHERNET;
	if (type == 0x0800 && d[ETHERNET + 9] == UDP)
		frame->udp = ETHERNET + 4u * (d[ETHERNET] & 15);
	else if (type == 0x86dd && d[ETHERNET + 6] == UDP)
		frame->udp = ETHERNET + 40;
	else
		return false;
	frame->payload = frame->udp + UDP_HEAD;
	if (frame->payload > frame->len || frame->udp + get16(d + frame->udp + 4) > frame->len)
		return false;
	frame->len = frame->udp + get16(d + frame->udp + 4);
	frame->source = get16(d + frame->udp);
	frame->destination = get16(d + frame->udp + 2);
	return true;
}

bool capture_next(struct capture *capture, uint16_t port, struct frame *frame)
{
	struct record_head head;

	while (fread(&head, sizeof(head), 1, capture->in) == 1) {
		if (head.captured > FRAME_MAX) {
			if (fseek(capture->in, head.captured, SEEK_CUR))
				return false;
			continue;
		}
		frame->len = head.captured;
		if (fread(frame->data, 1, frame->len, capture->in) != frame->len)
			return false;
		if (frame_read(frame) && (frame->source == port || frame->destination == port))
			return true;
	}
	return false;
}

static uint32_t sum(uint32_t so_far, const uint8_t *at, size_t len)
{
	for (; len > 1; at += 2, len -= 2)
		so_far += get16(at);
	return len ? so_far + (uint32_t)(at[0] << 8) : so_far;
}

static uint16_t folded(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return (uint16_t)~value;
}

void frame_seal(struct frame *frame)
{
	uint8_t *ip = frame->data + frame->ip, *udp = frame->data + frame->udp;
	size_t len = frame->len - frame->udp;
	bool four = ip[0] >> 4 == 4;
	uint32_t addresses = sum(UDP + (uint32_t)len, ip + (four ? 12 : 8), four ? 8 : 32);
	uint16_t check;

	if (four) {
		put16(ip + 10, 0);
		put16(ip + 10, folded(sum(0, ip, frame->udp - frame->ip)));
	}
	put16(udp + 6, 0);
	check = folded(sum(addresses, udp, len));
	put16(udp + 6, check ? check : 0xffff);
}
