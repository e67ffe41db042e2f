/** Text of any origin as JSON (jansson). */
#ifndef VMP_JSONTEXT_H
#define VMP_JSONTEXT_H

#include <jansson.h>

/** Text as JSON, whatever octets it is made of: "?" stands for those that are no UTF-8. @return NULL when out of
 * memory. */
json_t *vmp_json_text(const char *text);

/** A list as people type it: ["sw1:1/1","sw2"] out of "sw1:1/1, sw2".
 * @return to be freed; NULL when an item is empty, or nothing is left of memory. */
char *vmp_json_list(const char *text);

#endif
