/* Configuration files with secrets in them. */
#include "inifile.h"
#include "pki.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_private(const char *path, FILE **out, struct vmp_msg *msg)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return vmp_fail(msg, errno == ENOENT ? VMP_ENOENT : VMP_EIO, "%s: cannot open: %s", path,
				strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return vmp_fail(msg, VMP_EIO, "%s: not a file", path);
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		close(fd);
		return vmp_fail(msg, VMP_EACCES, "%s: others than its owner may read or write it: chmod 600", path);
	}
	*out = fdopen(fd, "r");
	return *out ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "%s: out of memory", path);
}

int vmp_ini_each_private(const char *path, vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg)
{
	char buffer[4096]; /* stdio's own could not be wiped */
	FILE *file = NULL;
	int err = open_private(path, &file, msg);

	if (err != VMP_OK)
		return err;
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	err = vmp_ini_each_stream(path, file, each, ctx, msg);
	fclose(file);
	vmp_wipe(buffer, sizeof(buffer));
	return err;
}
