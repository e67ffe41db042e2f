#include "ntp_packet.h"

/* Where the timestamps stand (RFC 5905 section 7.3). */
#define ORIGIN	 24
#define TRANSMIT 40

static uint64_t timestamp(const uint8_t *at)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return v;
}

int ntp_packet_read(const uint8_t *data, size_t len, enum ntp_mode mode, uint64_t *key, struct vmp_msg *why)
{
	unsigned version;
	uint64_t at;

	/* Extension fields and MACs are whole 32-bit words. */
	if (len < NTP_LEAST || len > NTP_MOST || len % 4)
		return vmp_fail(why, VMP_EINVAL, "expected a packet of %d to %d octets, in fours", NTP_LEAST, NTP_MOST);
	version = data[0] >> 3 & 7;
	if (version != 3 && version != 4)
		return vmp_fail(why, VMP_EINVAL, "expected NTP version 3 or 4, not %u", version);
	if ((data[0] & 7) != mode)
		return vmp_fail(why, VMP_EINVAL, "expected mode %d, not %d", mode, data[0] & 7);
	at = timestamp(data + (mode == NTP_CLIENT ? TRANSMIT : ORIGIN));
	if (at == 0)
		return vmp_fail(why, VMP_EINVAL, "expected %s timestamp",
				mode == NTP_CLIENT ? "a transmit" : "an origin");
	*key = at;
	return VMP_OK;
}

ssize_t ntp_frame_read(const uint8_t *data, size_t len, enum ntp_mode mode, uint64_t *key, struct vmp_msg *why)
{
	size_t n = len < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	int err;

	if (len < 2)
		return 0;
	if (n < NTP_LEAST || n > NTP_MOST)
		return vmp_fail(why, VMP_EINVAL, "expected a length from %d to %d", NTP_LEAST, NTP_MOST);
	if (len < 2 + n)
		return 0;
	err = ntp_packet_read(data + 2, n, mode, key, why);
	return err == VMP_OK ? (ssize_t)(2 + n) : err;
}

void ntp_frame_head(size_t len, uint8_t out[2])
{
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
}
