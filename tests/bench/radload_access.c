/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MAB request.
 *
 * Its layout is fixed, so a template is filled in at known offsets.  MD5 runs four times a request and is a
 * quarter of the generator's cost; one context and one fetched digest serve them all.
 * Sources: RFC 2865 (User-Password), RFC 3579 section 3.2 (Message-Authenticator).
 */
#include "radload_codec.h"

#include <string.h>

/* Where the attributes' values lie in the request. */
enum {
	OFF_MSG_AUTH = 20 + 2,
	OFF_USER = OFF_MSG_AUTH + 16 + 2,
	OFF_PASSWORD = OFF_USER + MAC_TEXT + 2,
	OFF_CALLING = OFF_PASSWORD + 16 + 2,
	OFF_NAS_IP = OFF_CALLING + 17 + 2,
	OFF_NAS_PORT = OFF_NAS_IP + 4 + 2,
	OFF_SERVICE = OFF_NAS_PORT + 4 + 2,
	OFF_PORT_TYPE = OFF_SERVICE + 4 + 2,
	REQUEST_LEN = OFF_PORT_TYPE + 4,
};

static void access_init(const struct codec *c, struct wire *w)
{
	uint8_t *p = w->pkt;

	for (size_t i = 0; i < 64; i++)
		w->ipad[i] = c->outer[i] ^ 0x5c ^ 0x36;
	p[0] = CODE_ACCESS_REQUEST;
	p[3] = REQUEST_LEN;
	put_head(p, OFF_MSG_AUTH, ATTR_MESSAGE_AUTHENTICATOR, 16);
	put_head(p, OFF_USER, ATTR_USER_NAME, MAC_TEXT);
	put_head(p, OFF_PASSWORD, ATTR_USER_PASSWORD, 16);
	put_head(p, OFF_CALLING, ATTR_CALLING_STATION_ID, 17);
	put_head(p, OFF_NAS_IP, ATTR_NAS_IP_ADDRESS, 4);
	put_u32(p + OFF_NAS_IP, 0x7f000001);
	put_head(p, OFF_NAS_PORT, ATTR_NAS_PORT, 4);
	put_head(p, OFF_SERVICE, ATTR_SERVICE_TYPE, 4);
	put_u32(p + OFF_SERVICE, 10); /* Call-Check */
	put_head(p, OFF_PORT_TYPE, ATTR_NAS_PORT_TYPE, 4);
	put_u32(p + OFF_PORT_TYPE, 15); /* Ethernet */
}

/* RFC 2865, section 5.2; one block, because the MAC is shorter than 16 octets. */
static void hide_password(struct codec *c, uint8_t *p)
{
	uint8_t in[SECRET_MAX + RA_LEN], key[16];

	memcpy(in, c->opt->secret, c->secret_len);
	memcpy(in + c->secret_len, p + OFF_RA, RA_LEN);
	codec_md5(c, in, c->secret_len + RA_LEN, key);
	for (int i = 0; i < MAC_TEXT; i++)
		key[i] ^= p[OFF_USER + i];
	memcpy(p + OFF_PASSWORD, key, 16);
}

static size_t access_fill(struct codec *c, struct wire *w, uint64_t mac, uint64_t index)
{
	uint64_t ra[2] = { codec_random(c), codec_random(c) };

	memcpy(w->pkt + OFF_RA, ra, RA_LEN);
	put_mac(w->pkt + OFF_USER, w->pkt + OFF_CALLING, mac);
	put_u32(w->pkt + OFF_NAS_PORT, nas_port_of(index));
	hide_password(c, w->pkt);
	memset(w->pkt + OFF_MSG_AUTH, 0, 16);
	codec_md5(c, w->ipad, sizeof(w->ipad) + REQUEST_LEN, c->outer + 64);
	codec_md5(c, c->outer, sizeof(c->outer), w->pkt + OFF_MSG_AUTH);
	return REQUEST_LEN;
}

const struct kind kind_access = {
	.reply_code = CODE_ACCESS_ACCEPT,
	.replied = STATE_ACCEPTED,
	.not_reply = "reply is not an Access-Accept",
	.init = access_init,
	.fill = access_fill,
};
