#include "mac.h"

static const char digits[] = "0123456789abcdef";

static const struct form {
	char sep;
	unsigned group; /* digits */
	size_t len;
} forms[] = { { ':', 2, 17 }, { '-', 2, 17 }, { 0, 12, 12 }, { '.', 4, 14 }, { '-', 4, 14 }, { '-', 6, 13 } };

/* Value of a digit plus one; 0: no digit. */
static const uint8_t hex[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* The form that a text of this length and first separator must have; NULL if none. */
static const struct form *form_of(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i];

		if (len == f->len && (!f->sep || text[f->group] == f->sep))
			return f;
	}
	return NULL;
}

int vmp_mac_parse(const char *text, size_t len, uint64_t *mac)
{
	const struct form *f = form_of(text, len);
	const char *end = text + len;
	unsigned n = 0;
	uint64_t v = 0;

	if (!f)
		return VMP_EINVAL;
	for (; text < end; text++) {
		unsigned d;

		if (n == f->group) {
			if (*text != f->sep)
				return VMP_EINVAL;
			n = 0;
			continue;
		}
		d = hex[(unsigned char)*text];
		if (!d)
			return VMP_EINVAL;
		v = v << 4 | (d - 1);
		n++;
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
