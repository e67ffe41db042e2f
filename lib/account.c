#include "account.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int vmp_account_user(const char *name, unsigned *uid, unsigned *gid, struct vmp_msg *msg)
{
	const struct passwd *pw;

	*uid = *gid = (unsigned)-1;
	if (!*name || geteuid() != 0)
		return VMP_OK;
	pw = getpwnam(name);
	if (!pw)
		return vmp_fail(msg, VMP_EINVAL, "%s: there is no such user", name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return VMP_OK;
}

int vmp_account_group(const char *name, unsigned *gid, struct vmp_msg *msg)
{
	const struct group *gr;

	*gid = (unsigned)-1;
	if (!*name)
		return VMP_OK;
	gr = getgrnam(name);
	if (!gr)
		return vmp_fail(msg, VMP_EINVAL, "%s: there is no such group", name);
	*gid = gr->gr_gid;
	return VMP_OK;
}
