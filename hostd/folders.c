#include "folders.h"
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder is somebody's who may do what he likes above it: no link is followed. */
static int give(const char *path, unsigned uid, unsigned gid, struct vmp_msg *msg)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = VMP_OK;

	if (fd < 0 || fchown(fd, uid, gid) != 0)
		err = vmp_fail(msg, VMP_EIO, "cannot give %s to user %u: %s", path, uid, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

/* And those above it, for all to pass. */
static int make(const char *path, mode_t mode, unsigned uid, unsigned gid, struct vmp_msg *msg)
{
	char part[VMP_INI_TEXT] = "";
	const char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return vmp_fail(msg, VMP_EIO, "cannot make %s: %s", part, strerror(errno));
	}
	if (mkdir(path, mode) != 0)
		return errno == EEXIST ? VMP_OK : vmp_fail(msg, VMP_EIO, "cannot make %s: %s", path, strerror(errno));
	return uid == (unsigned)-1 ? VMP_OK : give(path, uid, gid, msg);
}

static int make_folder_of(const char *file, mode_t mode, unsigned uid, unsigned gid, struct vmp_msg *msg)
{
	char folder[VMP_INI_TEXT] = "";

	memcpy(folder, file, strlen(file));
	*strrchr(folder, '/') = '\0'; /* config.c has seen to it that there is one */
	return *folder ? make(folder, mode, uid, gid, msg) : VMP_OK;
}

int folders_make(const struct config *config, struct vmp_msg *msg)
{
	unsigned uid, gid;
	mode_t mask = umask(0);
	int err = vmp_account_user(config->user, &uid, &gid, msg);

	if (err == VMP_OK)
		err = make(config->state_directory, 0700, uid, gid, msg);
	/* QEMU finds a guest's volume there by its name. */
	if (err == VMP_OK && config->cidata)
		err = make(config->cidata_directory, 0711, uid, gid, msg);
	if (err == VMP_OK && config->enrol)
		err = make_folder_of(config->key, 0700, uid, gid, msg);
	if (err == VMP_OK && config->enrol)
		err = make_folder_of(config->certificate, 0700, uid, gid, msg);
	umask(mask);
	return err;
}
