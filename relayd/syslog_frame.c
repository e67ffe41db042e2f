#include "syslog_frame.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define LENGTH_DIGITS 4
#define PRIORITY_MAX  191 /* facility 23, severity 7 (RFC 5424 section 6.2.1) */

struct cursor {
	const uint8_t *at, *end;
};

static bool skip(struct cursor *c, char octet)
{
	if (c->at == c->end || *c->at != (uint8_t)octet)
		return false;
	c->at++;
	return true;
}

static bool number(struct cursor *c, unsigned digits_max, unsigned long *out)
{
	const uint8_t *start = c->at;

	for (*out = 0; c->at < c->end && isdigit(*c->at); c->at++) {
		if (c->at - start == digits_max)
			return false;
		*out = 10 * *out + (unsigned long)(*c->at - '0');
	}
	/* No leading zeros. */
	return c->at > start && (*start != '0' || c->at == start + 1);
}

/* -- header (RFC 5424 section 6.2) -------------------------------------------------------------------------------- */

static bool priority(struct cursor *c)
{
	unsigned long n;

	return skip(c, '<') && number(c, 3, &n) && n <= PRIORITY_MAX && skip(c, '>');
}

/* A text of the form's length, a '0' in which stands for any digit. */
static bool form(struct cursor *c, const char *shape)
{
	for (; *shape; shape++, c->at++) {
		if (c->at == c->end || (*shape == '0' ? !isdigit(*c->at) : *c->at != (uint8_t)*shape))
			return false;
	}
	return true;
}

static bool zone(struct cursor *c)
{
	if (skip(c, 'Z'))
		return true;
	return (skip(c, '+') || skip(c, '-')) && form(c, "00:00");
}

static bool timestamp(struct cursor *c)
{
	const uint8_t *fraction;

	if (skip(c, '-'))
		return true;
	if (!form(c, "0000-00-00T00:00:00"))
		return false;
	if (skip(c, '.')) {
		for (fraction = c->at; c->at < c->end && isdigit(*c->at); c->at++)
			;
		if (c->at == fraction || c->at - fraction > 6)
			return false;
	}
	return zone(c);
}

static size_t printable(struct cursor *c)
{
	const uint8_t *start = c->at;

	while (c->at<c->end && * c->at> 0x20 && *c->at < 0x7f)
		c->at++;
	return (size_t)(c->at - start);
}

/* HOSTNAME, APP-NAME, PROCID, MSGID */
static bool names(struct cursor *c)
{
	static const size_t longest[] = { 255, 48, 128, 32 };
	size_t i, len;

	for (i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		len = printable(c);
		if (len == 0 || len > longest[i] || !skip(c, ' '))
			return false;
	}
	return true;
}

static bool header(struct cursor *c)
{
	return priority(c) && skip(c, '1') && skip(c, ' ') && timestamp(c) && skip(c, ' ') && names(c);
}

/* -- structured data (section 6.3) -------------------------------------------------------------------------------- */

static bool sd_name(struct cursor *c)
{
	const uint8_t *start = c->at;

	while (c->at<c->end && * c->at> 0x20 && *c->at < 0x7f && !strchr("=]\"", *c->at))
		c->at++;
	return c->at > start && c->at - start <= 32;
}

static bool quoted(struct cursor *c)
{
	if (!skip(c, '"'))
		return false;
	for (; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && c->at + 1 < c->end)
			c->at++;
		else if (*c->at == ']')
			return false;
	}
	return skip(c, '"');
}

static bool element(struct cursor *c)
{
	if (!sd_name(c))
		return false;
	while (skip(c, ' ')) {
		if (!sd_name(c) || !skip(c, '=') || !quoted(c))
			return false;
	}
	return skip(c, ']');
}

static bool structured_data(struct cursor *c)
{
	bool any = skip(c, '-');

	if (any)
		return true;
	while (skip(c, '[')) {
		if (!element(c))
			return false;
		any = true;
	}
	return any;
}

/* -- frames ------------------------------------------------------------------------------------------------------- */

static const char *wrong_with(struct cursor c)
{
	if (!header(&c))
		return "expected a header as in RFC 5424: <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID";
	if (!structured_data(&c))
		return "expected structured data as in RFC 5424, or -";
	return c.at == c.end || *c.at == ' ' ? NULL : "expected a blank behind the structured data";
}

ssize_t syslog_frame_read(const uint8_t *data, size_t len, struct vmp_msg *why)
{
	struct cursor c = { data, data + len };
	const char *wrong;
	unsigned long n;

	if (len == 0)
		return 0;
	if (!number(&c, LENGTH_DIGITS, &n) || n == 0 || n > SYSLOG_MESSAGE)
		return vmp_fail(why, VMP_EINVAL, "expected a length from 1 to %d", SYSLOG_MESSAGE);
	if (c.at == c.end)
		return 0;
	if (!skip(&c, ' '))
		return vmp_fail(why, VMP_EINVAL, "expected a blank behind the length");
	if ((size_t)(c.end - c.at) < n)
		return 0;
	c.end = c.at + n;
	wrong = wrong_with(c);
	return wrong ? vmp_fail(why, VMP_EINVAL, "%s", wrong) : c.end - data;
}
