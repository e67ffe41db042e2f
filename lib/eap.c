#include "eap.h"

#include <stdbool.h>
#include <string.h>

static bool has_type(uint8_t code)
{
	return code == VMP_EAP_REQUEST || code == VMP_EAP_RESPONSE;
}

int vmp_eap_read(const uint8_t *packet, size_t len, struct vmp_eap *out)
{
	struct vmp_eap e = { .type = VMP_EAP_NONE };
	size_t length;

	if (len < VMP_EAP_HEADER)
		return VMP_EINVAL;
	e.code = packet[0];
	e.id = packet[1];
	length = (size_t)packet[2] << 8 | packet[3];
	if (e.code < VMP_EAP_REQUEST || e.code > VMP_EAP_FAILURE || length > len)
		return VMP_EINVAL;
	if (has_type(e.code)) {
		if (length < VMP_EAP_HEADER + 1)
			return VMP_EINVAL;
		e.type = packet[VMP_EAP_HEADER];
		e.data = packet + VMP_EAP_HEADER + 1;
		e.len = (uint16_t)(length - VMP_EAP_HEADER - 1);
	} else {
		if (length != VMP_EAP_HEADER)
			return VMP_EINVAL;
		e.data = packet + VMP_EAP_HEADER;
	}
	*out = e;
	return VMP_OK;
}

size_t vmp_eap_write(enum vmp_eap_code code, uint8_t id, uint8_t type, const uint8_t *data, size_t len,
		     uint8_t out[VMP_EAP_MAX])
{
	size_t header = VMP_EAP_HEADER + (has_type((uint8_t)code) ? 1U : 0U);

	if (len > VMP_EAP_MAX - header)
		return 0;
	out[0] = (uint8_t)code;
	out[1] = id;
	out[2] = (uint8_t)((header + len) >> 8);
	out[3] = (uint8_t)(header + len);
	if (header > VMP_EAP_HEADER)
		out[VMP_EAP_HEADER] = type;
	if (len > 0)
		memcpy(out + header, data, len);
	return header + len;
}
