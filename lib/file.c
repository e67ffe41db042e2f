#include "file.h"
#include "pki.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* errno as one of ours. */
static int fail(struct vmp_msg *msg, const char *path, const char *doing)
{
	int no = errno, err = VMP_EIO;

	/* EFBIG: the process's own limit, which is full as well. */
	if (no == ENOSPC || no == EDQUOT || no == EFBIG)
		err = VMP_EFULL;
	else if (no == EEXIST)
		err = VMP_EEXIST;
	else if (no == ENOENT)
		err = VMP_ENOENT;
	return vmp_fail(msg, err, "%s: cannot %s: %s", path, doing, strerror(no));
}

static int write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory's own entry reaches the disk only so. */
static int sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int fd, rc;

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* Zeros at the end stay a hole, which takes neither room nor time. */
static int write_data(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n = len;

	while (n > 0 && p[n - 1] == 0)
		n--;
	if (write_all(fd, data, n) != 0)
		return -1;
	return n < len ? ftruncate(fd, (off_t)len) : 0;
}

/* All of data in a file of a name that nobody has, beside path.  @param tmp  its name. */
static int write_beside(const char *path, const void *data, size_t len, unsigned mode, char tmp[PATH_MAX],
			struct vmp_msg *msg)
{
	int fd, err = VMP_OK;

	if (snprintf(tmp, PATH_MAX, "%s" VMP_FILE_TMP, path) >= PATH_MAX)
		return vmp_fail(msg, VMP_EINVAL, "the file's name is too long");
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return fail(msg, path, "create");
	if (fchmod(fd, mode) != 0 || write_data(fd, data, len) != 0 || fsync(fd) != 0) {
		err = fail(msg, path, "write");
		unlink(tmp);
	}
	close(fd);
	return err;
}

int vmp_file_create(const char *path, const void *data, size_t len, unsigned mode, struct vmp_msg *msg)
{
	char tmp[PATH_MAX];
	int err;

	if (access(path, F_OK) == 0)
		return vmp_fail(msg, VMP_EEXIST, "%s: there already", path);
	err = write_beside(path, data, len, mode, tmp, msg);
	if (err)
		return err;
	/* Unlike rename(2), this replaces nothing that somebody else made meanwhile. */
	if (link(tmp, path) != 0)
		err = fail(msg, path, "create");
	unlink(tmp);
	if (!err && sync_dir(path) != 0) {
		err = fail(msg, path, "write the directory of");
		unlink(path);
	}
	return err;
}

int vmp_file_replace(const char *path, const void *data, size_t len, unsigned mode, struct vmp_msg *msg)
{
	char tmp[PATH_MAX];
	int err = write_beside(path, data, len, mode, tmp, msg);

	if (err)
		return err;
	err = vmp_file_rename(tmp, path, msg);
	if (err)
		unlink(tmp);
	return err;
}

int vmp_file_rename(const char *from, const char *to, struct vmp_msg *msg)
{
	if (rename(from, to) != 0)
		return fail(msg, to, "replace");
	if (sync_dir(to) != 0)
		return fail(msg, to, "write the directory of");
	return VMP_OK;
}

/* "NAME.tmp-AbCdEf". @param name  NULL: any. */
static bool is_left_over(const char *entry, const char *name)
{
	size_t len = strlen(entry), tail = sizeof(VMP_FILE_TMP) - 1, fixed = tail - 6;

	return len > tail && strncmp(entry + len - tail, VMP_FILE_TMP, fixed) == 0 &&
	       (!name || (strlen(name) == len - tail && strncmp(entry, name, len - tail) == 0));
}

void vmp_file_sweep(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (is_left_over(e->d_name, name))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

static int open_checked(const char *path, size_t max, bool secret, size_t *size, struct vmp_msg *msg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err = VMP_OK;

	if (fd < 0)
		return fail(msg, path, "open");
	if (fstat(fd, &st) != 0)
		err = fail(msg, path, "look at");
	else if (!S_ISREG(st.st_mode))
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected a file", path);
	else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		err = vmp_fail(msg, VMP_EINVAL, "%s: mode %03o: expected one that only its owner may read (chmod 600)",
			       path, (unsigned)st.st_mode & 0777);
	else if (st.st_size < 0 || (size_t)st.st_size > max)
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu octets", path, max);
	if (err) {
		close(fd);
		return err;
	}
	*size = (size_t)st.st_size;
	return fd;
}

int vmp_file_read(const char *path, size_t max, bool secret, char **out, size_t *len, struct vmp_msg *msg)
{
	size_t size = 0, n = 0;
	char *data;
	int fd = open_checked(path, max, secret, &size, msg), err = VMP_OK;

	if (fd < 0)
		return fd;
	data = malloc(size + 1);
	if (!data)
		err = VMP_ENOMEM;
	while (!err && n < size) {
		ssize_t got = read(fd, data + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = fail(msg, path, "read");
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	if (err) {
		if (data)
			vmp_wipe(data, n);
		free(data);
		return err;
	}
	data[n] = '\0';
	*out = data;
	*len = n;
	return VMP_OK;
}
