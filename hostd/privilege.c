#include "privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

static const struct {
	int capability;
	bool must;
	const char *why;
} kept[] = {
	{ CAP_NET_RAW, true, "packet sockets" },
	{ CAP_NET_ADMIN, true, "nftables, large buffers" },
	{ CAP_SETUID, false, "children become a user" },
	{ CAP_SETGID, false, "and its group" },
	{ CAP_KILL, false, "signals to them" },
	{ CAP_CHOWN, false, "folders and sockets for them" },
	{ CAP_DAC_READ_SEARCH, false, "their files, when SIGHUP has them checked" },
};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

static bool has(int capability)
{
	return capng_have_capability(CAPNG_PERMITTED, (unsigned)capability);
}

int privilege_check(struct vmp_msg *msg)
{
	size_t i;

	if (capng_get_caps_process() != 0)
		return vmp_fail(msg, VMP_EIO, "cannot read the capabilities");
	for (i = 0; i < N_KEPT; i++) {
		if (kept[i].must && !has(kept[i].capability))
			return vmp_fail(msg, VMP_EACCES,
					"expected to be started as root, or with CAP_NET_RAW and CAP_NET_ADMIN");
	}
	return VMP_OK;
}

int privilege_keep(struct vmp_msg *msg)
{
	bool keep[N_KEPT], bounds;
	size_t i;

	if (capng_get_caps_process() != 0)
		return vmp_fail(msg, VMP_EIO, "cannot read the capabilities");
	bounds = has(CAP_SETPCAP);
	for (i = 0; i < N_KEPT; i++)
		keep[i] = has(kept[i].capability);
	capng_clear(CAPNG_SELECT_ALL);
	for (i = 0; i < N_KEPT; i++) {
		if (keep[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				     (unsigned)kept[i].capability);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot give up new privileges: %s", strerror(errno));
	if (capng_apply(bounds ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot give up capabilities");
	return VMP_OK;
}

int privilege_drop(struct vmp_msg *msg)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot give up capabilities");
	return VMP_OK;
}
