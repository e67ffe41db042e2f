/* SPDX-License-Identifier: GPL-2.0-or-later */
/* radload: what the kinds of request share.  Included by the files that make packets. */
#ifndef RADLOAD_CODEC_H
#define RADLOAD_CODEC_H

#include "radload.h"

#include <openssl/evp.h>

enum {
	CODE_ACCESS_REQUEST = 1,
	CODE_ACCESS_ACCEPT = 2,
	CODE_ACCOUNTING_REQUEST = 4,
	CODE_ACCOUNTING_RESPONSE = 5,
	ATTR_USER_NAME = 1,
	ATTR_USER_PASSWORD = 2,
	ATTR_NAS_IP_ADDRESS = 4,
	ATTR_NAS_PORT = 5,
	ATTR_SERVICE_TYPE = 6,
	ATTR_CLASS = 25,
	ATTR_CALLING_STATION_ID = 31,
	ATTR_ACCT_STATUS_TYPE = 40,
	ATTR_ACCT_DELAY_TIME = 41,
	ATTR_ACCT_INPUT_OCTETS = 42,
	ATTR_ACCT_OUTPUT_OCTETS = 43,
	ATTR_ACCT_SESSION_ID = 44,
	ATTR_ACCT_INPUT_PACKETS = 47,
	ATTR_EVENT_TIMESTAMP = 55,
	ATTR_NAS_PORT_TYPE = 61,
	ATTR_MESSAGE_AUTHENTICATOR = 80,
};

#define OFF_RA 4 /**< where the authenticator lies */

/** One kind of request. */
struct kind {
	uint8_t reply_code;
	uint8_t replied; /**< STATE_... of a MAC that has had a good reply */
	const char *not_reply;
	void (*init)(const struct codec *c, struct wire *w);
	/** @return the packet's length. */
	size_t (*fill)(struct codec *c, struct wire *w, uint64_t mac, uint64_t index);
};

extern const struct kind kind_access, kind_accounting;

struct codec {
	const struct options *opt;
	const struct kind *kind;
	struct state *state; /**< NULL: nothing is kept */
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	size_t secret_len;
	uint64_t random;    /**< state of the generator */
	uint64_t turn;	    /**< in turn: the next MAC */
	uint64_t accounted; /**< Accounting-Requests made */
	uint64_t checked;
	uint8_t outer[64 + 16]; /**< HMAC: outer key block, inner digest */
	uint8_t attrs[ATTRS_MAX];
	size_t attrs_len;
};

void codec_md5(struct codec *c, const uint8_t *in, size_t len, uint8_t out[16]);
uint64_t codec_random(struct codec *c);

void put_u32(uint8_t *p, uint32_t v);
/** Type and length in front of a value of @p len octets at @p value. */
void put_head(uint8_t *pkt, size_t value, uint8_t type, size_t len);
/** @param user  MAC_TEXT octets, lower case. @param calling  17 octets, upper case with hyphens. */
void put_mac(uint8_t *user, uint8_t *calling, uint64_t mac);
/** NAS-Port of a MAC: it stays at its port, and each port of a NAS has a few. */
uint32_t nas_port_of(uint64_t index);

#endif
