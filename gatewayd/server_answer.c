#include "server_answer.h"

#include <string.h>

/* A server that grants for longer than a lease can last is not to be counted on for longer. */
#define LIFE_S (VMP_LEASE_LIFE_MS / 1000)

bool product_name_is_good(const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++) {
		if (name[i] < ' ' || name[i] > '~')
			return false;
	}
	return len > 0 && len < VMP_PRODUCT;
}

static json_t *load(const char *text, size_t len, struct vmp_msg *msg)
{
	json_error_t why = { .text = "too long" };
	json_t *json = len <= SERVER_ANSWER_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &why) : NULL;

	if (!json)
		vmp_fail(msg, VMP_EINVAL, "expected JSON: %s", why.text);
	return json;
}

/* -- answers ------------------------------------------------------------------------------------------------------ */

/* The numbers of an answer, and how large they may be; all begin with 0. */
static const struct {
	const char *name;
	size_t offset;
	int64_t max;
	int64_t times; /* what one is in the struct */
} numbers[] = {
	{ "seq", offsetof(struct server_answer, seq), INT64_MAX, 1 },
	{ "granted", offsetof(struct server_answer, granted), VMP_LEASE_MAX, 1 },
	{ "duration_s", offsetof(struct server_answer, life_ms), LIFE_S, 1000 },
	{ "grace_s", offsetof(struct server_answer, grace_ms), LIFE_S, 1000 },
	{ "available", offsetof(struct server_answer, available), INT64_MAX, 1 },
};

static int read_numbers(const json_t *doc, struct server_answer *out, struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const json_t *value = json_object_get(doc, numbers[i].name);
		json_int_t n = json_integer_value(value);

		if (!json_is_integer(value) || n < 0 || n > numbers[i].max)
			return vmp_fail(msg, VMP_EINVAL, "%s: expected 0 to %lld", numbers[i].name,
					(long long)numbers[i].max);
		*(int64_t *)(void *)((char *)out + numbers[i].offset) = n * numbers[i].times;
	}
	return VMP_OK;
}

/* One line; a long one is cut. */
static void copy_reason(char out[SERVER_REASON], const char *text)
{
	size_t len = text ? strlen(text) : 0, i;

	if (len >= SERVER_REASON)
		len = SERVER_REASON - 1;
	if (len)
		memcpy(out, text, len);
	/* Not within a character. */
	while (len && text && text[len] && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	out[len] = '\0';
	for (i = 0; i < len; i++) {
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = '?';
	}
}

static bool is_uuid(const json_t *value)
{
	char uuid[VMP_UUID_TEXT];
	const char *text = json_string_value(value);

	return text && vmp_uuid_parse(text, json_string_length(value), uuid) == VMP_OK && strcmp(text, uuid) == 0;
}

static int check_refused(const json_t *list, struct vmp_msg *msg)
{
	const json_t *one;
	size_t i;

	if (list && !json_is_array(list))
		return vmp_fail(msg, VMP_EINVAL, "refused: expected a list");
	json_array_foreach(list, i, one) {
		if (!is_uuid(json_object_get(one, "id")) || !json_is_string(json_object_get(one, "reason")))
			return vmp_fail(msg, VMP_EINVAL, "refused: expected a UUID and a reason");
	}
	return VMP_OK;
}

static int read_names(const json_t *doc, struct server_answer *out, struct vmp_msg *msg)
{
	const json_t *id = json_object_get(doc, "request_id");
	const char *product = json_string_value(json_object_get(doc, "product"));

	if (!product || !product_name_is_good(product))
		return vmp_fail(msg, VMP_EINVAL, "product: expected 1 to %d printable characters", VMP_PRODUCT - 1);
	if (!is_uuid(id))
		return vmp_fail(msg, VMP_EINVAL, "request_id: expected a UUID");
	memcpy(out->product, product, strlen(product) + 1);
	memcpy(out->request_id, json_string_value(id), VMP_UUID_TEXT);
	copy_reason(out->reason, json_string_value(json_object_get(doc, "reason")));
	return VMP_OK;
}

int server_answer_read(const char *text, size_t len, struct server_answer *out, struct vmp_msg *msg)
{
	const json_t *licensed;
	int err;

	memset(out, 0, sizeof(*out));
	out->doc = load(text, len, msg);
	err = out->doc ? read_names(out->doc, out, msg) : VMP_EINVAL;
	if (err == VMP_OK)
		err = read_numbers(out->doc, out, msg);
	if (err != VMP_OK)
		return err;
	out->stale = json_is_true(json_object_get(out->doc, "stale"));
	out->is_short = json_is_true(json_object_get(out->doc, "short"));
	licensed = json_object_get(out->doc, "licensed");
	out->licensed = json_is_integer(licensed) && json_integer_value(licensed) >= 0 ? json_integer_value(licensed)
										       : -1;
	out->refused = json_object_get(out->doc, "refused");
	return check_refused(out->refused, msg);
}

void server_answer_clear(struct server_answer *answer)
{
	json_decref(answer->doc);
	answer->doc = answer->refused = NULL;
}

void server_error_read(const char *text, size_t len, int status, char out[SERVER_REASON])
{
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *sentence = json_string_value(json_object_get(doc, "error"));
	struct vmp_msg line = { "" };

	if (sentence && *sentence)
		(void)vmp_fail(&line, 0, "%s", sentence);
	else
		(void)vmp_fail(&line, 0, "the server answers with status %d", status);
	copy_reason(out, line.text);
	json_decref(doc);
}

/* -- the watch ---------------------------------------------------------------------------------------------------- */

static int check_uuids(const json_t *list, const char *name, struct vmp_msg *msg)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(list))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a list of UUIDs", name);
	json_array_foreach(list, i, one) {
		if (!is_uuid(one))
			return vmp_fail(msg, VMP_EINVAL, "%s: expected UUIDs", name);
	}
	return VMP_OK;
}

static int check_products(const json_t *list, struct vmp_msg *msg)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(list))
		return vmp_fail(msg, VMP_EINVAL, "short: expected a list of products");
	json_array_foreach(list, i, one) {
		if (!json_is_string(one) || !product_name_is_good(json_string_value(one)))
			return vmp_fail(msg, VMP_EINVAL, "short: expected products");
	}
	return VMP_OK;
}

static int check_licensed(json_t *object, struct vmp_msg *msg)
{
	const char *product;
	json_t *list;
	int err = json_is_object(object)
			  ? VMP_OK
			  : vmp_fail(msg, VMP_EINVAL, "licensed: expected an object of lists, since full is true");

	if (err != VMP_OK)
		return err;
	json_object_foreach(object, product, list) {
		if (!product_name_is_good(product))
			return vmp_fail(msg, VMP_EINVAL, "licensed: expected products");
		err = check_uuids(list, "licensed", msg);
		if (err != VMP_OK)
			return err;
	}
	return VMP_OK;
}

int server_watch_read(const char *text, size_t len, struct server_watch *out, struct vmp_msg *msg)
{
	const json_t *version;
	int err = VMP_OK;

	memset(out, 0, sizeof(*out));
	out->doc = load(text, len, msg);
	if (!out->doc)
		return VMP_EINVAL;
	version = json_object_get(out->doc, "version");
	if (!json_is_integer(version) || json_integer_value(version) < 0)
		return vmp_fail(msg, VMP_EINVAL, "version: expected a number");
	out->version = json_integer_value(version);
	out->full = json_is_true(json_object_get(out->doc, "full"));
	out->stopped = json_object_get(out->doc, "stopped");
	out->shorts = json_object_get(out->doc, "short");
	out->licensed = out->full ? json_object_get(out->doc, "licensed") : NULL;
	if (out->stopped)
		err = check_uuids(out->stopped, "stopped", msg);
	if (err == VMP_OK && out->shorts)
		err = check_products(out->shorts, msg);
	return err == VMP_OK && out->full ? check_licensed(out->licensed, msg) : err;
}

void server_watch_clear(struct server_watch *watch)
{
	json_decref(watch->doc);
	memset(watch, 0, sizeof(*watch));
}
