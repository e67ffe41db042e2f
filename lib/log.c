#include "log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const words[] = { "error", "warning", "info", "debug" };

static const char *from = "vmprov";
static enum vmp_log_level least = VMP_LOG_INFO;

int vmp_log_level(const char *word)
{
	int i;

	for (i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	return -1;
}

void vmp_log_setup(const char *name, enum vmp_log_level level)
{
	from = name;
	least = level;
}

static void stamp(char out[32])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void add(json_t *line, const char *name, const char *text)
{
	json_t *value = json_string(text);

	json_object_set_new(line, name, value ? value : json_string("?")); /* what is no UTF-8 */
}

void vmp_log(enum vmp_log_level level, const char *event, ...)
{
	json_t *line;
	const char *name;
	char time_text[32];
	char *text;
	va_list ap;

	if (level > least || !(line = json_object()))
		return;
	stamp(time_text);
	add(line, "time", time_text);
	add(line, "level", words[level]);
	add(line, "from", from);
	add(line, "event", event);
	va_start(ap, event);
	while ((name = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (value)
			add(line, name, value);
	}
	va_end(ap);
	text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (text)
		dprintf(STDERR_FILENO, "%s\n", text);
	free(text);
}

const char *vmp_log_num(long long n)
{
	static _Thread_local char room[8][24];
	static _Thread_local unsigned next;
	char *out = room[next++ % 8];

	snprintf(out, sizeof(room[0]), "%lld", n);
	return out;
}
