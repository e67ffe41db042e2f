#include "volume.h"

#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#define ROOM (4u << 20)

static void add(struct archive *a, const char *name, unsigned type, const char *text)
{
	struct archive_entry *e = archive_entry_new();
	size_t len = text ? strlen(text) : 0;

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0755);
	archive_entry_set_size(e, (la_int64_t)len);
	ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
	if (len > 0)
		ck_assert_int_eq(archive_write_data(a, text, len), (la_ssize_t)len);
	archive_entry_free(e);
}

char *volume_make(const char *label, const struct volume_file *files, size_t *len)
{
	struct archive *a = archive_write_new();
	char options[128], *image = calloc(1, ROOM);

	snprintf(options, sizeof(options), "iso9660:volume-id=%s,iso9660:rockridge=strict", label);
	ck_assert_int_eq(archive_write_set_format_iso9660(a), ARCHIVE_OK);
	ck_assert_int_eq(archive_write_set_options(a, options), ARCHIVE_OK);
	ck_assert_int_eq(archive_write_open_memory(a, image, ROOM, len), ARCHIVE_OK);
	for (; files->name; files++)
		add(a, files->name, files->text ? AE_IFREG : AE_IFDIR, files->text);
	ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return image;
}
