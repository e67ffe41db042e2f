#include "filter_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool reserve(struct filter_writer *out, size_t more)
{
	size_t room = out->room ? out->room : 4096;
	char *text;

	while (room < out->len + more)
		room *= 2;
	if (room == out->room)
		return true;
	text = realloc(out->text, room);
	if (!text) {
		out->failed = true;
		return false;
	}
	out->text = text;
	out->room = room;
	return true;
}

void filter_write(struct filter_writer *out, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (out->failed || n < 0 || !reserve(out, (size_t)n + 1))
		return;
	va_start(ap, format);
	vsnprintf(out->text + out->len, out->room - out->len, format, ap);
	va_end(ap);
	out->len += (size_t)n;
}

int filter_writer_end(struct filter_writer *out, char **text, struct vmp_msg *msg)
{
	*text = out->failed ? NULL : out->text;
	if (!out->failed)
		return VMP_OK;
	free(out->text);
	return vmp_fail(msg, VMP_ENOMEM, "out of memory");
}
