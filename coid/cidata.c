#include "cidata.h"
#include "bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ISO 9660 (ECMA-119) 8.4: the primary volume descriptor, in sector 16. */
#define PRIMARY	  (16 * 2048)
#define LABEL_AT  40 /* in it */
#define LABEL_LEN 32
#define HEAD	  (PRIMARY + 2048) /* [octets] that tell whether it is one */
#define PIECE	  65536
#define ENTRIES	  1000 /* that are looked at */

bool cidata_is_one(const void *image, size_t len)
{
	static const char begin[] = "\1CD001\1", label[] = "cidata";
	const char *d = (const char *)image + PRIMARY, *at;
	size_t i;

	if (len < HEAD || memcmp(d, begin, sizeof(begin) - 1) != 0)
		return false;
	at = d + LABEL_AT;
	if (strncasecmp(at, label, sizeof(label) - 1) != 0)
		return false;
	for (i = sizeof(label) - 1; i < LABEL_LEN; i++) {
		if (at[i] != ' ' && at[i] != '\0')
			return false;
	}
	return true;
}

/* -- the entry ---------------------------------------------------------------------------------------------------- */

static int read_entry(struct archive *a, struct archive_entry *e, char **out, size_t *len, struct vmp_msg *msg)
{
	la_int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;
	char *text;

	if (archive_entry_filetype(e) != AE_IFREG || size < 1 || size > BUNDLE_MAX)
		return vmp_fail(msg, VMP_EINVAL, CIDATA_ENTRY ": expected a file of at most %d octets", BUNDLE_MAX);
	text = calloc(1, (size_t)size + 1);
	if (!text)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (archive_read_data(a, text, (size_t)size) != size) {
		vmp_wipe(text, (size_t)size);
		free(text);
		return vmp_fail(msg, VMP_EINVAL, CIDATA_ENTRY ": the volume is damaged");
	}
	*out = text;
	*len = (size_t)size;
	return VMP_OK;
}

static bool is_bundle(struct archive_entry *e)
{
	const char *path = archive_entry_pathname(e);

	return path && strcmp(path, CIDATA_ENTRY) == 0;
}

static int find_entry(struct archive *a, char **out, size_t *len, struct vmp_msg *msg)
{
	struct archive_entry *e;
	int i, rc = ARCHIVE_OK;

	for (i = 0; i < ENTRIES; i++) {
		rc = archive_read_next_header(a, &e);
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			break;
		if (is_bundle(e))
			return read_entry(a, e, out, len, msg);
	}
	if (rc == ARCHIVE_EOF)
		return vmp_fail(msg, VMP_ENOENT, "the volume has no " CIDATA_ENTRY);
	return vmp_fail(msg, VMP_EINVAL, i < ENTRIES ? "the volume is damaged" : "the volume has too many files");
}

int cidata_extract(const void *image, size_t len, char **out, size_t *out_len, struct vmp_msg *msg)
{
	struct archive *a;
	int err;

	if (!cidata_is_one(image, len))
		return vmp_fail(msg, VMP_ENOENT, "no volume that is labelled cidata");
	a = archive_read_new();
	if (!a)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (archive_read_support_format_iso9660(a) != ARCHIVE_OK ||
	    archive_read_open_memory(a, image, len) != ARCHIVE_OK)
		err = vmp_fail(msg, VMP_EINVAL, "the volume is damaged");
	else
		err = find_entry(a, out, out_len, msg);
	archive_read_free(a);
	return err;
}

/* -- the device --------------------------------------------------------------------------------------------------- */

/* Until max octets are there, or the end. @return VMP_OK, VMP_ENOENT: cannot be read. */
static int read_up_to(int fd, char *image, size_t *len, size_t max)
{
	while (*len < max) {
		size_t piece = max - *len < PIECE ? max - *len : PIECE;
		ssize_t n = read(fd, image + *len, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return VMP_ENOENT;
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return VMP_OK;
}

/* @param image  of CIDATA_MAX + 1 octets. */
static int read_image(int fd, const char *path, char *image, size_t *len, struct vmp_msg *msg)
{
	int err = read_up_to(fd, image, len, HEAD);

	/* Of a disk that is none no more than its beginning is read. */
	if (err == VMP_OK && !cidata_is_one(image, *len))
		return vmp_fail(msg, VMP_ENOENT, "%s: no volume that is labelled cidata", path);
	if (err == VMP_OK)
		err = read_up_to(fd, image, len, CIDATA_MAX + 1);
	if (err != VMP_OK)
		return vmp_fail(msg, err, "%s: cannot read: %s", path, strerror(errno));
	return *len <= CIDATA_MAX
		       ? VMP_OK
		       : vmp_fail(msg, VMP_EINVAL, "%s: expected a volume of at most %u octets", path, CIDATA_MAX);
}

static int open_volume(const char *path, int *fd, struct vmp_msg *msg)
{
	/* Not waiting: a drive may have no medium. */
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*fd >= 0)
		return VMP_OK;
	return vmp_fail(msg, errno == ENOENT || errno == ENOMEDIUM || errno == ENXIO ? VMP_ENOENT : VMP_EIO,
			"%s: cannot open: %s", path, strerror(errno));
}

int cidata_read(const char *path, char **out, size_t *len, struct vmp_msg *msg)
{
	char *image = malloc(CIDATA_MAX + 1); /* once, so that no copies of a token are left behind */
	int fd = -1, err = image ? open_volume(path, &fd, msg) : vmp_fail(msg, VMP_ENOMEM, "out of memory");
	struct vmp_msg why = { "" };
	size_t size = 0;

	if (err == VMP_OK) {
		err = read_image(fd, path, image, &size, msg);
		close(fd);
	}
	if (err == VMP_OK) {
		err = cidata_extract(image, size, out, len, &why);
		if (err != VMP_OK)
			vmp_fail(msg, err, "%s: %s", path, why.text);
	}
	if (image)
		vmp_wipe(image, size);
	free(image);
	return err;
}
