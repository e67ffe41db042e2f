#include "names.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_MODE 0644 /* of a file that was not there */

/* A file, and what it has. */
struct file {
	char path[PATH_MAX];
	struct stat st; /* st_nlink 0: it is not there */
	char *text;
	size_t len;
};

static int look(const char *name, struct file *f, struct vmp_msg *msg)
{
	int err;

	memset(&f->st, 0, sizeof(f->st));
	f->text = NULL;
	f->len = 0;
	if (!realpath(name, f->path)) {
		if (errno != ENOENT || strlen(name) >= sizeof(f->path))
			return vmp_fail(msg, VMP_EIO, "%s: cannot find: %s", name, strerror(errno));
		memcpy(f->path, name, strlen(name) + 1);
		f->text = calloc(1, 1);
		return f->text ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	err = vmp_file_read(f->path, NAMES_FILE, false, &f->text, &f->len, msg);
	if (!err && stat(f->path, &f->st) != 0)
		err = vmp_fail(msg, VMP_EIO, "%s: cannot look at: %s", f->path, strerror(errno));
	return err == VMP_ENOENT ? vmp_fail(msg, VMP_EIO, "%s: has just gone", f->path) : err;
}

static bool put(int fd, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = pwrite(fd, text + at, len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return ftruncate(fd, (off_t)len) == 0 && fsync(fd) == 0;
}

/* Whoever reads it meanwhile may see half of it.  What was there is put back if it does not fit. */
static int write_in_place(const struct file *f, const char *text, size_t len, struct vmp_msg *msg)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, NEW_MODE), no, err = VMP_OK;

	if (fd < 0)
		return vmp_fail(msg, VMP_EIO, "%s: cannot write: %s", f->path, strerror(errno));
	if (!put(fd, text, len)) {
		no = errno;
		err = no == ENOSPC || no == EDQUOT || no == EFBIG ? VMP_EFULL : VMP_EIO;
		vmp_fail(msg, err, "%s: cannot write: %s%s", f->path, strerror(no),
			 put(fd, f->text, f->len) ? "" : ", and it is damaged");
	}
	close(fd);
	return err;
}

static int replace(const struct file *f, const char *text, size_t len, struct vmp_msg *msg)
{
	return vmp_file_replace(f->path, text, len, f->st.st_nlink ? f->st.st_mode & 07777 : NEW_MODE, msg);
}

/* A new file would be of this process, and without the other names of this one. */
static bool is_plain(const struct file *f)
{
	return f->st.st_nlink == 0 || (f->st.st_nlink == 1 && f->st.st_uid == geteuid() && f->st.st_gid == getegid());
}

static int write_file(const struct file *f, const char *text, size_t len, struct vmp_msg *msg)
{
	struct vmp_msg first;
	bool plain = is_plain(f);
	int err = (plain ? replace : write_in_place)(f, text, len, &first);

	if (err && err != VMP_EFULL)
		err = (plain ? write_in_place : replace)(f, text, len, msg);
	else if (err)
		vmp_fail(msg, err, "%s", first.text);
	return err == VMP_ENOENT || err == VMP_EEXIST || err == VMP_EINVAL ? VMP_EIO : err;
}

int names_write(const char *file, const char *suffix, const struct names_entry *entries, size_t n, struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	char *text = NULL;
	size_t len = 0;
	struct file f;
	int err;

	if (!*file)
		return VMP_OK;
	err = look(file, &f, msg);
	if (!err) {
		err = names_text(f.text, f.len, suffix, entries, n, &text, &len, &why);
		if (err)
			vmp_fail(msg, err, "%s: %s", file, why.text);
	}
	if (!err && (len != f.len || memcmp(text, f.text, len) != 0))
		err = write_file(&f, text, len, msg);
	free(text);
	free(f.text);
	return err;
}
