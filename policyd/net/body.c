#include "body.h"
#include "mac.h"

#include <jansson.h>
#include <string.h>

static json_t *load(const char *text, size_t len, struct vmp_msg *msg)
{
	json_error_t why;
	json_t *json = len <= BODY_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &why) : NULL;

	if (!json)
		vmp_fail(msg, VMP_EINVAL, "expected JSON: %s", len <= BODY_MAX ? why.text : "the body is too large");
	return json;
}

static int copy(char *out, size_t room, const char *text, const char *name, struct vmp_msg *msg)
{
	if (strlen(text) >= room)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu octets", name, room - 1);
	memcpy(out, text, strlen(text) + 1);
	return VMP_OK;
}

int body_start(const char *text, size_t len, struct message *m, struct vmp_msg *msg)
{
	const char *mac, *template, *name = "";
	json_error_t why;
	json_t *json = load(text, len, msg);
	int err = json ? VMP_OK : VMP_EINVAL;

	if (json && json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s?s}", "mac", &mac, "template", &template,
				   "name", &name) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	if (err == VMP_OK && vmp_mac_parse(mac, strlen(mac), &m->mac) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "mac: expected a unicast MAC address such as 52:54:00:aa:bb:cc");
	if (err == VMP_OK && !*template)
		err = vmp_fail(msg, VMP_EINVAL, "template: expected a name");
	if (err == VMP_OK)
		err = copy(m->label, VMP_COI_NAME, template, "template", msg);
	if (err == VMP_OK)
		err = copy(m->name, sizeof(m->name), name, "name", msg);
	json_decref(json);
	return err;
}

int body_self(const char *text, size_t len, struct message *m, struct vmp_msg *msg)
{
	const char *key, *endpoint;
	json_error_t why;
	json_t *json = load(text, len, msg);
	int err = json ? VMP_OK : VMP_EINVAL;

	if (json &&
	    json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s}", "wireguard_key", &key, "endpoint", &endpoint) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	if (err == VMP_OK)
		err = copy(m->wg_key, sizeof(m->wg_key), key, "wireguard_key", msg);
	if (err == VMP_OK && strlen(key) != 44)
		err = vmp_fail(msg, VMP_EINVAL, "wireguard_key: expected base64 of 32 octets");
	if (err == VMP_OK)
		err = copy(m->endpoint, sizeof(m->endpoint), endpoint, "endpoint", msg);
	json_decref(json);
	return err;
}

int body_ack(const char *text, size_t len, struct message *m, struct vmp_msg *msg)
{
	json_int_t epoch = 0;
	json_error_t why;
	json_t *json = load(text, len, msg);
	int err = json ? VMP_OK : VMP_EINVAL;

	if (json && json_unpack_ex(json, &why, JSON_STRICT, "{s:I}", "epoch", &epoch) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	if (err == VMP_OK && (epoch < 1 || epoch > INT32_MAX))
		err = vmp_fail(msg, VMP_EINVAL, "epoch: expected 1 to %d", INT32_MAX);
	m->epoch = err == VMP_OK ? (uint32_t)epoch : 0;
	json_decref(json);
	return err;
}

/* A UUID's text, canonical, in octets. */
static void uuid_octets(const char *text, uint8_t out[MESSAGE_UUID])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	memset(out, 0, MESSAGE_UUID);
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			continue;
		out[n / 2] = (uint8_t)(out[n / 2] << 4 | (digit - digits));
		n++;
	}
}

static int uuid_list(json_t *list, const char *name, uint8_t *room, uint32_t *at, uint32_t *n, struct vmp_msg *msg)
{
	char uuid[VMP_UUID_TEXT];
	json_t *item;
	size_t i;

	if (list && !json_is_array(list))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a list of UUIDs", name);
	*n = 0;
	json_array_foreach(list, i, item) {
		if (!json_is_string(item) ||
		    vmp_uuid_parse(json_string_value(item), json_string_length(item), uuid) != VMP_OK)
			return vmp_fail(msg, VMP_EINVAL, "%s: expected a list of UUIDs", name);
		if (*at == MESSAGE_UUIDS)
			return vmp_fail(msg, VMP_EINVAL, "started, stopped: expected at most %d UUIDs together",
					MESSAGE_UUIDS);
		uuid_octets(uuid, room + (size_t)MESSAGE_UUID * (*at)++);
		++*n;
	}
	return VMP_OK;
}

/* The numbers of a request for licences. */
struct amounts {
	json_int_t seen, has, in_use, wants, least, elsewhere;
};

static int take_amounts(const struct amounts *a, struct message_lease *l, struct vmp_msg *msg)
{
	const struct {
		const char *name;
		json_int_t value, most;
		uint64_t *out;
	} all[] = {
		{ "seen", a->seen, INT64_MAX, &l->seen },
		{ "has", a->has, VMP_LEASE_MAX, &l->has },
		{ "in_use", a->in_use, VMP_LEASE_MAX, &l->in_use },
		{ "wants", a->wants, VMP_LEASE_MAX, &l->wants },
		{ "least", a->least, VMP_LEASE_MAX, &l->least },
		{ "elsewhere", a->elsewhere, VMP_LEASE_MAX, &l->elsewhere },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].value < 0 || all[i].value > all[i].most)
			return vmp_fail(msg, VMP_EINVAL, "%s: expected 0 to %lld", all[i].name, (long long)all[i].most);
		*all[i].out = (uint64_t)all[i].value;
	}
	return VMP_OK;
}

/* What has been unpacked. */
static int take_lease(const char *product, const char *id, const struct amounts *a, json_t *started, json_t *stopped,
		      struct message_lease *l, struct vmp_msg *msg)
{
	static uint8_t uuids[MESSAGE_UUIDS * MESSAGE_UUID];
	uint32_t at = 0;
	int err = copy(l->product, sizeof(l->product), product, "product", msg);

	if (err == VMP_OK && !*product)
		err = vmp_fail(msg, VMP_EINVAL, "product: expected a name");
	if (err == VMP_OK && vmp_uuid_parse(id, strlen(id), l->id) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "request_id: expected a UUID");
	if (err == VMP_OK)
		err = take_amounts(a, l, msg);
	if (err == VMP_OK)
		err = uuid_list(started, "started", uuids, &at, &l->n_started, msg);
	if (err == VMP_OK)
		err = uuid_list(stopped, "stopped", uuids, &at, &l->n_stopped, msg);
	l->uuids = uuids;
	return err;
}

int body_lease(const char *text, size_t len, struct message *m, struct vmp_msg *msg)
{
	struct amounts a = { .least = 1 };
	json_t *started = NULL, *stopped = NULL, *json = load(text, len, msg);
	const char *product, *id;
	json_error_t why;
	int all = 0, err = json ? VMP_OK : VMP_EINVAL;

	if (json && json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s?I, s?I, s?I, s:I, s?I, s?o, s?o, s?b, s?I}",
				   "product", &product, "request_id", &id, "seen", &a.seen, "has", &a.has, "in_use",
				   &a.in_use, "wants", &a.wants, "least", &a.least, "started", &started, "stopped",
				   &stopped, "all", &all, "elsewhere", &a.elsewhere) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	if (err == VMP_OK)
		err = take_lease(product, id, &a, started, stopped, &m->lease, msg);
	m->lease.all = err == VMP_OK && all;
	json_decref(json);
	return err;
}

int body_none(const char *text, size_t len, struct vmp_msg *msg)
{
	json_t *json = len ? load(text, len, msg) : NULL;
	int err = VMP_OK;

	if (len && !json)
		err = VMP_EINVAL;
	else if (json && (!json_is_object(json) || json_object_size(json) != 0))
		err = vmp_fail(msg, VMP_EINVAL, "expected no body, or {}");
	json_decref(json);
	return err;
}
