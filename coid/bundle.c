#include "bundle.h"
#include "inifile_named.h"
#include "jsontext.h"

#include <stdlib.h>
#include <string.h>

#define HTTPS "https://"

static bool is_uuid(const char *text)
{
	char lower[VMP_UUID_TEXT];

	return vmp_uuid_parse(text, strlen(text), lower) == VMP_OK && strcmp(lower, text) == 0;
}

static bool is_label(const char *text)
{
	return vmp_ini_is_name(text, "", BUNDLE_LABEL) && strcmp(text, "host") != 0;
}

static bool is_url(const char *text)
{
	return strncmp(text, HTTPS, sizeof(HTTPS) - 1) == 0 &&
	       vmp_ini_is_name(text + sizeof(HTTPS) - 1, ":[]/", VMP_INI_TEXT);
}

static bool is_host(const char *text)
{
	return !*text || vmp_ini_is_name(text, ":", BUNDLE_HOST);
}

static bool is_product(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

static bool is_token(const char *text)
{
	return !*text || identity_token_is_one(text);
}

static bool is_any(const char *text)
{
	(void)text;
	return true;
}

#define MEMBER(name, into, is_good, needed, expected)                                                                  \
	{                                                                                                              \
		name, offsetof(struct bundle, into), sizeof(((struct bundle *)0)->into), is_good, needed, expected     \
	}

static const struct {
	const char *name;
	size_t offset, room;
	bool (*is_good)(const char *text);
	bool needed;
	const char *expected;
} members[] = {
	MEMBER("uuid", uuid, is_uuid, true, "a UUID in lower case"),
	MEMBER("name", name, is_any, false, "at most 128 octets"),
	MEMBER("template", label, is_label, true, "the name of a template"),
	MEMBER("policyd", policyd, is_url, true, "https://HOST:PORT"),
	MEMBER("gateway", gateway, is_host, false, "a DNS name or an address"),
	MEMBER("licence_product", product, is_product, false, "at most 64 printable characters"),
	MEMBER("token", token, is_token, false, "a join token"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int take_text(const json_t *json, size_t i, struct bundle *out, struct vmp_msg *msg)
{
	const json_t *value = json_object_get(json, members[i].name);
	const char *text = value ? json_string_value(value) : "";
	size_t len = text ? strlen(text) : 0;

	if (!value && !members[i].needed)
		return VMP_OK;
	if (!value || !text || len >= members[i].room || !members[i].is_good(text))
		return vmp_fail(msg, VMP_EINVAL, "join bundle: %s: expected %s", members[i].name, members[i].expected);
	memcpy((char *)out + members[i].offset, text, len + 1);
	return VMP_OK;
}

static int take_ca(const json_t *json, struct bundle *out, struct vmp_msg *msg)
{
	const char *ca = json_string_value(json_object_get(json, "ca"));

	if (!ca || strlen(ca) > BUNDLE_CA || !strstr(ca, "-----BEGIN CERTIFICATE-----"))
		return vmp_fail(msg, VMP_EINVAL, "join bundle: ca: expected certificates in PEM, of at most %d octets",
				BUNDLE_CA);
	out->ca = strdup(ca);
	return out->ca ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");
}

/* In this machine's own copy alone. */
static int take_used(const json_t *json, struct bundle *out, struct vmp_msg *msg)
{
	const json_t *used = json_object_get(json, "used");
	size_t i, n = json_array_size(used);
	uint8_t digest[VMP_DIGEST];

	if (used && (!json_is_array(used) || n > BUNDLE_USED))
		return vmp_fail(msg, VMP_EINVAL, "join bundle: used: expected at most %d marks", BUNDLE_USED);
	for (i = 0; i < n; i++) {
		const char *mark = json_string_value(json_array_get(used, i));

		if (!mark || vmp_unhex(mark, strlen(mark), digest, sizeof(digest)) != VMP_OK)
			return vmp_fail(msg, VMP_EINVAL, "join bundle: used: expected a mark");
		vmp_hex(digest, sizeof(digest), out->used[i]);
	}
	return VMP_OK;
}

int bundle_read(const char *text, size_t len, struct bundle *out, struct vmp_msg *msg)
{
	json_error_t why = { .text = "too long" };
	json_t *json = len <= BUNDLE_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &why) : NULL;
	int err = VMP_OK;
	size_t i;

	memset(out, 0, sizeof(*out));
	/* Not the reader's words for what is wrong: they may quote a token. */
	if (!json_is_object(json))
		err = vmp_fail(msg, VMP_EINVAL, "expected a join bundle: an object in JSON of at most %d octets",
			       BUNDLE_MAX);
	for (i = 0; i < COUNT(members) && err == VMP_OK; i++)
		err = take_text(json, i, out, msg);
	if (err == VMP_OK)
		err = take_ca(json, out, msg);
	if (err == VMP_OK)
		err = take_used(json, out, msg);
	if (json_object_get(json, "token"))
		vmp_wipe((char *)(uintptr_t)json_string_value(json_object_get(json, "token")),
			 json_string_length(json_object_get(json, "token")));
	json_decref(json);
	return err;
}

int bundle_write(const struct bundle *b, char **out, struct vmp_msg *msg)
{
	json_t *json = json_object(), *used = json_array();
	int i, rc = json && used ? 0 : -1;
	size_t at;

	for (at = 0; at < COUNT(members) && rc == 0; at++) {
		const char *text = (const char *)b + members[at].offset;

		if (*text || members[at].needed)
			rc = json_object_set_new(json, members[at].name, json_string(text));
	}
	for (i = 0; i < BUNDLE_USED && *b->used[i] && rc == 0; i++)
		rc = json_array_append_new(used, json_string(b->used[i]));
	if (rc == 0)
		rc = json_object_set_new(json, "ca", json_string(b->ca));
	rc |= json_object_set_new(json, "used", used);
	*out = rc == 0 ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	return *out ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");
}

void bundle_clear(struct bundle *b)
{
	free(b->ca);
	vmp_wipe(b, sizeof(*b));
}

/* -- tokens ------------------------------------------------------------------------------------------------------- */

static void mark_of(const char *token, char mark[BUNDLE_MARK])
{
	uint8_t digest[VMP_DIGEST];

	vmp_digest(token, strlen(token), digest);
	vmp_hex(digest, sizeof(digest), mark);
}

bool bundle_is_same(const struct bundle *a, const struct bundle *b)
{
	return strcmp(a->uuid, b->uuid) == 0 && strcmp(a->ca, b->ca) == 0;
}

bool bundle_is_used(const struct bundle *found, const struct bundle *own)
{
	char mark[BUNDLE_MARK];
	int i;

	if (!*found->token)
		return true;
	mark_of(found->token, mark);
	for (i = 0; i < BUNDLE_USED; i++) {
		if (vmp_same(mark, own->used[i], sizeof(mark)))
			return true;
	}
	return false;
}

void bundle_use(struct bundle *b)
{
	char mark[BUNDLE_MARK];

	if (!*b->token)
		return;
	mark_of(b->token, mark);
	vmp_wipe(b->token, sizeof(b->token));
	memmove(b->used[1], b->used[0], sizeof(b->used) - sizeof(b->used[0]));
	memcpy(b->used[0], mark, sizeof(mark));
}
