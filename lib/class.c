#include "class.h"
#include "mac.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX	   "vmprov:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define MAC_LEN	   12
#define TOKEN_LEN  16
/* What stands around the COI's name, both its colons among it. */
#define FRAME_LEN (PREFIX_LEN + MAC_LEN + 1 + 1 + TOKEN_LEN)
#define COI_MAX	  (VMP_CLASS_MAX - 1 - FRAME_LEN)

void vmp_class_format(uint64_t mac, const char *coi, uint64_t token, char out[VMP_CLASS_MAX])
{
	char bare[MAC_LEN + 1];

	vmp_mac_format_bare(mac, bare);
	snprintf(out, VMP_CLASS_MAX, PREFIX "%s:%.*s:%0*" PRIx64, bare, (int)COI_MAX, coi, TOKEN_LEN, token);
}

/* Lower case alone, as it is written. */
static int read_token(const char *text, uint64_t *out)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < TOKEN_LEN; i++) {
		const char *digits = "0123456789abcdef", *at = text[i] ? strchr(digits, text[i]) : NULL;

		if (!at)
			return VMP_EINVAL;
		v = v << 4 | (uint64_t)(at - digits);
	}
	*out = v;
	return VMP_OK;
}

int vmp_class_parse(const char *text, size_t len, uint64_t *mac, uint64_t *token)
{
	char again[VMP_CLASS_MAX], coi[COI_MAX + 1];
	uint64_t m = 0, t = 0;

	if (len < PREFIX_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0)
		return VMP_ENOENT;
	if (len < FRAME_LEN || len >= VMP_CLASS_MAX)
		return VMP_EINVAL;
	if (vmp_mac_parse(text + PREFIX_LEN, MAC_LEN, &m) != VMP_OK || read_token(text + len - TOKEN_LEN, &t) != VMP_OK)
		return VMP_EINVAL;
	memcpy(coi, text + PREFIX_LEN + MAC_LEN + 1, len - FRAME_LEN);
	coi[len - FRAME_LEN] = '\0';
	/* Wrong separators, upper case in the MAC and NULs in the name show themselves here. */
	vmp_class_format(m, coi, t, again);
	if (strlen(again) != len || memcmp(again, text, len) != 0)
		return VMP_EINVAL;
	*mac = m;
	*token = t;
	return VMP_OK;
}
