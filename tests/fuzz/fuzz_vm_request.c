/* A VM's lease request, and the answer that is written for it. */
#include "../../gatewayd/vm_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct broker_ask *ask, const uint8_t *data, size_t size)
{
	struct broker_answer answer = {
		.lease = { .seq = INT64_MAX, .granted = 1, .life_ms = INT64_MAX, .refused = true }
	};
	char text[VM_ANSWER_MAX], uuid[VMP_UUID_TEXT];
	size_t len, i, max = size < SERVER_REASON - 1 ? size : SERVER_REASON - 1;
	json_t *json;

	/* What a reason may be: ASCII without control characters here. */
	for (i = 0; i < max; i++)
		answer.why[i] = (char)(' ' + data[i] % 95);
	len = vm_answer_write(ask, &answer, text);
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json || strcmp(json_string_value(json_object_get(json, "product")), ask->product) != 0 ||
	    strcmp(json_string_value(json_object_get(json, "error")), answer.why) != 0 ||
	    vmp_uuid_parse(ask->id, strlen(ask->id), uuid) != VMP_OK)
		abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct broker_ask ask = { .uuid = "" };
	struct vmp_msg msg = { "" };
	int err = vm_request_read((const char *)data, size, &ask, &msg);

	if ((err != VMP_OK) != (*msg.text != '\0'))
		abort();
	if (err != VMP_OK)
		return 0;
	if (ask.wants < 0 || ask.wants > 1 || ask.seen < 0 || ask.has < 0 || ask.in_use < 0)
		abort();
	check_answer(&ask, data, size);
	return 0;
}
