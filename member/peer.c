#include "peer.h"
#include "member_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct peer *peer_via(struct peer *peer)
{
	return peer->indirect ? peer->carrier : peer;
}

const struct coi *peer_coi(const struct peer *peer)
{
	struct vmp_coi_shared shared[DIRECTORY_COIS];
	int chosen;
	uint16_t i;

	for (i = 0; i < peer->n_coi; i++) {
		shared[i].id = peer->coi[i]->id;
		shared[i].priority = peer->coi[i]->priority;
		shared[i].members = peer->coi[i]->members;
	}
	chosen = vmp_coi_choose(shared, peer->n_coi);
	return chosen < 0 ? NULL : peer->coi[chosen];
}

bool peer_roams(const struct peer *peer)
{
	return peer->remote || !peer->endpoint.sa.sa_family;
}

const char *peer_id(const struct peer *peer, char *out)
{
	const uint8_t *u = peer->uuid;

	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2],
		 u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
	return out;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool peer_id_read(const char *text, uint8_t out[VMP_COI_ID])
{
	size_t at = 0;
	int high, low;

	for (; at < VMP_COI_ID; at++) {
		if (*text == '-')
			text++;
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return false;
		out[at] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return !*text;
}
