#include "setting.h"
#include "account.h"
#include "inifile.h"
#include "listen.h"
#include "log.h"

int vmp_setting_addresses(const char *option, const char *list, int max, const char *such_as, int *n,
			  struct vmp_msg *msg)
{
	char word[VMP_INI_TEXT];
	int found = 0;

	while (vmp_ini_word(&list, word, sizeof(word))) {
		if (vmp_listen_check(word, NULL) != VMP_OK || ++found > max)
			return vmp_fail(msg, VMP_EINVAL, "%s: %s: expected at most %d of ADDRESS:PORT%s%s", option,
					word, max, such_as ? ", such as " : "", such_as ? such_as : "");
	}
	if (n)
		*n = found;
	return VMP_OK;
}

int vmp_setting_path(const char *option, const char *path, struct vmp_msg *msg)
{
	return *path == '/' ? VMP_OK
			    : vmp_fail(msg, VMP_EINVAL, "%s: expected a path that begins with a slash", option);
}

int vmp_setting_user(const char *option, const char *user, struct vmp_msg *msg)
{
	struct vmp_msg why;
	unsigned uid, gid;
	int err = vmp_account_user(user, &uid, &gid, &why);

	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", option, why.text);
}

int vmp_setting_log_level(const char *level, struct vmp_msg *msg)
{
	return vmp_log_level(level) >= 0
		       ? VMP_OK
		       : vmp_fail(msg, VMP_EINVAL, "[log] level: expected error, warning, info or debug");
}
