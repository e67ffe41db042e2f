/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "estload_http.h"

#include <stdlib.h>
#include <string.h>

size_t http_whole(const char *text, size_t len, size_t *body)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4), *line = text;
	size_t body_len = 0;

	if (!end)
		return 0;
	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		line++;
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			body_len = strtoul(line + 15, NULL, 10);
	}
	*body = (size_t)(end + 4 - text);
	return len - *body >= body_len ? *body + body_len : 0;
}
