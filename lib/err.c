#include "err.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {
	[-VMP_OK] = "ok",
	[-VMP_EINVAL] = "invalid",
	[-VMP_ENOENT] = "not found",
	[-VMP_EEXIST] = "exists",
	[-VMP_EBUSY] = "busy",
	[-VMP_ECORRUPT] = "corrupt",
	[-VMP_EVERSION] = "wrong schema version",
	[-VMP_EIO] = "input/output error",
	[-VMP_EFULL] = "disk full",
	[-VMP_ENOMEM] = "out of memory",
	[-VMP_EACCES] = "not allowed",
};

const char *vmp_strerror(int err)
{
	int n = -err;

	if (n < 0 || n >= (int)(sizeof(words) / sizeof(words[0])))
		return "unknown error";
	return words[n];
}

int vmp_fail(struct vmp_msg *msg, int err, const char *fmt, ...)
{
	va_list ap;
	char *p;

	if (!msg)
		return err;
	va_start(ap, fmt);
	vsnprintf(msg->text, sizeof(msg->text), fmt, ap);
	va_end(ap);
	for (p = msg->text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return err;
}
