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

char *vmp_json_list(const char *text)
{
	json_t *list = json_array();
	char *out = NULL;

	while (text && *text) {
		size_t n = strcspn(text, ","), lead = strspn(text, " "), end = n;

		while (end > lead && text[end - 1] == ' ')
			end--;
		if (end <= lead || json_array_append_new(list, json_stringn(text + lead, end - lead)) != 0 ||
		    (text[n] && !text[n + 1]))
			goto done;
		text += n + (text[n] == ',');
	}
	out = json_dumps(list, JSON_COMPACT);
done:
	json_decref(list);
	return out;
}
