#include "privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#define MOST 64

static bool is_permitted(int capability)
{
	return capng_have_capability(CAPNG_PERMITTED, (unsigned)capability);
}

/* @param keep  out: n. @param bounds  out: may the bounding set be changed? */
static int look(const struct vmp_privilege *kept, size_t n, bool *keep, bool *bounds, struct vmp_msg *msg)
{
	const char *name;
	size_t i;

	if (capng_get_caps_process() != 0)
		return vmp_fail(msg, VMP_EIO, "cannot read the capabilities");
	/* One that is permitted without being effective does not let us change it. */
	*bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (i = 0; i < n; i++) {
		keep[i] = is_permitted(kept[i].capability);
		name = capng_capability_to_name((unsigned)kept[i].capability);
		if (kept[i].must && !keep[i])
			return vmp_fail(msg, VMP_EACCES, "expected to be started as root, or with the capability %s",
					name ? name : "that is missing");
	}
	return VMP_OK;
}

int vmp_privilege_check(const struct vmp_privilege *kept, size_t n, struct vmp_msg *msg)
{
	bool keep[MOST], bounds;

	return n <= MOST ? look(kept, n, keep, &bounds, msg) : vmp_fail(msg, VMP_EINVAL, "too many capabilities");
}

int vmp_privilege_keep(const struct vmp_privilege *kept, size_t n, struct vmp_msg *msg)
{
	bool keep[MOST] = { false }, bounds = false;
	size_t i;
	int err = n <= MOST ? look(kept, n, keep, &bounds, msg) : vmp_fail(msg, VMP_EINVAL, "too many capabilities");

	if (err != VMP_OK)
		return err;
	capng_clear(CAPNG_SELECT_ALL);
	for (i = 0; i < n; i++) {
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

int vmp_privilege_carry(struct vmp_msg *msg)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot keep capabilities: %s", strerror(errno));
	return VMP_OK;
}
