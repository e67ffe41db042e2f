#include "source.h"

#include <stdio.h>
#include <string.h>

/* Name space of the UUIDs that MAC addresses settle.  It never changes: a guest would be another. */
#define MAC_SPACE "5f1d9a86-3c0e-4b57-9f62-8f0b7c2ad4e1"

struct reading {
	struct guest_info *out;
	struct vmp_msg *msg;
};

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static int take_mac(struct reading *r, const char *value)
{
	struct guest_info *out = r->out;
	uint64_t mac;
	int i;

	if (vmp_mac_parse(value, strlen(value), &mac) != VMP_OK)
		return vmp_fail(r->msg, VMP_EINVAL, "mac: expected a unicast MAC address such as 52:54:00:aa:bb:cc");
	for (i = 0; i < out->n_nic; i++) {
		if (out->nic[i].mac == mac)
			return vmp_fail(r->msg, VMP_EINVAL, "mac: %s is given twice", value);
	}
	if (out->n_nic == GUEST_NICS)
		return vmp_fail(r->msg, VMP_EINVAL, "mac: expected at most %d", GUEST_NICS);
	out->nic[out->n_nic++].mac = mac;
	return VMP_OK;
}

static int take_text(struct reading *r, const char *word, char *out, size_t room, const char *value)
{
	if (*out)
		return vmp_fail(r->msg, VMP_EINVAL, "%s: given twice", word);
	if (strlen(value) >= room)
		return vmp_fail(r->msg, VMP_EINVAL, "%s: expected at most %zu octets", word, room - 1);
	memcpy(out, value, strlen(value) + 1);
	return VMP_OK;
}

static int take_uuid(struct reading *r, const char *value)
{
	char uuid[VMP_UUID_TEXT];

	if (vmp_uuid_parse(value, strlen(value), uuid) != VMP_OK)
		return vmp_fail(r->msg, VMP_EINVAL, "uuid: expected a UUID");
	return take_text(r, "uuid", r->out->uuid, sizeof(r->out->uuid), uuid);
}

static int take_name(struct reading *r, const char *value)
{
	return take_text(r, "name", r->out->name, sizeof(r->out->name), value);
}

static int take_template(struct reading *r, const char *value)
{
	return take_text(r, "template", r->out->template_name, sizeof(r->out->template_name), value);
}

static const struct {
	const char *word;
	int (*take)(struct reading *r, const char *value);
} words[] = {
	{ "mac", take_mac },
	{ "uuid", take_uuid },
	{ "name", take_name },
	{ "template", take_template },
};

static int take(struct reading *r, char *word)
{
	char *value = strchr(word, '=');
	size_t i;

	if (!value || !value[1] || !is_printable(word))
		return vmp_fail(r->msg, VMP_EINVAL, "\"%s\": expected word=value", word);
	*value++ = '\0';
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) == 0)
			return words[i].take(r, value);
	}
	return vmp_fail(r->msg, VMP_EINVAL, "%s: expected mac, uuid, name or template", word);
}

int source_alias_read(const char *alias, struct guest_info *out, struct vmp_msg *msg)
{
	struct guest_info info = { .source = GUEST_NETLINK };
	struct reading r = { &info, msg };
	char text[LINK_ALIAS], *rest = text, *word;
	int err = VMP_OK;

	if (snprintf(text, sizeof(text), "%s", alias) >= (int)sizeof(text))
		return vmp_fail(msg, VMP_EINVAL, "expected at most %zu octets", sizeof(text) - 1);
	word = strsep(&rest, " ");
	if (strcmp(word, "vmprov") != 0)
		return vmp_fail(msg, VMP_ENOENT, "expected vmprov as its first word");
	while (err == VMP_OK && (word = strsep(&rest, " "))) {
		if (*word)
			err = take(&r, word);
	}
	if (err == VMP_OK)
		*out = info;
	return err;
}

void source_uuid_of_mac(uint64_t mac, char out[VMP_UUID_TEXT])
{
	char text[VMP_MAC_TEXT];

	vmp_mac_format(mac, text);
	if (vmp_uuid_of_name(MAC_SPACE, text, strlen(text), out) != VMP_OK)
		*out = '\0'; /* not reached: the name space is a UUID */
}
