/** What das's files share: a packet, its attributes, and the script. */
#ifndef DAS_H
#define DAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DAS_PACKET_MAX = 4096, DAS_HEADER = 20, DAS_AUTH = 4, DAS_DIGEST = 16, DAS_TEXT_MAX = 1024 };
enum { DAS_DISCONNECT = 40, DAS_COA = 43 }; /**< requests; their ACK is one more, their NAK two */

struct das_packet {
	size_t len;
	uint8_t octet[DAS_PACKET_MAX];
};

/** One attribute; those inside Vendor-Specific stand alone. */
struct das_attr {
	uint32_t vendor; /**< 0: none */
	uint8_t type;
	const uint8_t *value; /**< borrowed from the packet */
	size_t len;
};

/* -- das_packet.c */
/** Is it a request of somebody who knows the secret, with what RFC 5176 wants?
 * @return NULL, or what is wrong in a word. */
const char *das_packet_wrong(struct das_packet *packet, const char *secret);
/** The attribute at *at, which moves on; start with 0. @return false at the end. */
bool das_packet_next(const struct das_packet *packet, size_t *at, struct das_attr *out);
const struct das_attr *das_packet_find(const struct das_packet *packet, uint8_t type, struct das_attr *out);

struct das_answer {
	uint8_t code;
	uint32_t cause; /**< Error-Cause; 0: none */
	bool bare;	/**< without Message-Authenticator */
	const char *secret;
};
/** An authentic answer to request. */
void das_packet_answer(const struct das_packet *request, const struct das_answer *answer, struct das_packet *out);

/* -- das_show.c */
const char *das_code_name(uint8_t code);
/** The attribute's name, 26.VENDOR.TYPE or its number. */
void das_attr_name(const struct das_attr *attr, char out[64]);
/** Its value without blanks: octets that do not print, blanks and backslashes are \xHH; what is unknown is 0xHEX. */
void das_attr_value(const struct das_attr *attr, char out[DAS_TEXT_MAX]);

/* -- das_rule.c */
enum das_act {
	DAS_ACK,
	DAS_NAK,
	DAS_ONCE, /**< as a NAS with sessions: the first Disconnect of one is acknowledged, then it is not there: 503 */
	DAS_SILENT,
	DAS_WRONG_SECRET,
	DAS_FORGED,
	DAS_REPLAY,
	DAS_TRUNCATED,
	DAS_OTHER_PORT,
	DAS_WRONG_ID,
	DAS_WRONG_CODE
};
struct das_action {
	enum das_act act;
	uint32_t cause, delay_ms;
	bool bare;
};
const char *das_act_name(enum das_act act);

/** Read rules from a file, or from text when path is NULL, in place of those there are.
 * @return false after a message on standard error; the rules are as before then. */
bool das_rules_read(const char *path, const char *text);
/** What the first rule that matches does with this request.  Counts it. @param listen  ADDR:PORT where it came. */
struct das_action das_rules_apply(const struct das_packet *request, const char *listen);

#endif
