#include "vm_request.h"

#include <stdio.h>
#include <string.h>

static int check_number(const char *name, json_int_t n, json_int_t max, struct vmp_msg *msg)
{
	return n >= 0 && n <= max ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: expected 0 to %lld", name, (long long)max);
}

static int copy_names(struct broker_ask *out, const char *product, const char *id, struct vmp_msg *msg)
{
	if (!product_name_is_good(product))
		return vmp_fail(msg, VMP_EINVAL, "product: expected 1 to %d printable characters", VMP_PRODUCT - 1);
	if (vmp_uuid_parse(id, strlen(id), out->id) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "request_id: expected a UUID");
	memcpy(out->product, product, strlen(product) + 1);
	return VMP_OK;
}

int vm_request_read(const char *text, size_t len, struct broker_ask *out, struct vmp_msg *msg)
{
	json_int_t seen = 0, has = 0, in_use = 0, wants = 0, least = 0;
	const char *product = "", *id = "";
	json_error_t why = { .text = "too long" };
	json_t *doc = len <= VM_REQUEST_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &why) : NULL;
	int err = doc ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "expected JSON: %s", why.text);

	if (doc && json_unpack_ex(doc, &why, JSON_STRICT, "{s:s, s:s, s:I, s?I, s?I, s?I, s?I}", "product", &product,
				  "request_id", &id, "wants", &wants, "seen", &seen, "has", &has, "in_use", &in_use,
				  "least", &least) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	if (err == VMP_OK)
		err = copy_names(out, product, id, msg);
	json_decref(doc);
	if (err == VMP_OK)
		err = check_number("wants", wants, 1, msg);
	if (err == VMP_OK)
		err = check_number("least", least, 1, msg);
	if (err == VMP_OK)
		err = check_number("has", has, VMP_LEASE_MAX, msg);
	if (err == VMP_OK)
		err = check_number("in_use", in_use, VMP_LEASE_MAX, msg);
	if (err == VMP_OK)
		err = check_number("seen", seen, INT64_MAX, msg);
	out->seen = seen;
	out->has = has;
	out->in_use = in_use;
	out->wants = wants;
	return err;
}

/* Text as JSON has it between quotation marks; what comes here is UTF-8 without control characters. */
static void quote(const char *text, char *out, size_t room)
{
	size_t at = 0;

	for (; *text && at + 2 < room; text++) {
		if (*text == '"' || *text == '\\')
			out[at++] = '\\';
		out[at++] = *text;
	}
	out[at] = '\0';
}

bool vm_answer_is_conflict(const struct broker_ask *ask, const struct broker_answer *answer)
{
	return answer->lease.stale || answer->lease.refused || (answer->lease.granted == 0 && ask->wants > 0);
}

size_t vm_answer_write(const struct broker_ask *ask, const struct broker_answer *answer, char out[VM_ANSWER_MAX])
{
	char product[2 * VMP_PRODUCT + 2], why[2 * SERVER_REASON + 2];
	const struct vmp_lease_answer *l = &answer->lease;
	bool conflict = vm_answer_is_conflict(ask, answer);
	int len;

	quote(ask->product, product, sizeof(product));
	quote(l->stale && !*answer->why ? "the request was made before the last answer" : answer->why, why,
	      sizeof(why));
	len = snprintf(out, VM_ANSWER_MAX,
		       "{\"product\":\"%s\",\"request_id\":\"%s\",\"seq\":%lld,\"granted\":%lld,\"duration_s\":%lld,"
		       "\"grace_s\":%lld,\"available\":%lld,\"reason\":\"%s\",\"short\":%s%s%s%s%s}",
		       product, ask->id, (long long)l->seq, (long long)l->granted,
		       (long long)(l->granted ? l->life_ms / 1000 : 0),
		       (long long)(l->granted ? l->grace_ms / 1000 : 0), (long long)l->available, why,
		       l->is_short ? "true" : "false", l->stale ? ",\"stale\":true" : "",
		       conflict ? ",\"error\":\"" : "", conflict ? why : "", conflict ? "\"" : "");
	return len > 0 && len < VM_ANSWER_MAX ? (size_t)len : 0;
}
