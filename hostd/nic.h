/** One guest interface (or the host's own) and its supplicant, on one uplink. */
#ifndef NIC_H
#define NIC_H

#include "supplicant.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct event;
struct guest;
struct uplink;

/** Who starts before whom. */
enum nic_urgency { NIC_HOST, NIC_MIGRATED, NIC_STARTED, NIC_AGAIN, NIC_URGENCIES };

enum nic_stage {
	NIC_IDLE,    /**< nothing to do: incoming, or logged off by an operator */
	NIC_WAITING, /**< for the uplink, the certificate, the host's own port or its turn */
	NIC_RUNNING  /**< the supplicant has it */
};

struct nic {
	struct nic *next;	/**< in the uplink's table */
	struct nic *queue_next; /**< in the uplink's queue */
	struct uplink *uplink;
	struct guest *guest; /**< NULL: the host's own */
	uint64_t mac;
	enum nic_stage stage;
	enum nic_urgency urgency;
	bool queued;
	bool slot;	       /**< holds one of the uplink's window */
	bool held_by_operator; /**< logged off by command, until a command starts it again */
	struct vmp_supplicant *supplicant;
	struct event *timer;
	uint64_t due;	     /**< [ms] of its timer; UINT64_MAX: none */
	uint64_t slot_since; /**< [ms] */
	uint64_t slot_until; /**< [ms] when a slot without an answer is given back */
	uint64_t asked_at;   /**< [ms] last start of its own */
	uint64_t again_at;   /**< [ms] once more then; 0: no */
	uint64_t began_us;   /**< [us] its EAPOL-Start; 0: the switch began */
	uint64_t took_us;    /**< [us] from EAPOL-Start to Success, the last time */
	enum vmp_auth_event last_event;
	bool had_event;
	char last_error[VMP_MSG_MAX]; /**< "" */
};

/** What all supplicants go by; the configuration is borrowed. */
VMP_CHECKED int nics_init(const struct config *config, struct vmp_msg *msg);

/** Make one in NIC_IDLE. @param guest  NULL: the host's. @return NULL when out of memory, or when the uplink has this
 * address. */
struct nic *nic_new(struct uplink *uplink, struct guest *guest, uint64_t mac);
/** End it. @param logoff  send EAPOL-Logoff if it was ever let in. */
void nic_free(struct nic *nic, bool logoff);

/** Authenticate, in its turn. */
void nic_start(struct nic *nic, enum nic_urgency urgency);
/** EAPOL-Logoff, and no more until nic_start(). */
void nic_logoff(struct nic *nic);
/** A NAS was told to disconnect it: authenticate at once, and once more a little later, since there are switches
 * (hostapd) that forget such a guest some seconds afterwards, whether it has come back or not. */
void nic_disconnected(struct nic *nic);
/** The uplink is down (portEnabled FALSE): whatever the switch knew of it is gone, and it waits for the uplink. */
void nic_port_down(struct nic *nic);

/** A word for operators: idle waiting connecting authenticating authorized silent held logged-off */
const char *nic_word(const struct nic *nic);
bool nic_is_authorized(const struct nic *nic);

/* For the uplink. */
/** Its turn has come. */
void nic_turn(struct nic *nic);
bool nic_receive(struct nic *nic, const struct vmp_eapol *frame);
void nic_step(struct nic *nic, uint64_t now);

#endif
