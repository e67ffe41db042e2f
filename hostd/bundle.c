#include "bundle.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

int bundle_check(const char *body, size_t len, const char *uuid, struct vmp_msg *msg)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *whose = json_string_value(json_object_get(json, "uuid"));
	bool good = whose && strcmp(whose, uuid) == 0 && json_string_value(json_object_get(json, "token"));

	json_decref(json);
	return good ? VMP_OK : vmp_fail(msg, VMP_EIO, "policyd: expected a join bundle for %s", uuid);
}
