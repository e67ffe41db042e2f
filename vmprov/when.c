#include "when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool when_read(const char *text, int64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ",
					     "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%d %H:%M:%S",
					     "%Y-%m-%dT%H:%M",
					     "%Y-%m-%d %H:%M",
					     "%Y-%m-%d",
					     "%s" };
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		const char *end = strptime(text, forms[i], &tm);

		if (!end || *end)
			continue;
		/* %s gives local time. */
		*out = strcmp(forms[i], "%s") == 0 ? mktime(&tm) : timegm(&tm);
		return true;
	}
	return false;
}

bool when_read_since(const char *text, int64_t now, int64_t *out)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	const char *unit;
	long long n;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (*text < '0' || *text > '9' || !unit || end[1])
		return when_read(text, out);
	if (errno || n > now / seconds[unit - units])
		return false;
	*out = now - n * seconds[unit - units];
	return true;
}

const char *when_text(int64_t at, char room[WHEN_TEXT])
{
	const time_t t = (time_t)at;
	struct tm tm;

	if (!at || !gmtime_r(&t, &tm) || !strftime(room, WHEN_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(room, WHEN_TEXT, "-");
	return room;
}
