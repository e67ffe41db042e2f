#include "filter.h"
#include "ntp_packet.h"
#include "syslog_frame.h"

#define HELLO 6 /* [octets] of a record that are looked at */

_Static_assert(FILTER_LOOK >= SYSLOG_FRAME && FILTER_LOOK >= NTP_FRAME, "a frame fits");

/* A record of TLS with a handshake message in it, and that a ClientHello (RFC 8446 sections 5.1 and 4). */
static ssize_t pass_hello(struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	static const struct {
		uint8_t least, most;
	} octets[HELLO] = { { 0x16, 0x16 }, { 0x03, 0x03 }, { 0x00, 0x04 },
			    { 0x00, 0x40 }, { 0x00, 0xff }, { 0x01, 0x01 } };
	size_t i;

	for (i = 0; i < len && i < HELLO; i++) {
		if (data[i] < octets[i].least || data[i] > octets[i].most)
			return vmp_fail(why, VMP_EINVAL, "expected TLS: a ClientHello first");
	}
	if (len < HELLO)
		return 0;
	f->begun = true;
	return (ssize_t)len;
}

bool filter_is_open(const struct filter *f)
{
	/* A server answers: what it sends first is its business. */
	return f->type == SERVICE_TLS && (f->begun || f->back);
}

static ssize_t pass_tls(struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	return filter_is_open(f) ? (ssize_t)len : pass_hello(f, data, len, why);
}

static ssize_t read_syslog(const struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	if (f->back)
		return len ? vmp_fail(why, VMP_EINVAL, "expected nothing from a syslog server") : 0;
	return syslog_frame_read(data, len, why);
}

static ssize_t read_ntp(const struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	uint64_t key;

	return ntp_frame_read(data, len, f->back ? NTP_SERVER : NTP_CLIENT, &key, why);
}

/* As many whole frames as there are. */
static ssize_t pass_frames(struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	size_t passed = 0;
	ssize_t n;

	do {
		n = f->type == SERVICE_SYSLOG ? read_syslog(f, data + passed, len - passed, why)
					      : read_ntp(f, data + passed, len - passed, why);
		if (n > 0) {
			passed += (size_t)n;
			f->n++;
		}
	} while (n > 0);
	/* What is good before a bad frame goes on first. */
	return n < 0 && passed == 0 ? n : (ssize_t)passed;
}

ssize_t filter_pass(struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why)
{
	return f->type == SERVICE_TLS ? pass_tls(f, data, len, why) : pass_frames(f, data, len, why);
}

bool filter_may_end(const struct filter *f, size_t left)
{
	return f->type == SERVICE_TLS || left == 0;
}
