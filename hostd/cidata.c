#include "cidata.h"
#include "est.h"
#include "file.h"
#include "loop.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_SIZE (1024 * 1024) /* [octets] of every image */
#define MODE	   0640
#define LABEL_MAX  63 /* [octets] of a part of a host's name, RFC 1035 2.3.4 */
#define NAME_PARTS 253

/* The texts that go in; from malloc, and NULL: that file is not there. */
struct content {
	char *meta, *user, *join, *ca;
};

static void wipe_free(char *text)
{
	if (text)
		vmp_wipe(text, strlen(text));
	free(text);
}

static void content_clear(struct content *c)
{
	wipe_free(c->meta);
	wipe_free(c->user);
	wipe_free(c->join);
	wipe_free(c->ca);
}

/* -- texts ------------------------------------------------------------------------------------------------------ */

static bool is_in_host_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* A host's name (RFC 1123 2.1) that is as near to the guest's as can be.
 * Each run of other characters becomes a hyphen; neither hyphen nor dot stands at a part's beginning or end. */
static void host_name(const struct guest_info *guest, char out[NAME_PARTS + 1])
{
	size_t at = 0, part = 0;
	const char *p;

	for (p = guest->name; *p && at < NAME_PARTS; p++) {
		char c = is_in_host_name(*p) ? *p : '-', last = at ? out[at - 1] : '.';

		if (c == '.' && last == '-')
			at--;
		if ((c == '-' && (last == '-' || last == '.')) || (c == '.' && last == '.') ||
		    (c != '.' && part == LABEL_MAX))
			continue;
		part = c == '.' ? 0 : part + 1;
		out[at++] = c;
	}
	while (at && (out[at - 1] == '-' || out[at - 1] == '.'))
		at--;
	out[at] = '\0';
	if (!at)
		snprintf(out, NAME_PARTS + 1, "vm-%.8s", guest->uuid);
}

/* JSON is YAML, and needs no rules of its own for quoting. */
static char *meta_data(const struct guest_info *guest)
{
	char name[NAME_PARTS + 1];
	json_t *json;
	char *out;

	host_name(guest, name);
	json = json_pack("{s:s, s:s}", "instance-id", guest->uuid, "local-hostname", name);
	out = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	return out;
}

/* One line of a shell script that writes a file.  The text does not stand in a command's arguments, where any process
 * in the guest could see it. */
static char *write_command(const char *path, const char *mask, const char *text)
{
	char *base64 = vmp_base64(text, strlen(text)), *out = NULL;

	if (base64 && asprintf(&out, "mkdir -p /etc/vmprov; rm -f %s; umask %s; base64 -d > %s <<'EOF'\n%s\nEOF", path,
			       mask, path, base64) < 0)
		out = NULL;
	wipe_free(base64);
	return out;
}

/* Not write_files, which cloud-init heeds at an instance's first boot alone: each start brings another token. */
static char *user_data(const char *join, const char *ca)
{
	char *first = write_command("/etc/vmprov/policyd-ca.pem", "022", ca), *out = NULL, *text;
	char *second = write_command("/etc/vmprov/join.json", "077", join);
	json_t *json = first && second ? json_pack("{s:[s, s]}", "bootcmd", first, second) : NULL;

	text = json_dumps(json, JSON_INDENT(2));
	if (text && asprintf(&out, "#cloud-config\n%s\n", text) < 0)
		out = NULL;
	json_decref(json);
	wipe_free(text);
	wipe_free(first);
	wipe_free(second);
	return out;
}

/* The member "ca" of the bundle, for guests that read no JSON. */
static char *ca_of(const char *bundle)
{
	json_t *json = json_loads(bundle, JSON_REJECT_DUPLICATES, NULL);
	const char *ca = json_string_value(json_object_get(json, "ca"));
	char *out = ca ? strdup(ca) : NULL;

	json_decref(json);
	return out;
}

static int content_make(const struct guest_info *guest, const char *bundle, struct content *c, struct vmp_msg *msg)
{
	c->meta = meta_data(guest);
	if (bundle) {
		c->ca = ca_of(bundle);
		if (!c->ca)
			return vmp_fail(msg, VMP_EINVAL, "expected a join bundle: JSON with a member \"ca\"");
		c->join = strdup(bundle);
		c->user = user_data(bundle, c->ca);
	} else {
		c->user = strdup("#cloud-config\n{}\n");
	}
	if (!c->meta || !c->user || (bundle && !c->join))
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return VMP_OK;
}

/* -- the image -------------------------------------------------------------------------------------------------- */

static bool add_entry(struct archive *a, const char *name, mode_t mode, const char *text)
{
	struct archive_entry *e = archive_entry_new();
	size_t len = text ? strlen(text) : 0;
	bool good = e != NULL;

	if (good) {
		archive_entry_set_pathname(e, name);
		archive_entry_set_mode(e, mode);
		archive_entry_set_size(e, (la_int64_t)len);
		good = archive_write_header(a, e) == ARCHIVE_OK &&
		       (!len || archive_write_data(a, text, len) == (la_ssize_t)len);
	}
	archive_entry_free(e);
	return good;
}

static bool add_all(struct archive *a, const struct content *c)
{
	return add_entry(a, "meta-data", S_IFREG | 0444, c->meta) &&
	       add_entry(a, "user-data", S_IFREG | 0400, c->user) &&
	       (!c->join || (add_entry(a, "vmprov", S_IFDIR | 0755, NULL) &&
			     add_entry(a, "vmprov/join.json", S_IFREG | 0400, c->join) &&
			     add_entry(a, "vmprov/ca.pem", S_IFREG | 0444, c->ca)));
}

/* ISO 9660 with Rock Ridge and Joliet, in image's first octets; the others stay 0. */
static int write_image(const struct content *c, char *image, struct vmp_msg *msg)
{
	struct archive *a = archive_write_new();
	size_t used = 0;
	int err = VMP_OK;

	if (!a)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (archive_write_set_format_iso9660(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "iso9660:volume-id=cidata,iso9660:rockridge=strict,iso9660:!pad") !=
		    ARCHIVE_OK ||
	    archive_write_open_memory(a, image, IMAGE_SIZE, &used) != ARCHIVE_OK || !add_all(a, c) ||
	    archive_write_close(a) != ARCHIVE_OK)
		err = vmp_fail(msg, archive_errno(a) == ENOSPC ? VMP_EFULL : VMP_EINVAL,
			       "cannot make a volume of %d octets: %s", IMAGE_SIZE,
			       archive_error_string(a) ? archive_error_string(a) : "no reason given");
	archive_write_free(a);
	return err;
}

int cidata_write(const char *path, const struct guest_info *guest, const char *bundle, struct vmp_msg *msg)
{
	struct content c = { .meta = NULL };
	char *image = calloc(1, IMAGE_SIZE);
	int err = image ? content_make(guest, bundle, &c, msg) : vmp_fail(msg, VMP_ENOMEM, "out of memory");

	if (!err)
		err = write_image(&c, image, msg);
	if (!err)
		err = vmp_file_replace(path, image, IMAGE_SIZE, MODE, msg);
	content_clear(&c);
	vmp_wipe(image, image ? IMAGE_SIZE : 0);
	free(image);
	return err;
}

void cidata_path(const char *uuid, char out[256])
{
	snprintf(out, 256, "%s/%s.iso", loop.config->cidata_directory, uuid);
}
