/** What the files of member/ share: this machine as a member.  Inside member/ alone. */
#ifndef MEMBER_PARTS_H
#define MEMBER_PARTS_H

#include "directory.h"
#include "keys.h"
#include "member.h"
#include "need_linux.h"
#include "route_linux.h"
#include "self.h"
#include "wg.h"

#include <event2/event.h>

enum member_state {
	MEMBER_STOPPED,	    /**< not yet told to go, or told to halt */
	MEMBER_REGISTERING, /**< policyd has not said yet who this machine is */
	MEMBER_REFUSED,	    /**< policyd does not have it; tried again now and then */
	MEMBER_UP
};

/** They only count up. */
struct member_counters {
	unsigned long long agreed, recoveries,
		refusals;			       /**< session keys, recovery keys, messages that did not verify */
	unsigned long long up, down, evicted, stalled; /**< WireGuard peers */
	unsigned long long held, dropped,
		refused; /**< packets for machines that are no peers yet; dropped: of those held */
	unsigned long long sent, received, invalid,
		unknown; /**< messages; unknown: of nobody that is in the directory */
	unsigned long long wg_failures, route_failures, names_failures;
};

struct member {
	struct event_base *base; /**< NULL: there is no member */
	const struct member_settings *settings;
	struct wg *wg;
	struct route *route;
	struct need *need;
	struct http_client *client;
	struct directory *directory; /**< NULL: not followed */
	struct keys *keys;	     /**< NULL: none */
	struct self *self;
	uint8_t private_key[VMP_COI_SECRET], public_key[VMP_COI_SECRET];
	char tun[17]; /**< the TUN interface's name */
	enum member_state state;
	struct self_answer own; /**< as policyd said it last; uuid zeros: never */
	bool is_remote;		/**< others cannot reach this machine */
	bool complete;		/**< the directory has told all since the start, or the last halt */
	bool keys_told;		/**< policyd has said since then which keys there are, if any */
	bool keep;		/**< this program ends, and what WireGuard and the kernel have stays */
	char why[VMP_MSG_MAX];	/**< halted, refused, or not registered yet; "" */
	char wg_why[VMP_MSG_MAX], directory_why[VMP_MSG_MAX]; /**< what fails; "" */
	char endpoint[64]; /**< that is registered; "": others cannot reach this machine */
	int64_t version;   /**< of the directory */
	struct member_counters count;
};
extern struct member member;

/** Tell settings.changed, once this turn's work is done. */
void member_tell(void);
/** Ask policyd who this machine is, once more. */
void member_register(void);
/** What WireGuard said to a request. @return err. */
int member_wg_result(int err, const struct vmp_msg *msg);

/* -- member_site.c: this machine's addresses, rules and the routes of whole prefixes -- */

/** As member.own has it; what fails is logged. @return VMP_OK; VMP_EINVAL: the site's prefix has this machine's
 * endpoint in it; VMP_EIO, VMP_ENOMEM: nothing keeps others from speaking in the name of machines inside; then nothing
 * was done.
 */
VMP_CHECKED int member_site_up(struct vmp_msg *msg);
/** Make what guards the inner addresses anew, if somebody has taken it away. @return as member_site_up(). */
VMP_CHECKED int member_guard_keep(struct vmp_msg *msg);

/* -- member_key.c -- */

/** Read settings.state/wireguard.key, or make it. */
VMP_CHECKED int member_key_load(struct vmp_msg *msg);

#endif
