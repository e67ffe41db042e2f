#include "cms.h"
#include "est.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  512
#define TIME_MAX  253402300799 /* the end of 9999 */
#define KEY_CHARS 44	       /* of VMP_COI_KEY octets in base64 */

/* The members stand in this order and without blanks: what policyd writes has one form, and a text in another form is
 * not policyd's.  So no JSON library gets to copy the key about. */

struct text {
	const char *p, *end;
	bool bad;
};

static void expect(struct text *in, const char *word)
{
	size_t len = strlen(word);

	if (in->bad || (size_t)(in->end - in->p) < len || memcmp(in->p, word, len) != 0)
		in->bad = true;
	else
		in->p += len;
}

/* Characters up to the next quote; bad unless there are min to max. */
static size_t until_quote(struct text *in, size_t min, size_t max)
{
	const char *quote = in->bad ? NULL : memchr(in->p, '"', (size_t)(in->end - in->p));
	size_t len = quote ? (size_t)(quote - in->p) : 0;

	if (!quote || len < min || len > max)
		in->bad = true;
	return in->bad ? 0 : len;
}

/* A number of JSON without fraction, exponent and sign. */
static int64_t number(struct text *in, int64_t max)
{
	const char *start = in->p;
	int64_t v = 0;

	while (!in->bad && in->p < in->end && *in->p >= '0' && *in->p <= '9') {
		v = v * 10 + (*in->p++ - '0');
		if (v > max)
			in->bad = true;
	}
	if (in->p == start || (*start == '0' && in->p - start > 1))
		in->bad = true;
	return in->bad ? 0 : v;
}

static bool is_name(const char *text)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return *text && !text[strspn(text, chars)];
}

static bool is_serial(const char *text)
{
	return strlen(text) == 2 * VMP_SERIAL && strspn(text, "0123456789abcdef") == 2 * VMP_SERIAL;
}

static bool is_good(const struct vmp_coi_key *key)
{
	return memchr(key->coi, 0, sizeof(key->coi)) && memchr(key->serial, 0, sizeof(key->serial)) &&
	       is_name(key->coi) && key->epoch >= 1 && key->not_before >= 0 && key->not_before <= key->not_after &&
	       key->not_after <= TIME_MAX && is_serial(key->serial);
}

char *vmp_coi_key_write(const struct vmp_coi_key *key)
{
	char *secret, *out;

	if (!is_good(key))
		return NULL;
	secret = vmp_base64(key->key, sizeof(key->key));
	out = secret ? malloc(TEXT_MAX) : NULL;
	if (out)
		snprintf(out, TEXT_MAX,
			 "{\"coi\":\"%s\",\"epoch\":%" PRIu32 ",\"not_before\":%" PRId64 ",\"not_after\":%" PRId64
			 ",\"serial\":\"%s\",\"key\":\"%s\"}",
			 key->coi, key->epoch, key->not_before, key->not_after, key->serial, secret);
	vmp_wipe(secret, secret ? strlen(secret) : 0);
	free(secret);
	return out;
}

static void copy(struct text *in, char *out, size_t len)
{
	if (len)
		memcpy(out, in->p, len);
	out[len] = '\0';
	in->p += len;
}

static bool parse(struct text *in, struct vmp_coi_key *out)
{
	size_t len, size = sizeof(out->key);

	expect(in, "{\"coi\":\"");
	len = until_quote(in, 1, VMP_COI_NAME - 1);
	copy(in, out->coi, len);
	expect(in, "\",\"epoch\":");
	out->epoch = (uint32_t)number(in, UINT32_MAX);
	expect(in, ",\"not_before\":");
	out->not_before = number(in, TIME_MAX);
	expect(in, ",\"not_after\":");
	out->not_after = number(in, TIME_MAX);
	expect(in, ",\"serial\":\"");
	len = until_quote(in, 2 * VMP_SERIAL, 2 * VMP_SERIAL);
	copy(in, out->serial, len);
	expect(in, "\",\"key\":\"");
	len = until_quote(in, KEY_CHARS, KEY_CHARS);
	if (in->bad || vmp_unbase64(in->p, len, out->key, &size) != VMP_OK || size != sizeof(out->key))
		return false;
	in->p += len;
	expect(in, "\"}");
	return !in->bad && in->p == in->end && is_good(out);
}

int vmp_coi_key_read(const char *text, size_t len, struct vmp_coi_key *out, struct vmp_msg *msg)
{
	struct text in = { .p = text, .end = text + len };
	struct vmp_coi_key key = { .epoch = 0 };
	int err = VMP_OK;

	if (parse(&in, &key))
		*out = key;
	else
		err = vmp_fail(msg, VMP_EINVAL, "the envelope's content is not a COI key as policyd writes it");
	vmp_wipe(&key, sizeof(key));
	return err;
}
