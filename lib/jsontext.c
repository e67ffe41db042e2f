#include "jsontext.h"

#include <stdlib.h>
#include <string.h>

json_t *vmp_json_text(const char *text)
{
	json_t *out = json_string(text);
	char *copy, *c;

	if (out)
		return out;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (c = copy; *c; c++) {
		if (*c & 0x80)
			*c = '?';
	}
	out = json_string(copy);
	free(copy);
	return out;
}
