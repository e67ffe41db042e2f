#include "forwarding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const switches[] = { "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding" };

static bool is_on(const char *path)
{
	FILE *file = fopen(path, "re");
	int c = file ? fgetc(file) : '0';

	if (file)
		fclose(file);
	return c != '0' && c != EOF;
}

/* Writing what is there already would be of no use, and may not be allowed: a container. */
static int turn_on(const char *path, struct vmp_msg *msg)
{
	FILE *file;
	bool written;

	if (is_on(path))
		return VMP_OK;
	file = fopen(path, "we");
	if (!file && errno == ENOENT)
		return VMP_OK;
	written = file && fputs("1\n", file) >= 0;
	if (file && fclose(file) != 0)
		written = false;
	if (written)
		return VMP_OK;
	return vmp_fail(msg, VMP_EIO, "%s: cannot be set to 1: %s ([coi] forwarding = no does without it)", path,
			strerror(errno));
}

int forwarding_on(struct vmp_msg *msg)
{
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]) && err == VMP_OK; i++)
		err = turn_on(switches[i], msg);
	return err;
}
