/* ISO 9660 volumes, as hosts and others make them. */
#ifndef VOLUME_H
#define VOLUME_H

#include <stddef.h>

struct volume_file {
	const char *name, *text;
};
/* An image of these files, a NULL name ends them. @return its octets, malloc'd. */
char *volume_make(const char *label, const struct volume_file *files, size_t *len);

#endif
