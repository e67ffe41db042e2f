#include "answer.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

static const struct {
	int status, err;
} known[] = { { 400, VMP_EINVAL }, { 401, VMP_EACCES }, { 403, VMP_EACCES }, { 404, VMP_ENOENT },
	      { 405, VMP_EINVAL }, { 409, VMP_EEXIST }, { 413, VMP_EINVAL }, { 415, VMP_EINVAL } };

int answer_read(int status, const char *body, size_t len, const char *why, struct vmp_msg *msg)
{
	const char *sentence = NULL;
	int err = VMP_EIO;
	json_t *json;
	size_t i;

	if (status == 0)
		return vmp_fail(msg, VMP_EIO, "%s", why);
	if (status / 100 == 2)
		return VMP_OK;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status == status)
			err = known[i].err;
	}
	json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	sentence = json_string_value(json_object_get(json, "error"));
	if (sentence)
		vmp_fail(msg, err, "policyd: %s (%d)", sentence, status);
	else
		vmp_fail(msg, err, "policyd: status %d", status);
	json_decref(json);
	return err;
}
