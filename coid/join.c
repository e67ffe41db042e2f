#include "join.h"
#include "cidata.h"
#include "file.h"
#include "log.h"
#include "pki_pair.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CAS	  16 /* certificates in a CA file */
#define OFTEN_S	  2
#define SELDOM_S  10
#define OFTEN_FOR 60 /* [s] */
#define SAY_S	  60

/* -- sources ------------------------------------------------------------------------------------------------------ */

static int from_credential(const struct config *c, char **text, size_t *len, struct vmp_msg *msg)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (!c->join_credential || !dir)
		return VMP_ENOENT;
	snprintf(path, sizeof(path), "%s/vmprov.join", dir);
	return vmp_file_read(path, BUNDLE_MAX, true, text, len, msg);
}

static int from_directory(const struct config *c, char **text, size_t *len, struct vmp_msg *msg)
{
	char path[VMP_INI_TEXT + 16];

	if (!*c->join_directory)
		return VMP_ENOENT;
	snprintf(path, sizeof(path), "%s/join.json", c->join_directory);
	return vmp_file_read(path, BUNDLE_MAX, true, text, len, msg);
}

/* Disks that are no such volumes, and drives without a medium, are nothing to speak of. */
static int from_any_volume(char **text, size_t *len, struct vmp_msg *msg)
{
	static const char *const places[] = { "/dev/disk/by-label/cidata",
					      "/dev/disk/by-label/CIDATA",
					      "/dev/sr[0-9]",
					      "/dev/vd[a-z]",
					      "/dev/sd[a-z]",
					      "/dev/xvd[a-z]" };
	glob_t found = { .gl_pathc = 0 };
	int err = VMP_ENOENT, flags = 0;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (glob(places[i], flags, NULL, &found) == GLOB_NOSPACE)
			break;
		flags = GLOB_APPEND;
	}
	for (i = 0; i < found.gl_pathc && (err == VMP_ENOENT || err == VMP_EIO); i++)
		err = cidata_read(found.gl_pathv[i], text, len, msg);
	globfree(&found);
	return err == VMP_EIO ? VMP_ENOENT : err;
}

static int from_cidata(const struct config *c, char **text, size_t *len, struct vmp_msg *msg)
{
	if (strcmp(c->join_cidata, "no") == 0)
		return VMP_ENOENT;
	if (strcmp(c->join_cidata, "yes") == 0)
		return from_any_volume(text, len, msg);
	return cidata_read(c->join_cidata, text, len, msg);
}

static const struct {
	const char *name;
	int (*read)(const struct config *c, char **text, size_t *len, struct vmp_msg *msg);
} sources[] = { { "credential", from_credential }, { "directory", from_directory }, { "cidata", from_cidata } };

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

static void say_bad(size_t source, const char *why)
{
	static char said[SOURCES][VMP_MSG_MAX];

	if (strcmp(said[source], why) == 0)
		return;
	snprintf(said[source], sizeof(said[source]), "%s", why);
	vmp_log(VMP_LOG_WARNING, "bundle-bad", "from", sources[source].name, "why", why, NULL);
}

static int read_source(const struct config *c, size_t source, struct bundle *out)
{
	struct vmp_msg msg = { "" };
	char *text = NULL;
	size_t len = 0;
	int err = sources[source].read(c, &text, &len, &msg);

	memset(out, 0, sizeof(*out));
	if (err == VMP_OK)
		err = bundle_read(text, len, out, &msg);
	if (text)
		vmp_wipe(text, len);
	free(text);
	/* Only this machine's own copy tells of tokens that have been tried. */
	memset(out->used, 0, sizeof(out->used));
	if (err != VMP_OK && err != VMP_ENOENT)
		say_bad(source, msg.text);
	return err;
}

static enum join_news news_of(const struct bundle *own, const struct bundle *found)
{
	if (!own)
		return JOIN_FIRST;
	if (!bundle_is_same(own, found))
		return JOIN_OTHER;
	return bundle_is_used(found, own) ? JOIN_NOTHING : JOIN_TOKEN;
}

enum join_news join_look(const struct config *c, const struct bundle *own, struct bundle *found)
{
	enum join_news best = JOIN_NOTHING, news;
	struct bundle one;
	size_t i;

	memset(found, 0, sizeof(*found));
	for (i = 0; i < SOURCES && (best == JOIN_NOTHING || best == JOIN_OTHER); i++) {
		int err = read_source(c, i, &one);

		news = err == VMP_OK ? news_of(own, &one) : JOIN_NOTHING;
		/* A source may have an old one still, until the machine's start has gone on. */
		if (news == JOIN_NOTHING || (best == JOIN_OTHER && news == JOIN_OTHER)) {
			bundle_clear(&one);
			continue;
		}
		bundle_clear(found);
		*found = one;
		best = news;
	}
	return best;
}

/* -- this machine's copy ------------------------------------------------------------------------------------------ */

static void path_of(const struct config *c, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", c->state, name);
}

int join_load(const struct config *c, struct bundle *out, struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	int err;

	memset(out, 0, sizeof(*out));
	path_of(c, "join.json", path);
	err = vmp_file_read(path, 2 * BUNDLE_MAX, true, &text, &len, msg);
	if (err != VMP_OK)
		return err;
	err = bundle_read(text, len, out, &why);
	vmp_wipe(text, len);
	free(text);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path, why.text);
}

/* Looked at before it takes the place of another. */
static int keep_ca(const struct config *c, const struct bundle *b, struct vmp_msg *msg)
{
	char path[VMP_INI_TEXT + 8];
	int err;

	if (!c->ca_is_bundles)
		return VMP_OK;
	snprintf(path, sizeof(path), "%s.new", c->ca);
	err = vmp_file_replace(path, b->ca, strlen(b->ca), 0644, msg);
	if (err == VMP_OK)
		err = vmp_certs_check(path, CAS, msg);
	if (err == VMP_OK)
		return vmp_file_rename(path, c->ca, msg);
	unlink(path);
	return err;
}

int join_keep(const struct config *c, const struct bundle *b, struct vmp_msg *msg)
{
	char path[PATH_MAX], *text = NULL;
	int err = keep_ca(c, b, msg);

	if (err == VMP_OK)
		err = bundle_write(b, &text, msg);
	path_of(c, "join.json", path);
	if (err == VMP_OK)
		err = vmp_file_replace(path, text, strlen(text), 0600, msg);
	if (text)
		vmp_wipe(text, strlen(text));
	free(text);
	return err;
}

/* Another machine's keys are not for this one; what is made of an identity's files on the way has .next behind it.  The
 * certificate goes first and the bundle last: if this is cut off, the rest of it is done at the next look. */
static void forget(const struct config *c)
{
	static const char *const names[] = { "wireguard.key", "coi-keys.json", "join.json" };
	const char *const pair[] = { c->certificate, c->key };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(pair) / sizeof(pair[0]) && c->enrol; i++) {
		snprintf(path, sizeof(path), "%s.next", pair[i]);
		unlink(path);
		unlink(pair[i]);
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(c, names[i], path);
		unlink(path);
	}
}

bool join_may_change(const struct config *c)
{
	return c->join_again || access(c->certificate, F_OK) != 0;
}

int join_take(const struct config *c, enum join_news news, struct bundle *own, struct bundle *found,
	      struct vmp_msg *msg)
{
	int err;

	if (news == JOIN_TOKEN)
		memcpy(found->used, own->used, sizeof(found->used));
	if (news == JOIN_OTHER)
		forget(c);
	err = join_keep(c, found, msg);
	if (err != VMP_OK)
		return err;
	bundle_clear(own);
	*own = *found;
	vmp_wipe(found, sizeof(*found));
	vmp_log(VMP_LOG_INFO, "bundle-found", "uuid", own->uuid, "name", own->name, "template", own->label, "policyd",
		own->policyd, NULL);
	return VMP_OK;
}

/* -- the beginning ------------------------------------------------------------------------------------------------ */

int join_folder(const struct config *c, struct vmp_msg *msg)
{
	char parent[VMP_INI_TEXT];
	const char *slash = strrchr(c->state, '/');
	struct stat st;

	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - c->state), c->state);
	if (*parent && mkdir(parent, 0755) != 0 && errno != EEXIST)
		return vmp_fail(msg, VMP_EIO, "cannot make %s: %s", parent, strerror(errno));
	if (mkdir(c->state, 0700) != 0 && errno != EEXIST)
		return vmp_fail(msg, VMP_EIO, "cannot make %s: %s", c->state, strerror(errno));
	if (stat(c->state, &st) != 0 || !S_ISDIR(st.st_mode))
		return vmp_fail(msg, VMP_EIO, "%s: expected a folder", c->state);
	if (st.st_mode & 0077)
		return vmp_fail(msg, VMP_EIO, "%s: expected a folder that its owner alone can use (mode 0700)",
				c->state);
	return VMP_OK;
}

/* One look. @return VMP_OK: there is a bundle; VMP_ENOENT: not yet. */
static int begin(const struct config *c, bool has_own, struct bundle *own, struct vmp_msg *msg)
{
	struct bundle found;
	enum join_news news = join_look(c, has_own ? own : NULL, &found);
	bool refused = news == JOIN_OTHER && !join_may_change(c);
	int err = has_own ? VMP_OK : VMP_ENOENT;

	if (refused)
		vmp_log(VMP_LOG_WARNING, "bundle-bad", "uuid", found.uuid, "why",
			"it is for another machine or of another CA, and this one has a certificate: [join] again",
			NULL);
	else if (news != JOIN_NOTHING)
		err = join_take(c, news, own, &found, msg);
	bundle_clear(&found);
	/* What cannot be written down must not keep a machine away that has joined before. */
	if (err != VMP_OK && has_own)
		vmp_log(VMP_LOG_WARNING, "bundle-bad", "why", msg->text, NULL);
	return has_own ? VMP_OK : err;
}

/* @return whether to go on; false: a signal to stop has come. */
static bool wait_s(const sigset_t *stops, int seconds)
{
	const struct timespec pause = { .tv_sec = seconds };

	return sigtimedwait(stops, NULL, &pause) < 0;
}

static int look_on(const struct config *c, bool has_own, struct bundle *own, const sigset_t *stops, struct vmp_msg *msg)
{
	struct timespec now;
	time_t began = 0, said = -SAY_S;
	int err;

	while ((err = begin(c, has_own, own, msg)) != VMP_OK) {
		clock_gettime(CLOCK_BOOTTIME, &now);
		began = began ? began : now.tv_sec;
		if (now.tv_sec - said >= SAY_S)
			vmp_log(VMP_LOG_WARNING, "bundle-missing", "why",
				err == VMP_ENOENT ? "no join bundle yet, neither as a credential, nor in [join] "
						    "directory, nor on a "
						    "cidata volume"
						  : msg->text,
				NULL);
		if (now.tv_sec - said >= SAY_S)
			said = now.tv_sec;
		if (!wait_s(stops, now.tv_sec - began < OFTEN_FOR ? OFTEN_S : SELDOM_S))
			return vmp_fail(msg, VMP_ENOENT, "stopped");
	}
	return VMP_OK;
}

int join_await(const struct config *c, struct bundle *own, struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	sigset_t stops, before;
	int err = join_load(c, own, &why), rc;

	if (err != VMP_OK && err != VMP_ENOENT)
		vmp_log(VMP_LOG_WARNING, "bundle-bad", "from", "state", "why", why.text, NULL);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, &before);
	rc = look_on(c, err == VMP_OK, own, &stops, msg);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
