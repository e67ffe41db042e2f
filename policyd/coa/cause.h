/** Error-Cause: why a NAS has not done what it was asked (RFC 5176 section 3.5 and IANA's additions). */
#ifndef COA_CAUSE_H
#define COA_CAUSE_H

#include "packet.h"

#define CAUSE_TEXT 96

/** What an answer means for a job. */
enum cause_class {
	CAUSE_DONE,
	CAUSE_GONE,	 /**< no such session */
	CAUSE_FALL_BACK, /**< it cannot do that; a CoA may be tried as a Disconnect */
	CAUSE_REFUSED,
	CAUSE_LATER
};

/** The name of a cause, such as "Session-Context-Not-Found"; NULL for one that is not known. */
const char *cause_name(uint32_t cause);
/** @param code  of an answer. @param cause  0: none. */
enum cause_class cause_class(enum packet_code code, uint32_t cause);
/** An answer in words: "Disconnect-NAK: 503 Session-Context-Not-Found". */
void cause_text(enum packet_code code, uint32_t cause, char out[CAUSE_TEXT]);

#endif
