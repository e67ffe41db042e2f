#include "eapol.h"

#include <string.h>

#define ETHERNET_HEADER 14
#define HEADERS		(ETHERNET_HEADER + VMP_EAPOL_HEADER)

static uint64_t address_read(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

static void address_write(uint64_t mac, uint8_t *p)
{
	int i;

	for (i = 0; i < 6; i++)
		p[i] = (uint8_t)(mac >> (40 - 8 * i));
}

static uint16_t u16_read(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void u16_write(size_t v, uint8_t *p)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

int vmp_eapol_read(const uint8_t *frame, size_t len, struct vmp_eapol *out)
{
	struct vmp_eapol e;

	if (len < ETHERNET_HEADER)
		return VMP_EINVAL;
	if (u16_read(frame + 12) != VMP_EAPOL_ETHERTYPE)
		return VMP_ENOENT;
	if (len < HEADERS || len > VMP_EAPOL_FRAME_MAX)
		return VMP_EINVAL;
	e.dst = address_read(frame);
	e.src = address_read(frame + 6);
	e.version = frame[14];
	e.type = frame[15];
	e.len = u16_read(frame + 16);
	e.body = frame + HEADERS;
	if (e.src == 0 || vmp_eapol_group(e.src) || e.len > len - HEADERS)
		return VMP_EINVAL;
	*out = e;
	return VMP_OK;
}

size_t vmp_eapol_write(uint64_t dst, uint64_t src, uint8_t version, enum vmp_eapol_type type, const uint8_t *body,
		       size_t len, uint8_t out[VMP_EAPOL_FRAME_MAX])
{
	if (len > VMP_EAPOL_BODY_MAX)
		return 0;
	address_write(dst, out);
	address_write(src, out + 6);
	u16_write(VMP_EAPOL_ETHERTYPE, out + 12);
	out[14] = version;
	out[15] = (uint8_t)type;
	u16_write(len, out + 16);
	if (len > 0)
		memcpy(out + HEADERS, body, len);
	return HEADERS + len;
}
