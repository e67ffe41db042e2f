#include "passwords.h"
#include "inifile.h"
#include "mac.h"
#include "pki.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORDS 100000

struct password {
	uint64_t mac; /* 0: [default] */
	char text[PASSWORD_MAX];
};

static struct {
	struct password *item;
	size_t n, room;
} passwords;

/* A larger array is a new one, so that the old one can be wiped. */
static struct password *one_more(void)
{
	size_t room = passwords.room ? 2 * passwords.room : 16;
	struct password *item;

	if (passwords.n < passwords.room)
		return &passwords.item[passwords.n];
	item = passwords.n < PASSWORDS ? calloc(room, sizeof(*item)) : NULL;
	if (!item)
		return NULL;
	if (passwords.n) {
		memcpy(item, passwords.item, passwords.n * sizeof(*item));
		vmp_wipe(passwords.item, passwords.n * sizeof(*item));
	}
	free(passwords.item);
	passwords.item = item;
	passwords.room = room;
	return &passwords.item[passwords.n];
}

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	static const char option[] = "password";
	struct password *item = one_more();
	uint64_t mac = 0;

	(void)ctx;
	(void)line;
	if (!item)
		return vmp_fail(why, VMP_ENOMEM, "too many");
	if (strcmp(name, option) != 0)
		return vmp_fail(why, VMP_EINVAL, "there is no such option");
	if (strcmp(section, "default") != 0 && vmp_mac_parse(section, strlen(section), &mac) != VMP_OK)
		return vmp_fail(why, VMP_EINVAL, "expected a section [MAC] or [default]");
	if (!*value || strlen(value) >= sizeof(item->text))
		return vmp_fail(why, VMP_EINVAL, "expected 1 to %d octets", PASSWORD_MAX - 1);
	item->mac = mac;
	memcpy(item->text, value, strlen(value) + 1);
	passwords.n++;
	return VMP_OK;
}

static int by_mac(const void *a, const void *b)
{
	const struct password *x = a, *y = b;

	return x->mac < y->mac ? -1 : x->mac > y->mac;
}

int passwords_read(const char *path, struct vmp_msg *msg)
{
	char mac[VMP_MAC_TEXT];
	size_t i;
	int err;

	passwords_free();
	err = vmp_ini_each_private(path, take, NULL, msg);
	if (passwords.n)
		qsort(passwords.item, passwords.n, sizeof(*passwords.item), by_mac);
	for (i = 1; err == VMP_OK && i < passwords.n; i++) {
		if (passwords.item[i].mac != passwords.item[i - 1].mac)
			continue;
		vmp_mac_format(passwords.item[i].mac, mac);
		err = vmp_fail(msg, VMP_EINVAL, "%s: [%s] given twice", path, passwords.item[i].mac ? mac : "default");
	}
	if (err != VMP_OK)
		passwords_free();
	return err;
}

size_t passwords_find(uint64_t mac, char out[PASSWORD_MAX])
{
	const struct password *found = NULL, key = { .mac = mac }, preset = { .mac = 0 };

	if (passwords.n)
		found = bsearch(&key, passwords.item, passwords.n, sizeof(key), by_mac);
	if (passwords.n && !found)
		found = bsearch(&preset, passwords.item, passwords.n, sizeof(preset), by_mac);
	if (!found)
		return 0;
	memcpy(out, found->text, sizeof(found->text));
	return strlen(found->text);
}

void passwords_free(void)
{
	if (passwords.item)
		vmp_wipe(passwords.item, passwords.room * sizeof(*passwords.item));
	free(passwords.item);
	memset(&passwords, 0, sizeof(passwords));
}
