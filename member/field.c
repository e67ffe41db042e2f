#include "field.h"
#include "est.h"

#include <arpa/inet.h>
#include <string.h>

#define COI_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

json_t *field_load(const char *text, size_t len, struct vmp_msg *msg)
{
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!json)
		vmp_fail(msg, VMP_EINVAL, "expected JSON: %s", why.text);
	return json;
}

/* -- what JSON itself has --------------------------------------------------------------------------------------- */

static int get_text(const json_t *object, const char *name, const char **out, struct vmp_msg *msg)
{
	/* jansson refuses a NUL within a text. */
	*out = json_string_value(json_object_get(object, name));
	return *out ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: expected a text", name);
}

int field_text(const json_t *object, const char *name, char *out, size_t room, struct vmp_msg *msg)
{
	const char *text;
	size_t len, i;
	int err = get_text(object, name, &text, msg);

	if (err)
		return err;
	len = strlen(text);
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return vmp_fail(msg, VMP_EINVAL, "%s: expected no control characters", name);
	}
	if (len < 1 || len >= room)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected 1 to %zu octets", name, room - 1);
	memcpy(out, text, len + 1);
	return VMP_OK;
}

int field_coi(const json_t *object, const char *name, char out[65], struct vmp_msg *msg)
{
	char text[65];
	int err = field_text(object, name, text, sizeof(text), msg);

	if (!err && text[strspn(text, COI_CHARS)])
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected a COI's name of A-Z a-z 0-9 . _ -", name);
	if (!err)
		memcpy(out, text, sizeof(text));
	return err;
}

int field_number(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out, struct vmp_msg *msg)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a number from %lld to %lld", name, (long long)min,
				(long long)max);
	*out = json_integer_value(value);
	return VMP_OK;
}

int field_bool(const json_t *object, const char *name, bool *out, struct vmp_msg *msg)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_boolean(value))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected true or false", name);
	*out = json_is_true(value);
	return VMP_OK;
}

int field_list(const json_t *object, const char *name, size_t max, const json_t **out, struct vmp_msg *msg)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_array(value))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a list", name);
	if (json_array_size(value) > max)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu", name, max);
	*out = value;
	return VMP_OK;
}

/* -- what texts stand for --------------------------------------------------------------------------------------- */

int field_key(const json_t *object, const char *name, uint8_t out[VMP_COI_SECRET], struct vmp_msg *msg)
{
	uint8_t key[VMP_COI_SECRET + 2];
	size_t len = sizeof(key);
	const char *text;
	int err = get_text(object, name, &text, msg);

	if (err)
		return err;
	if (strlen(text) != 44 || vmp_unbase64(text, 44, key, &len) != VMP_OK || len != VMP_COI_SECRET)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected %d octets in base64", name, VMP_COI_SECRET);
	memcpy(out, key, VMP_COI_SECRET);
	return VMP_OK;
}

int field_uuid(const json_t *value, char id[37], uint8_t uuid[VMP_COI_ID], struct vmp_msg *msg)
{
	const char *text = json_string_value(value);
	char lower[37], hex[33];
	size_t i, at = 0;

	if (!text || vmp_uuid_parse(text, strlen(text), lower) != VMP_OK || strcmp(text, lower) != 0)
		return vmp_fail(msg, VMP_EINVAL, "expected a UUID in lower case");
	memcpy(id, lower, sizeof(lower));
	if (!uuid)
		return VMP_OK;
	for (i = 0; lower[i]; i++) {
		if (lower[i] != '-')
			hex[at++] = lower[i];
	}
	return vmp_unhex(hex, at, uuid, VMP_COI_ID);
}

int field_prefix(const json_t *object, const char *name, int family, bool optional, struct prefix *out,
		 struct vmp_msg *msg)
{
	struct prefix prefix = { .family = 0 };
	struct vmp_msg why = { "expected one" };
	const char *text;
	int err = get_text(object, name, &text, msg);

	if (err)
		return err;
	if (*text || !optional)
		err = *text ? prefix_read(text, &prefix, &why) : VMP_EINVAL;
	if (!err && prefix.family && prefix.family != family)
		err = vmp_fail(&why, VMP_EINVAL, "expected one of IPv%c", family == AF_INET ? '4' : '6');
	if (err)
		return vmp_fail(msg, VMP_EINVAL, "%s: %s", name, why.text);
	*out = prefix;
	return VMP_OK;
}

/* Can it be a machine's? */
static bool is_host(const struct prefix *a)
{
	struct in6_addr six;

	if (a->family == AF_INET)
		return a->bits == 32 && a->address[0] != 0 && a->address[0] != 127 && a->address[0] < 224;
	memcpy(&six, a->address, sizeof(six));
	return a->bits == 128 && !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_LOOPBACK(&six) &&
	       !IN6_IS_ADDR_MULTICAST(&six) && !IN6_IS_ADDR_LINKLOCAL(&six);
}

int field_address(const json_t *object, const char *name, int family, bool optional, struct prefix *out,
		  struct vmp_msg *msg)
{
	struct prefix address;
	int err = field_prefix(object, name, family, optional, &address, msg);

	if (!err && address.family && !is_host(&address))
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected the address of a machine", name);
	if (!err)
		*out = address;
	return err;
}

/* 1 to 5 digits. @return 0: none. */
static uint16_t read_port(const char *text)
{
	unsigned port = 0;
	size_t i;

	for (i = 0; i < 5 && text[i] >= '0' && text[i] <= '9'; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	return text[i] == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool read_ipv4(const char *address, uint16_t port, struct sockaddr_in *out)
{
	out->sin_family = AF_INET;
	out->sin_port = htons(port);
	return inet_pton(AF_INET, address, &out->sin_addr) == 1 && ntohl(out->sin_addr.s_addr) >> 24 != 0 &&
	       ntohl(out->sin_addr.s_addr) >> 24 < 224;
}

static bool read_ipv6(const char *address, uint16_t port, struct sockaddr_in6 *out)
{
	out->sin6_family = AF_INET6;
	out->sin6_port = htons(port);
	return inet_pton(AF_INET6, address, &out->sin6_addr) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&out->sin6_addr) &&
	       !IN6_IS_ADDR_MULTICAST(&out->sin6_addr);
}

static bool read_endpoint(const char *text, union wg_endpoint *out)
{
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint16_t port = colon ? read_port(colon + 1) : 0;
	char address[INET6_ADDRSTRLEN];

	if (!port || (six && (len < 2 || text[len - 1] != ']')))
		return false;
	len -= six ? 2 : 0;
	if (len >= sizeof(address))
		return false;
	memcpy(address, text + six, len);
	address[len] = '\0';
	return six ? read_ipv6(address, port, &out->in6) : read_ipv4(address, port, &out->in);
}

int field_endpoint(const json_t *object, const char *name, union wg_endpoint *out, struct vmp_msg *msg)
{
	union wg_endpoint endpoint;
	const char *text;
	int err = get_text(object, name, &text, msg);

	memset(&endpoint, 0, sizeof(endpoint));
	if (!err && *text && !read_endpoint(text, &endpoint))
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected 192.0.2.1:51820 or [2001:db8::1]:51820", name);
	if (!err)
		*out = endpoint;
	return err;
}
