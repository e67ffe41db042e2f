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
