#include "pki_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct vmp_der vmp_der_of(const void *data, size_t len)
{
	/* NULL has no end to point to. */
	return (struct vmp_der){ .p = data, .end = len ? (const uint8_t *)data + len : data };
}

size_t vmp_der_left(const struct vmp_der *in)
{
	return (size_t)(in->end - in->p);
}

bool vmp_der_at(const struct vmp_der *in, uint8_t tag)
{
	return !in->bad && in->p < in->end && *in->p == tag;
}

/* Octets of the header, and *len of the content; 0 when it is no DER or does not fit. */
static size_t header(const struct vmp_der *in, size_t *len)
{
	size_t left = vmp_der_left(in), n, i;

	if (left < 2)
		return 0;
	*len = in->p[1];
	if (*len < 0x80)
		return *len <= left - 2 ? 2 : 0;
	n = *len & 0x7f;
	if (n == 0 || n > 3 || left - 2 < n)
		return 0;
	*len = 0;
	for (i = 0; i < n; i++)
		*len = *len << 8 | in->p[2 + i];
	/* DER has one form for each length: the shortest. */
	if (*len < 0x80 || in->p[2] == 0 || *len > left - 2 - n)
		return 0;
	return 2 + n;
}

static struct vmp_der element(struct vmp_der *in, uint8_t tag, bool with_header)
{
	struct vmp_der out = { .bad = true };
	size_t len = 0, head = vmp_der_at(in, tag) ? header(in, &len) : 0;

	if (!head) {
		in->bad = true;
		return out;
	}
	out = vmp_der_of(in->p + (with_header ? 0 : head), with_header ? head + len : len);
	in->p += head + len;
	return out;
}

struct vmp_der vmp_der_enter(struct vmp_der *in, uint8_t tag)
{
	return element(in, tag, false);
}

struct vmp_der vmp_der_take(struct vmp_der *in, uint8_t tag)
{
	return element(in, tag, true);
}

void vmp_der_skip(struct vmp_der *in, uint8_t tag)
{
	if (vmp_der_at(in, tag))
		(void)element(in, tag, false);
}

struct vmp_der vmp_der_bits(struct vmp_der *in)
{
	struct vmp_der bits = vmp_der_enter(in, DER_BIT_STRING);

	if (bits.bad || bits.p == bits.end || *bits.p != 0)
		bits.bad = true;
	else
		bits.p++;
	return bits;
}

/* n decimal digits, or -1. */
static int number(const uint8_t *p, int n)
{
	int v = 0;

	for (; n > 0; n--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

int64_t vmp_der_time(struct vmp_der *in)
{
	bool utc = vmp_der_at(in, DER_UTC_TIME);
	struct vmp_der t = vmp_der_enter(in, utc ? DER_UTC_TIME : DER_TIME);
	size_t digits = utc ? 2 : 4;
	const uint8_t *p;
	struct tm tm = { 0 };
	int year;

	if (t.bad || vmp_der_left(&t) != digits + 11 || t.end[-1] != 'Z') {
		in->bad = true;
		return 0;
	}
	p = t.p + digits;
	year = number(t.p, (int)digits);
	if (utc && year >= 0)
		year += year < 50 ? 2000 : 1900;
	tm.tm_year = year - 1900;
	tm.tm_mon = number(p, 2) - 1;
	tm.tm_mday = number(p + 2, 2);
	tm.tm_hour = number(p + 4, 2);
	tm.tm_min = number(p + 6, 2);
	tm.tm_sec = number(p + 8, 2);
	if (year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 59)
		in->bad = true;
	return in->bad ? 0 : timegm(&tm);
}

bool vmp_der_is(const struct vmp_der *in, const void *data, size_t len)
{
	return !in->bad && vmp_der_left(in) == len && (len == 0 || memcmp(in->p, data, len) == 0);
}

bool vmp_der_done(const struct vmp_der *in)
{
	return !in->bad && in->p == in->end;
}

struct vmp_der_out vmp_der_begin(uint8_t *buf, size_t room)
{
	return (struct vmp_der_out){ .buf = buf, .room = room, .at = room };
}

void vmp_der_put(struct vmp_der_out *out, const void *data, size_t len)
{
	if (out->full || len > out->at) {
		out->full = true;
		return;
	}
	out->at -= len;
	if (len)
		memcpy(out->buf + out->at, data, len);
}

void vmp_der_close(struct vmp_der_out *out, size_t end, uint8_t tag)
{
	size_t len = end - out->at, n = 0, rest;
	uint8_t head[2 + sizeof(len)];
	uint8_t *p = head + sizeof(head);

	if (len < 0x80) {
		*--p = (uint8_t)len;
	} else {
		for (rest = len; rest; rest >>= 8, n++)
			*--p = (uint8_t)rest;
		*--p = (uint8_t)(0x80 | n);
	}
	*--p = tag;
	vmp_der_put(out, p, (size_t)(head + sizeof(head) - p));
}

void vmp_der_add(struct vmp_der_out *out, uint8_t tag, const void *data, size_t len)
{
	size_t end = out->at;

	vmp_der_put(out, data, len);
	vmp_der_close(out, end, tag);
}

void vmp_der_add_time(struct vmp_der_out *out, uint8_t tag, int64_t at)
{
	time_t t = (time_t)at;
	char text[64];
	struct tm tm;
	size_t skip;

	/* The years that four digits can say. */
	if (at < -62167219200 || at > 253402300799 || !gmtime_r(&t, &tm)) {
		out->full = true;
		return;
	}
	if (tag != DER_TIME)
		tag = tm.tm_year >= 50 && tm.tm_year < 150 ? DER_UTC_TIME : DER_TIME;
	snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	skip = tag == DER_UTC_TIME ? 2 : 0;
	vmp_der_add(out, tag, text + skip, strlen(text + skip));
}

void vmp_der_add_int(struct vmp_der_out *out, int64_t value)
{
	size_t end = out->at;
	uint8_t octet;

	do {
		octet = (uint8_t)value;
		vmp_der_put(out, &octet, 1);
		value >>= 8;
	} while (value > 0);
	/* A leading 1 would make it negative. */
	if (octet & 0x80)
		vmp_der_put(out, "", 1);
	vmp_der_close(out, end, DER_INTEGER);
}

void vmp_der_close_ext(struct vmp_der_out *out, size_t end, const uint8_t *oid, size_t oid_len, bool critical)
{
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };

	vmp_der_close(out, end, DER_OCTET_STRING);
	if (critical)
		vmp_der_put(out, yes, sizeof(yes));
	vmp_der_put(out, oid, oid_len);
	vmp_der_close(out, end, DER_SEQUENCE);
}

int vmp_der_finish(struct vmp_der_out *out, size_t *len)
{
	if (out->full)
		return VMP_EINVAL;
	*len = out->room - out->at;
	memmove(out->buf, out->buf + out->at, *len);
	return VMP_OK;
}
