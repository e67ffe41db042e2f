/* What comes from a NAS in answer to a known request.  The first octet says how much of it the harness puts right: the
 * header, and the authenticators under the secret. */
#include "../unit/das.h"

#include <stdlib.h>
#include <string.h>

#define FIX_HEADER 1
#define SIGN	   2
#define COA	   4
#define SECRET	   "testing123"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct packet disconnect, coa;

static void start(void)
{
	static const struct packet_attr attr = { "User-Name", "525400aabbcc" };

	if (packet_open("/usr/share/freeradius", NULL) != VMP_OK ||
	    packet_encode(PACKET_DISCONNECT, 9, SECRET, &attr, 1, 1795000000, &disconnect, NULL) != VMP_OK ||
	    packet_encode(PACKET_COA, 9, SECRET, &attr, 1, 1795000000, &coa, NULL) != VMP_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[PACKET_MAX + 1];
	const struct packet *request;
	enum packet_code code = 0;
	uint32_t cause = 0;
	size_t len;
	int how, err;

	if (!disconnect.len)
		start();
	if (size < 1 || size > sizeof(room))
		return 0;
	how = data[0];
	len = size - 1;
	memcpy(room, data + 1, len);
	request = how & COA ? &coa : &disconnect;
	if (how & FIX_HEADER && len >= PACKET_HEADER) {
		room[0] = (uint8_t)(request->octet[0] + 1 + (room[0] & 1));
		room[1] = request->octet[1];
		room[2] = (uint8_t)(len >> 8);
		room[3] = (uint8_t)len;
	}
	if (how & SIGN && len >= PACKET_HEADER)
		das_sign(request, SECRET, room, len);
	err = packet_verify(request, SECRET, room, len, &code, &cause, NULL);
	/* Nobody without the secret is believed, and only what answers the request. */
	if (err == VMP_OK && (!(how & SIGN) || (code != request->octet[0] + 1u && code != request->octet[0] + 2u)))
		abort();
	return 0;
}
