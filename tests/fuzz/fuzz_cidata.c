/* A volume that a host has attached.  The first octet chooses: 0: what follows is the volume from its first descriptor
 * on, which is made to look like one; otherwise a good volume with octets changed: an offset in two octets, and what is
 * there then. */
#include "../../coid/cidata.h"
#include "../../coid/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_AREA 32768
#define ROOM	    (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* libarchive asks for as much as a directory claims to have, up to 4 GiB, and does not touch it. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char limit[] = "-malloc_limit_mb=8192";
	static char *args[64];
	int i;

	for (i = 0; i < *argc && i < 62; i++)
		args[i] = (*argv)[i];
	args[i] = limit;
	*argc = i + 1;
	*argv = args;
	return 0;
}

static char good[ROOM];
static size_t good_len;

static void add(struct archive *a, const char *name, unsigned type, const char *text)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0755);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_size(e, text ? (la_int64_t)strlen(text) : 0);
	if (archive_write_header(a, e) != ARCHIVE_OK ||
	    (text && archive_write_data(a, text, strlen(text)) != (la_ssize_t)strlen(text)))
		abort();
	archive_entry_free(e);
}

static void make_good(void)
{
	struct archive *a = archive_write_new();

	if (archive_write_set_format_iso9660(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "iso9660:volume-id=cidata,iso9660:rockridge=strict,iso9660:!pad") !=
		    ARCHIVE_OK ||
	    archive_write_open_memory(a, good, sizeof(good), &good_len) != ARCHIVE_OK)
		abort();
	add(a, "meta-data", AE_IFREG, "{}");
	add(a, "vmprov", AE_IFDIR, NULL);
	add(a, "vmprov/join.json", AE_IFREG, "{\"a bundle\": true}");
	if (archive_write_close(a) != ARCHIVE_OK)
		abort();
	archive_write_free(a);
}

/* @return its length. */
static size_t raw(const uint8_t *data, size_t size, char *image)
{
	static const char begin[] = "\1CD001\1";

	memcpy(image + SYSTEM_AREA, data, size);
	memcpy(image + SYSTEM_AREA, begin, size < sizeof(begin) - 1 ? size : sizeof(begin) - 1);
	if (size > 40 + 32)
		memcpy(image + SYSTEM_AREA + 40, "cidata                          ", 32);
	return SYSTEM_AREA + size;
}

static size_t patched(const uint8_t *data, size_t size, char *image)
{
	size_t i, at;

	memcpy(image, good, good_len);
	for (i = 0; i + 2 < size; i += 3) {
		at = SYSTEM_AREA + ((size_t)data[i] << 8 | data[i + 1]);
		if (at < good_len)
			image[at] = (char)data[i + 2];
	}
	return good_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_msg msg = { "" };
	char *image, *exact, *out = NULL;
	size_t len, out_len = 0;
	int err;

	if (size < 1 || size > ROOM / 2)
		return 0;
	if (good_len == 0)
		make_good();
	image = calloc(1, ROOM);
	len = data[0] ? patched(data + 1, size - 1, image) : raw(data + 1, size - 1, image);
	/* Of its exact size, so that a sanitizer sees a read past its end. */
	exact = malloc(len);
	memcpy(exact, image, len);
	err = cidata_extract(exact, len, &out, &out_len, &msg);
	if ((err == VMP_OK) != (out != NULL) || (err != VMP_OK) != (*msg.text != '\0') ||
	    (out && (out_len < 1 || out_len > BUNDLE_MAX || out[out_len] != '\0')))
		abort();
	if (size == 1 && data[0] && err != VMP_OK)
		abort();
	free(out);
	free(exact);
	free(image);
	return 0;
}
