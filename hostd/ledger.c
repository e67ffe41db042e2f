#include "ledger.h"
#include "file.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS 1024
#define PATH	320 /* [octets] */
#define ASKED	".asked"

static struct {
	char dir[PATH - 64];
	struct ledger_entry *first, *bucket[BUCKETS];
} ledger;

static const char *const source_words[GUEST_SOURCES] = { [GUEST_LIBVIRT] = "libvirt", [GUEST_NETLINK] = "netlink" };

/* -- the table -------------------------------------------------------------------------------------------------- */

/* FNV-1a */
static struct ledger_entry **bucket_of(const char *uuid)
{
	uint32_t h = 2166136261u;

	for (; *uuid; uuid++)
		h = (h ^ (uint8_t)*uuid) * 16777619u;
	return &ledger.bucket[h % BUCKETS];
}

struct ledger_entry *ledger_find(const char *uuid)
{
	struct ledger_entry *e = *bucket_of(uuid);

	while (e && strcmp(e->uuid, uuid) != 0)
		e = e->same_bucket;
	return e;
}

struct ledger_entry *ledger_first(void)
{
	return ledger.first;
}

static void insert(struct ledger_entry *e)
{
	struct ledger_entry **bucket = bucket_of(e->uuid);

	e->same_bucket = *bucket;
	*bucket = e;
	e->next = ledger.first;
	ledger.first = e;
}

static void withdraw(struct ledger_entry *e)
{
	struct ledger_entry **p;

	for (p = bucket_of(e->uuid); *p && *p != e; p = &(*p)->same_bucket)
		;
	*p = e->same_bucket;
	for (p = &ledger.first; *p && *p != e; p = &(*p)->next)
		;
	*p = e->next;
	free(e);
}

/* -- a line ----------------------------------------------------------------------------------------------------- */

static bool is_printable(const char *name)
{
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

void ledger_name(const char *name, char out[GUEST_NAME])
{
	size_t len = strnlen(name, GUEST_NAME - 1), cut;
	json_t *text = NULL;

	memcpy(out, name, len);
	out[len] = '\0';
	/* A name that was cut may end within a character. */
	for (cut = 0; cut < 4 && cut <= len && !text; cut++) {
		out[len - cut] = '\0';
		text = json_string(out);
	}
	if (!text || !is_printable(out))
		*out = '\0';
	json_decref(text);
}

int ledger_read_line(const char *text, size_t len, struct ledger_entry *out, struct vmp_msg *msg)
{
	const char *mac, *name, *source, *state;
	json_t *json = len <= LEDGER_LINE_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int err = VMP_EINVAL, i;

	if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "mac", &mac, "name", &name, "source",
			   &source, "state", &state) == 0)
		err = vmp_mac_parse(mac, strlen(mac), &out->mac);
	if (err == VMP_OK) {
		ledger_name(name, out->name);
		out->stopped = strcmp(state, "stopped") == 0;
		for (i = 0; i < GUEST_SOURCES && strcmp(source_words[i], source) != 0; i++)
			;
		out->source = (enum guest_source)i;
		if (i == GUEST_SOURCES || (!out->stopped && strcmp(state, "running") != 0))
			err = VMP_EINVAL;
	}
	json_decref(json);
	return err ? vmp_fail(msg, err, "expected a MAC address, a name, a source and a state in JSON") : VMP_OK;
}

static char *write_line(const struct ledger_entry *e)
{
	char mac[VMP_MAC_TEXT];
	json_t *json;
	char *out;

	vmp_mac_format(e->mac, mac);
	json = json_pack("{s:s, s:s, s:s, s:s}", "mac", mac, "name", e->name, "source", source_words[e->source],
			 "state", e->stopped ? "stopped" : "running");
	out = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return out;
}

/* -- its file --------------------------------------------------------------------------------------------------- */

static void path_of(const char *uuid, const char *tail, char out[PATH])
{
	snprintf(out, PATH, "%s/%s%s", ledger.dir, uuid, tail);
}

static int write_file(const struct ledger_entry *e, struct vmp_msg *msg)
{
	char *line = write_line(e), text[LEDGER_LINE_MAX], path[PATH];
	int len = line ? snprintf(text, sizeof(text), "%s\n", line) : -1;

	free(line);
	if (len < 0 || len >= (int)sizeof(text))
		return vmp_fail(msg, VMP_ENOMEM, "cannot write a line for the ledger");
	path_of(e->uuid, e->told ? "" : ASKED, path);
	return vmp_file_replace(path, text, (size_t)len, 0600, msg);
}

static void remove_files(const char *uuid)
{
	char path[PATH];

	path_of(uuid, "", path);
	unlink(path);
	path_of(uuid, ASKED, path);
	unlink(path);
}

static void set_aside(const char *file, const char *uuid, const char *why)
{
	char from[PATH], to[PATH];

	path_of(file, "", from);
	path_of(uuid, ".bad", to);
	vmp_log(VMP_LOG_ERROR, "ledger-bad", "file", from, "why", why, "kept", to, NULL);
	if (rename(from, to) != 0)
		vmp_log(VMP_LOG_ERROR, "ledger-bad", "file", from, "why", strerror(errno), NULL);
}

static int read_file(const char *file, struct ledger_entry *e, struct vmp_msg *msg)
{
	char path[PATH], *text = NULL;
	size_t len = 0;
	int err;

	path_of(file, "", path);
	err = vmp_file_read(path, LEDGER_LINE_MAX, false, &text, &len, msg);
	if (!err)
		err = ledger_read_line(text, len, e, msg);
	free(text);
	return err;
}

/* UUID or UUID.asked; other files are not ours. */
static bool read_name(const char *file, struct ledger_entry *e)
{
	size_t len = sizeof(e->uuid) - 1;

	if (strlen(file) < len || vmp_uuid_parse(file, len, e->uuid) != VMP_OK || strncmp(file, e->uuid, len) != 0)
		return false;
	e->told = file[len] == '\0';
	return e->told || strcmp(file + len, ASKED) == 0;
}

static int take_file(const char *file, struct vmp_msg *msg)
{
	struct ledger_entry *e = calloc(1, sizeof(*e)), *other;
	struct vmp_msg why = { "" };

	if (!e)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (!read_name(file, e)) {
		free(e);
		return VMP_OK;
	}
	if (read_file(file, e, &why) != VMP_OK) {
		set_aside(file, e->uuid, why.text);
		free(e);
		return VMP_OK;
	}
	e->on_disk = e->stopped;
	other = ledger_find(e->uuid);
	if (!other) {
		insert(e);
		return VMP_OK;
	}
	/* Both: the one that policyd has answered says more. */
	other->told = true;
	free(e);
	return VMP_OK;
}

int ledger_open(const char *directory, struct vmp_msg *msg)
{
	struct dirent *e;
	int err = VMP_OK;
	DIR *dir;

	if (snprintf(ledger.dir, sizeof(ledger.dir), "%s/reported", directory) >= (int)sizeof(ledger.dir))
		return vmp_fail(msg, VMP_EINVAL, "[state] directory: expected a shorter name");
	if (mkdir(ledger.dir, 0700) != 0 && errno != EEXIST)
		return vmp_fail(msg, VMP_EIO, "%s: cannot make the directory: %s", ledger.dir, strerror(errno));
	vmp_file_sweep(ledger.dir, NULL);
	dir = opendir(ledger.dir);
	if (!dir)
		return vmp_fail(msg, VMP_EIO, "%s: cannot open: %s", ledger.dir, strerror(errno));
	while (err == VMP_OK && (e = readdir(dir)))
		err = take_file(e->d_name, msg);
	closedir(dir);
	return err;
}

void ledger_close(void)
{
	while (ledger.first)
		withdraw(ledger.first);
}

/* -- what happens to guests ------------------------------------------------------------------------------------- */

/* Does the file say this already? */
static bool stands(const struct ledger_entry *old, const struct ledger_entry *e)
{
	return old && !old->stopped && !old->on_disk && old->mac == e->mac && old->source == e->source &&
	       strcmp(old->name, e->name) == 0;
}

int ledger_put(const struct guest_info *guest, struct vmp_msg *msg)
{
	struct ledger_entry *old = ledger_find(guest->uuid), *e;
	int err;

	e = calloc(1, sizeof(*e));
	if (!e)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	memcpy(e->uuid, guest->uuid, sizeof(e->uuid));
	e->mac = guest->n_nic ? guest->nic[0].mac : 0;
	e->source = guest->source;
	e->told = old && old->told;
	ledger_name(guest->name, e->name);
	err = stands(old, e) ? VMP_OK : write_file(e, msg);
	if (err) {
		free(e);
		return err;
	}
	if (old)
		withdraw(old);
	insert(e);
	return VMP_OK;
}

void ledger_told(struct ledger_entry *entry)
{
	char from[PATH], to[PATH];

	if (entry->told)
		return;
	path_of(entry->uuid, ASKED, from);
	path_of(entry->uuid, "", to);
	/* Lost in a crash, it is reported once more. */
	if (rename(from, to) == 0)
		entry->told = true;
}

void ledger_write_stopped(struct ledger_entry *entry)
{
	struct vmp_msg msg;

	/* On a full disk it stands there as one that runs; who looks for it then will see that it does not. */
	if (!entry->on_disk && write_file(entry, &msg) == VMP_OK)
		entry->on_disk = true;
}

void ledger_remove(struct ledger_entry *entry)
{
	remove_files(entry->uuid);
	withdraw(entry);
}
