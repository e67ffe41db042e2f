#include "mac.h"

static const char digits[] = "0123456789abcdef";

/* separator, digits in a group */
static const struct form {
	char sep;
	unsigned group;
} forms[] = { { ':', 2 }, { '-', 2 }, { '.', 4 }, { '-', 4 }, { '-', 6 }, { 0, 12 } };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The form that a text of this length and first separator must have; NULL if none. */
static const struct form *form_of(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i];

		if (len == 12 + 12 / f->group - 1 && (!f->sep || text[f->group] == f->sep))
			return f;
	}
	return NULL;
}

int vmp_mac_parse(const char *text, size_t len, uint64_t *mac)
{
	const struct form *f = form_of(text, len);
	uint64_t v = 0;
	size_t i;

	if (!f)
		return VMP_EINVAL;
	for (i = 0; i < len; i++) {
		int d;

		if (f->sep && i % (f->group + 1) == f->group) {
			if (text[i] != f->sep)
				return VMP_EINVAL;
			continue;
		}
		d = hex(text[i]);
		if (d < 0)
			return VMP_EINVAL;
		v = v << 4 | (unsigned)d;
	}
	if (v == 0 || (v >> 40 & 1))
		return VMP_EINVAL;
	*mac = v;
	return VMP_OK;
}

static void format(uint64_t mac, char sep, char *out)
{
	int shift;

	for (shift = 44; shift >= 0; shift -= 4) {
		*out++ = digits[mac >> shift & 15];
		if (sep && shift && shift % 8 == 0)
			*out++ = sep;
	}
	*out = '\0';
}

void vmp_mac_format(uint64_t mac, char out[VMP_MAC_TEXT])
{
	format(mac, ':', out);
}

void vmp_mac_format_bare(uint64_t mac, char out[13])
{
	format(mac, 0, out);
}
