/* Frames of an uplink: whom they are from and for. */
#include "eap.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "packet_linux.h"
#include "uplink.h"

#include <poll.h>

#define ROOM_MS 100 /* [ms] until another try to send the last frames */

void uplink_send(struct nic *nic, enum vmp_eapol_type type, const uint8_t *body, size_t len)
{
	struct uplink *u = nic->uplink;
	uint8_t frame[VMP_EAPOL_FRAME_MAX];
	size_t n = vmp_eapol_write(VMP_EAPOL_PAE_GROUP, nic->mac, (uint8_t)loop.config->eapol_version, type, body, len,
				   frame);
	struct pollfd room = { .fd = u->fd, .events = POLLOUT };
	int err;

	if (u->fd < 0 || n == 0)
		return;
	err = packet_write(u->fd, frame, n);
	/* What is lost here is lost as on the wire: it is repeated.  The logoffs at the end are not. */
	if (err == VMP_EBUSY && loop.stopping) {
		(void)poll(&room, 1, ROOM_MS);
		err = packet_write(u->fd, frame, n);
	}
	if (err == VMP_OK) {
		u->frames_out++;
		metrics.frames_out++;
	}
}

struct choice {
	const struct vmp_eapol *frame;
	bool identity; /* it is a Request/Identity, which may begin a conversation */
	struct nic *nic;
	uint64_t since;
};

static bool is_identity(const struct vmp_eapol *frame)
{
	struct vmp_eap eap;

	return vmp_eap_read(frame->body, frame->len, &eap) == VMP_OK && eap.code == VMP_EAP_REQUEST &&
	       eap.type == VMP_EAP_IDENTITY;
}

/* In a conversation: it is meant for it.  Otherwise for the one that was let in first: its time is the next to be up.
 */
static void choose(void *ctx, struct nic *nic)
{
	struct choice *best = ctx;
	struct vmp_supplicant_status status;
	uint64_t since = 0;

	if (!nic->supplicant || nic->stage != NIC_RUNNING)
		return;
	vmp_supplicant_status(nic->supplicant, &status);
	if (nic->slot ? !vmp_supplicant_expects(nic->supplicant, best->frame)
		      : !best->identity || status.busy || !status.authorized)
		return;
	if (!nic->slot)
		since = 1 + (status.authorized_at > nic->asked_at ? status.authorized_at : nic->asked_at);
	if (best->nic && since >= best->since)
		return;
	best->nic = nic;
	best->since = since;
}

static bool to_group(struct uplink *u, const struct vmp_eapol *frame)
{
	struct choice best = { .frame = frame };

	if (frame->type != VMP_EAPOL_EAP)
		return false;
	best.identity = is_identity(frame);
	uplink_each_nic(u, choose, &best);
	/* Whoever waits for an answer has the first right to the next one. */
	if (!best.nic || (!best.nic->slot && u->n_running > 0))
		return false;
	/* If it was meant for another, the next repetition goes to the next. */
	if (!best.nic->slot) {
		best.nic->asked_at = loop_now();
		best.nic->began_us = 0;
	}
	return nic_receive(best.nic, frame);
}

/* As the last answer was that anybody took: what nobody has asked for may be anybody's. */
static void note_address(struct uplink *u, bool group)
{
	if (group && !u->grouped_said)
		vmp_log(VMP_LOG_INFO, "replies-to-group", "uplink", u->config->name, NULL);
	u->grouped = group;
	u->grouped_said = u->grouped_said || group;
}

void uplink_take(struct uplink *u, const uint8_t *data, size_t len)
{
	struct vmp_eapol frame;
	struct nic *nic;
	bool taken = false;
	int err = vmp_eapol_read(data, len, &frame);

	if (err == VMP_ENOENT)
		return;
	u->frames_in++;
	metrics.frames_in++;
	if (err != VMP_OK) {
		u->frames_bad++;
		metrics.frames_bad++;
		return;
	}
	/* One of ours that some bridge has brought back is not the switch's. */
	if (!uplink_nic(u, frame.src)) {
		nic = uplink_nic(u, frame.dst);
		if (frame.dst == VMP_EAPOL_PAE_GROUP)
			taken = to_group(u, &frame);
		else if (nic)
			taken = nic_receive(nic, &frame);
	}
	if (taken) {
		note_address(u, frame.dst == VMP_EAPOL_PAE_GROUP);
	} else {
		u->frames_foreign++;
		metrics.frames_foreign++;
	}
}
