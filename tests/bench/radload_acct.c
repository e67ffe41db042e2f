/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Accounting-Request: for each MAC first a Start, then Interim-Updates, with the Class that its Access-Accept had.
 *
 * Its layout is fixed but for Class, which is the last.  One MD5 a request, over all of it.
 * Source: RFC 2866, section 3 (Request Authenticator) and section 5.
 */
#include "radload_codec.h"

#include <string.h>
#include <time.h>

enum { STATUS_START = 1, STATUS_INTERIM = 3 };

/* Where the attributes' values lie in the request. */
enum {
	OFF_STATUS = 20 + 2,
	OFF_USER = OFF_STATUS + 4 + 2,
	OFF_CALLING = OFF_USER + MAC_TEXT + 2,
	OFF_SESSION = OFF_CALLING + 17 + 2,
	OFF_NAS_IP = OFF_SESSION + MAC_TEXT + 2,
	OFF_NAS_PORT = OFF_NAS_IP + 4 + 2,
	OFF_PORT_TYPE = OFF_NAS_PORT + 4 + 2,
	OFF_TIME = OFF_PORT_TYPE + 4 + 2,
	OFF_DELAY = OFF_TIME + 4 + 2,
	OFF_INPUT = OFF_DELAY + 4 + 2,
	OFF_OUTPUT = OFF_INPUT + 4 + 2,
	OFF_PACKETS = OFF_OUTPUT + 4 + 2,
	OFF_CLASS = OFF_PACKETS + 4 + 2,
	REQUEST_LEN = OFF_CLASS - 2, /* without Class */
};

_Static_assert(OFF_CLASS + CLASS_MAX + SECRET_MAX <= PACKET_MAX, "room for the secret behind the packet");

static void acct_init(const struct codec *c, struct wire *w)
{
	static const struct {
		uint8_t at, type, len;
	} attrs[] = {
		{ OFF_STATUS, ATTR_ACCT_STATUS_TYPE, 4 },     { OFF_USER, ATTR_USER_NAME, MAC_TEXT },
		{ OFF_CALLING, ATTR_CALLING_STATION_ID, 17 }, { OFF_SESSION, ATTR_ACCT_SESSION_ID, MAC_TEXT },
		{ OFF_NAS_IP, ATTR_NAS_IP_ADDRESS, 4 },	      { OFF_NAS_PORT, ATTR_NAS_PORT, 4 },
		{ OFF_PORT_TYPE, ATTR_NAS_PORT_TYPE, 4 },     { OFF_TIME, ATTR_EVENT_TIMESTAMP, 4 },
		{ OFF_DELAY, ATTR_ACCT_DELAY_TIME, 4 },	      { OFF_INPUT, ATTR_ACCT_INPUT_OCTETS, 4 },
		{ OFF_OUTPUT, ATTR_ACCT_OUTPUT_OCTETS, 4 },   { OFF_PACKETS, ATTR_ACCT_INPUT_PACKETS, 4 },
	};

	(void)c;
	w->pkt[0] = CODE_ACCOUNTING_REQUEST;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		put_head(w->pkt, attrs[i].at, attrs[i].type, attrs[i].len);
	put_u32(w->pkt + OFF_NAS_IP, 0x7f000001);
	put_u32(w->pkt + OFF_PORT_TYPE, 15); /* Ethernet */
}

/* @return the packet's length. */
static size_t put_class(uint8_t *pkt, const struct state_record *record)
{
	if (!record->class_len)
		return REQUEST_LEN;
	put_head(pkt, OFF_CLASS, ATTR_CLASS, record->class_len);
	memcpy(pkt + OFF_CLASS, record->class, record->class_len);
	return OFF_CLASS + record->class_len;
}

static size_t acct_fill(struct codec *c, struct wire *w, uint64_t mac, uint64_t index)
{
	struct state_record *record = &c->state->records[index];
	uint32_t now = (uint32_t)time(NULL);
	uint8_t *p = w->pkt;
	size_t len = put_class(p, record);

	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	memset(p + OFF_RA, 0, RA_LEN);
	put_u32(p + OFF_STATUS, record->flags & STATE_STARTED ? STATUS_INTERIM : STATUS_START);
	record->flags |= STATE_STARTED;
	put_mac(p + OFF_USER, p + OFF_CALLING, mac);
	memcpy(p + OFF_SESSION, p + OFF_USER, MAC_TEXT);
	put_u32(p + OFF_NAS_PORT, nas_port_of(index));
	put_u32(p + OFF_TIME, now);
	put_u32(p + OFF_INPUT, now); /* counters that never go down, over several runs */
	put_u32(p + OFF_OUTPUT, now);
	put_u32(p + OFF_PACKETS,
		(uint32_t)++c->accounted); /* else two of the same second and identifier are duplicates */
	memcpy(p + len, c->opt->secret, c->secret_len);
	codec_md5(c, p, len + c->secret_len, p + OFF_RA);
	return len;
}

const struct kind kind_accounting = {
	.reply_code = CODE_ACCOUNTING_RESPONSE,
	.replied = STATE_ACCOUNTED,
	.not_reply = "reply is not an Accounting-Response",
	.init = acct_init,
	.fill = acct_fill,
};
