/* Notices that are no report's doing. */
#include "store_session_internal.h"

int vmp_session_evict(struct vmp_store *store, uint64_t mac, int64_t at, const char *detail, struct vmp_msg *msg)
{
	struct vmp_notice notice = { .at = at, .kind = "evict", .mac = mac, .detail = detail };
	struct vmp_session session;
	int err = vmp_session_get(store, mac, &session, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	notice.nas = session.place.nas;
	err = vmp_notice_add(store, &notice, msg);
	vmp_session_done(store);
	return err;
}

int vmp_session_late(struct vmp_store *store, int64_t at, struct vmp_msg *msg)
{
	const struct vmp_notice notice = { .at = at, .kind = "late", .nas = "", .detail = "" };

	return vmp_notice_add(store, &notice, msg);
}

int vmp_session_notice_last(struct vmp_store *store, int64_t *out, struct vmp_msg *msg)
{
	int err = vmp_stmt_number(store, "SELECT seq FROM sqlite_sequence WHERE name = 'notice'", BIND_NONE, out, msg);

	if (err != VMP_ENOENT)
		return err;
	*out = 0;
	return VMP_OK;
}
