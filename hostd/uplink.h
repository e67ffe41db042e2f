/** An interface towards a switch: its packet socket, and those that authenticate over it. */
#ifndef UPLINK_H
#define UPLINK_H

#include "config.h"
#include "link_linux.h"
#include "nic.h"

struct event;

struct uplink {
	const struct config_uplink *config;
	char bridge[IF_NAMESIZE]; /**< the guests'; "": none */
	int fd;			  /**< -1: not open */
	int index;		  /**< of the interface that the socket is, or was asked, for */
	bool asked, up;
	uint64_t mac; /**< the interface's own */
	struct event *readable;
	struct nic **table; /**< by MAC address, n_bucket lists */
	unsigned n_bucket, n_nic;
	struct nic *queue[NIC_URGENCIES], **queue_end[NIC_URGENCIES];
	unsigned n_queued, n_running; /**< conversations: slots taken */
	uint64_t next_at;	      /**< [us] the next EAPOL-Start of the queue may go */
	struct event *timer;	      /**< of next_at, or of another try to open it */
	struct nic *host;	      /**< the host's own; NULL: not asked for */
	bool host_done;		      /**< it has had its verdict: guests may go */
	bool answered;		      /**< the switch has answered once since the uplink came up */
	bool probed;		      /**< or has had the time to: no longer one guest at a time */
	bool grouped;		      /**< its answers go to the group address ... */
	bool grouped_said;	      /**< ... and the log has it */
	uint64_t frames_in, frames_out, frames_foreign, frames_bad;
	char last_error[VMP_MSG_MAX];
};

/** From the configuration; links tell of them by uplink_link(). */
VMP_CHECKED int uplinks_init(const struct config *config, struct vmp_msg *msg);
void uplinks_free(void);
void uplink_link(const struct link *link);

/** The uplink of guests on this bridge, or over this device; NULL. */
struct uplink *uplink_for(const char *bridge, const char *direct);
struct uplink *uplink_at(int i); /**< NULL: no more */
/** Is this interface an uplink? */
bool uplink_is(const char *name);
/** A slot is free, or something else has changed: let the next go. */
void uplink_serve(struct uplink *uplink);
/** Do so in a while. @param ms  [ms] */
void uplink_wake(struct uplink *uplink, uint64_t ms);
/** A frame has come. */
void uplink_take(struct uplink *uplink, const uint8_t *data, size_t len);
void uplink_send(struct nic *nic, enum vmp_eapol_type type, const uint8_t *body, size_t len);
struct nic *uplink_nic(struct uplink *uplink, uint64_t mac);
void uplink_each_nic(struct uplink *uplink, void (*visit)(void *ctx, struct nic *nic), void *ctx);
void uplink_enqueue(struct nic *nic);
void uplink_dequeue(struct nic *nic);
/** The nic's conversation is over, or never began. */
void uplink_release(struct nic *nic);
/** The nic's conversation has begun, by the switch's will if it holds no slot yet. */
void uplink_claim(struct nic *nic);
/** The host's own port has its verdict. */
void uplink_host_done(struct uplink *uplink);
void uplink_insert(struct nic *nic);
void uplink_remove(struct nic *nic);
/** There is a certificate, or another one: those that waited for it, or failed with the one before, go. */
void uplinks_identity_changed(void);

#endif
