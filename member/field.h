/** Members of the JSON objects that policyd answers with, checked one by one.
 *
 * Each is looked for by its exact name; one that is missing, of another type or out of its range is VMP_EINVAL, and msg
 * names it and what was expected. Whatever else an object has is nobody's concern, so that a newer policyd may say
 * more.
 */
#ifndef FIELD_H
#define FIELD_H

#include "coi.h"
#include "prefix.h"
#include "wg.h"

#include <jansson.h>

/** The whole of an answer: an object without a name twice. @return NULL, with msg: it is none. */
json_t *field_load(const char *text, size_t len, struct vmp_msg *msg);

/** 1 to room - 1 octets without control characters. */
VMP_CHECKED int field_text(const json_t *object, const char *name, char *out, size_t room, struct vmp_msg *msg);
/** A COI's name: 1 to 64 of A-Z a-z 0-9 . _ - */
VMP_CHECKED int field_coi(const json_t *object, const char *name, char out[65], struct vmp_msg *msg);
VMP_CHECKED int field_number(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out,
			     struct vmp_msg *msg);
VMP_CHECKED int field_bool(const json_t *object, const char *name, bool *out, struct vmp_msg *msg);
VMP_CHECKED int field_list(const json_t *object, const char *name, size_t max, const json_t **out, struct vmp_msg *msg);
/** 32 octets in base64. */
VMP_CHECKED int field_key(const json_t *object, const char *name, uint8_t out[VMP_COI_SECRET], struct vmp_msg *msg);
/** "192.0.2.1:51820", "[2001:db8::1]:51820"; "": sa_family 0. */
VMP_CHECKED int field_endpoint(const json_t *object, const char *name, union wg_endpoint *out, struct vmp_msg *msg);
/** The address of one machine. @param optional  "" is none, family 0. */
VMP_CHECKED int field_address(const json_t *object, const char *name, int family, bool optional, struct prefix *out,
			      struct vmp_msg *msg);
VMP_CHECKED int field_prefix(const json_t *object, const char *name, int family, bool optional, struct prefix *out,
			     struct vmp_msg *msg);
/** A UUID in lower case, which is not an object's member but a value. @param uuid  NULL: only the text is wanted. */
VMP_CHECKED int field_uuid(const json_t *value, char id[37], uint8_t uuid[VMP_COI_ID], struct vmp_msg *msg);

#endif
