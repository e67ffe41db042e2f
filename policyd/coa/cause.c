#include "cause.h"

#include <stdio.h>

static const struct {
	uint32_t cause;
	const char *name;
	enum cause_class class;
} causes[] = {
	{ 201, "Residual-Session-Context-Removed", CAUSE_GONE },
	{ 202, "Invalid-EAP-Packet", CAUSE_LATER },
	{ 401, "Unsupported-Attribute", CAUSE_FALL_BACK },
	{ 402, "Missing-Attribute", CAUSE_FALL_BACK },
	{ 403, "NAS-Identification-Mismatch", CAUSE_REFUSED },
	{ 404, "Invalid-Request", CAUSE_FALL_BACK },
	{ 405, "Unsupported-Service", CAUSE_FALL_BACK },
	{ 406, "Unsupported-Extension", CAUSE_FALL_BACK },
	{ 407, "Invalid-Attribute-Value", CAUSE_FALL_BACK },
	{ 501, "Administratively-Prohibited", CAUSE_REFUSED },
	{ 502, "Proxy-Request-Not-Routable", CAUSE_REFUSED },
	{ 503, "Session-Context-Not-Found", CAUSE_GONE },
	{ 504, "Session-Context-Not-Removable", CAUSE_LATER },
	{ 505, "Proxy-Processing-Error", CAUSE_LATER },
	{ 506, "Resources-Unavailable", CAUSE_LATER },
	/* To a CoA: it asks for the authorization anew (RFC 5176 section 3.2). */
	{ 507, "Request-Initiated", CAUSE_DONE },
	{ 508, "Multiple-Session-Selection-Unsupported", CAUSE_FALL_BACK },
	{ 509, "Location-Info-Required", CAUSE_LATER },
	{ 601, "Response-Too-Big", CAUSE_LATER },
};

#define N_CAUSES (sizeof(causes) / sizeof(causes[0]))

static const char *const codes[] = { "Disconnect-Request", "Disconnect-ACK", "Disconnect-NAK",
				     "CoA-Request",	   "CoA-ACK",	     "CoA-NAK" };

static size_t find(uint32_t cause)
{
	size_t i;

	for (i = 0; i < N_CAUSES && causes[i].cause != cause; i++)
		;
	return i;
}

const char *cause_name(uint32_t cause)
{
	size_t i = find(cause);

	return i < N_CAUSES ? causes[i].name : NULL;
}

enum cause_class cause_class(enum packet_code code, uint32_t cause)
{
	size_t i = find(cause);
	enum cause_class class = i < N_CAUSES ? causes[i].class : CAUSE_LATER;

	if (code == PACKET_DISCONNECT_ACK || code == PACKET_COA_ACK)
		return CAUSE_DONE;
	if (code == PACKET_COA_NAK)
		return cause ? class : CAUSE_FALL_BACK;
	/* Cisco's word for session keys that do not match: they may be others by the next time. */
	if (cause == 407)
		return CAUSE_LATER;
	if (class == CAUSE_FALL_BACK)
		return CAUSE_REFUSED;
	return class == CAUSE_DONE ? CAUSE_LATER : class;
}

void cause_text(enum packet_code code, uint32_t cause, char out[CAUSE_TEXT])
{
	const char *name = cause_name(cause);
	const char *what = code >= PACKET_DISCONNECT && code <= PACKET_COA_NAK ? codes[code - PACKET_DISCONNECT] : "?";

	if (!cause)
		snprintf(out, CAUSE_TEXT, "%s", what);
	else
		snprintf(out, CAUSE_TEXT, "%s: %u%s%s", what, cause, name ? " " : "", name ? name : "");
}
