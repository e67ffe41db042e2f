#include "secret.h"
#include "inifile.h"
#include "pki.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SECRETS 100000
#define V4_BITS	    96 /* what IPv4 addresses have in front of them */

struct secret {
	char name[VMP_INI_SECTION + 1]; /* "" for a prefix */
	struct vmp_addr address;
	int bits; /* of address that count; 128: all; 0: of all NASes */
	char secret[VMP_INI_TEXT];
};

struct secrets {
	size_t n, room;
	struct secret *item;
};

/* Does an address begin with another's first bits? */
static bool begins(const struct vmp_addr *a, const struct vmp_addr *with, int bits)
{
	int whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(a->octet, with->octet, (size_t)whole) == 0 &&
	       (rest == 0 || ((a->octet[whole] ^ with->octet[whole]) & mask) == 0);
}

static bool ends_in_zeros(const struct vmp_addr *a, int bits)
{
	int i;

	for (i = bits; i < 128; i++) {
		if (a->octet[i / 8] >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static int read_bits(const char *text, int most, int *out, struct vmp_msg *why)
{
	char *end;
	long bits = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || bits > most)
		return vmp_fail(why, VMP_EINVAL, "expected a prefix length of at most %d", most);
	*out = (int)bits + 128 - most;
	return VMP_OK;
}

/* "192.0.2.0/24" */
static int read_prefix(const char *text, const char *slash, struct secret *out, struct vmp_msg *why)
{
	char address[VMP_INI_SECTION + 1] = "";
	int err;

	memcpy(address, text, (size_t)(slash - text));
	if (vmp_addr_parse(address, &out->address) != VMP_OK)
		return vmp_fail(why, VMP_EINVAL, "expected ADDRESS/PREFIXLEN, such as 192.0.2.0/24");
	err = read_bits(slash + 1, strchr(address, ':') ? 128 : 128 - V4_BITS, &out->bits, why);
	if (err == VMP_OK && !ends_in_zeros(&out->address, out->bits))
		err = vmp_fail(why, VMP_EINVAL, "the address has bits beyond the prefix");
	return err;
}

/* Whose secret a section has. */
static int read_whose(const char *section, struct secret *out, struct vmp_msg *why)
{
	const char *slash = strchr(section, '/');

	if (strcmp(section, "default") == 0)
		return VMP_OK;
	if (slash)
		return read_prefix(section, slash, out, why);
	if (vmp_addr_parse(section, &out->address) == VMP_OK) {
		out->bits = 128;
		return VMP_OK;
	}
	if (!*section ||
	    section[strspn(section, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0')
		return vmp_fail(why, VMP_EINVAL,
				"expected a section [NAME], [ADDRESS], [ADDRESS/PREFIXLEN] or [default]");
	memcpy(out->name, section, strlen(section) + 1);
	return VMP_OK;
}

/* A larger array is a new one, so that the old one can be wiped. */
static struct secret *one_more(struct secrets *secrets)
{
	if (secrets->n == secrets->room) {
		size_t room = secrets->room ? 2 * secrets->room : 16;
		struct secret *item = calloc(room, sizeof(*item));

		if (!item)
			return NULL;
		if (secrets->n) {
			memcpy(item, secrets->item, secrets->n * sizeof(*item));
			vmp_wipe(secrets->item, secrets->n * sizeof(*item));
		}
		free(secrets->item);
		secrets->item = item;
		secrets->room = room;
	}
	return &secrets->item[secrets->n];
}

static bool same(const struct secret *a, const struct secret *b)
{
	return strcmp(a->name, b->name) == 0 && a->bits == b->bits &&
	       memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	static const char option[] = "secret";
	struct secrets *secrets = ctx;
	struct secret *item = one_more(secrets);
	size_t i;
	int err;

	(void)line;
	if (!item || secrets->n >= MAX_SECRETS)
		return vmp_fail(why, VMP_ENOMEM, "too many");
	if (strcmp(name, option) != 0)
		return vmp_fail(why, VMP_EINVAL, "there is no such option");
	err = read_whose(section, item, why);
	for (i = 0; err == VMP_OK && i < secrets->n; i++) {
		if (same(&secrets->item[i], item))
			err = vmp_fail(why, VMP_EINVAL, "given twice");
	}
	if (err == VMP_OK && (!*value || strlen(value) >= sizeof(item->secret)))
		err = vmp_fail(why, VMP_EINVAL, "expected a secret");
	if (err != VMP_OK)
		return err;
	memcpy(item->secret, value, strlen(value) + 1);
	secrets->n++;
	return VMP_OK;
}

static int finish(struct secrets *secrets, int err, struct secrets **out)
{
	if (err == VMP_OK)
		*out = secrets;
	else
		secrets_free(secrets);
	return err;
}

int secrets_read(const char *path, struct secrets **out, struct vmp_msg *msg)
{
	struct secrets *secrets = calloc(1, sizeof(*secrets));

	if (!secrets)
		return vmp_fail(msg, VMP_ENOMEM, "%s: out of memory", path);
	return finish(secrets, vmp_ini_each_private(path, take, secrets, msg), out);
}

int secrets_text(const char *name, const char *text, size_t len, struct secrets **out, struct vmp_msg *msg)
{
	struct secrets *secrets = calloc(1, sizeof(*secrets));

	if (!secrets)
		return vmp_fail(msg, VMP_ENOMEM, "%s: out of memory", name);
	return finish(secrets, vmp_ini_each_text(name, text, len, take, secrets, msg), out);
}

void secrets_free(struct secrets *secrets)
{
	if (!secrets)
		return;
	if (secrets->item)
		vmp_wipe(secrets->item, secrets->room * sizeof(*secrets->item));
	free(secrets->item);
	free(secrets);
}

const char *secrets_find(const struct secrets *secrets, const char *name, const struct vmp_addr *address)
{
	const struct secret *best = NULL;
	size_t i;

	for (i = 0; i < secrets->n; i++) {
		const struct secret *item = &secrets->item[i];

		if (*item->name && strcmp(item->name, name) == 0)
			return item->secret;
		if (!*item->name && begins(address, &item->address, item->bits) && (!best || item->bits > best->bits))
			best = item;
	}
	return best ? best->secret : NULL;
}
