/** The licence broker: what the licence servers have given, which VM it was given to, and what to ask for next.
 *
 * No sockets and no clock: time comes in, and what is decided is written to gateway.db in the transaction that the
 * caller has open.  Nothing that it says may leave the process before that transaction is committed; when it is not,
 * broker_reload() goes back to what stands in the store.
 * Source: automated provisioning, paragraphs 56 to 59.
 */
#ifndef BROKER_H
#define BROKER_H

#include "server_answer.h"
#include "store_broker.h"
#include "store_cert.h"

#include <sys/queue.h>

#define BROKER_SERVERS	 8
#define BROKER_PRODUCTS	 64  /**< at the same time */
#define BROKER_REPORT_MS 500 /**< [ms] a good report_ms: a storm of VMs needs few requests */
#define BROKER_REPORTS	 500 /**< VMs in one request to the home server */

struct broker_settings {
	char server[BROKER_SERVERS][VMP_BROKER_SERVER]; /**< names, in the order in which they are asked */
	int n_server, home;				/**< home: which of them has the VMs' records */
	int64_t life_ms;				/**< of a child's lease, at the most */
	int64_t refresh_ms;				/**< the longest pause between requests about what is held */
	int64_t timeout_ms;				/**< of a request */
	int64_t report_ms;				/**< the shortest pause between reports of VMs alone */
	int64_t margin, spare, slack;			/**< struct vmp_forecast_rule */
};

struct product;

/** What one server has given of one product. */
struct parent {
	struct product *product;
	int server;
	int64_t seq, held; /**< as vmp_broker_parent */
	int64_t end_ms, grace_ms;
	int64_t lapsing, lapsed_ms; /**< lapsed_ms also: what is held was promised until then, by an answer before */
	char request_id[VMP_UUID_TEXT];
	char *body;	  /**< of the request without an answer; NULL: none */
	bool grows;	  /**< that request wants more than is held */
	bool sent;	  /**< it is on its way, and its answer, or that there is none, will be told */
	int64_t asked_ms; /**< when the last request was written down */
	int64_t sent_ms;
	int64_t retry_ms;	 /**< when to send it again */
	int64_t refresh_ms;	 /**< when to renew */
	int64_t short_until_ms;	 /**< others lack them there */
	int64_t available;	 /**< how many more there were at the last answer; -1: none yet */
	unsigned failures;	 /**< since the last answer */
	unsigned stales;	 /**< stale answers in a row */
	bool again;		 /**< ask anew at once: the last answer did not count */
	int differs;		 /**< answers in a row with another count of VMs on record than ours */
	char why[SERVER_REASON]; /**< the last refusal's reason, or why there was no answer; empty: none */
};

/** Somebody who waits for what servers have been asked for. */
struct waiter {
	TAILQ_ENTRY(waiter) next;
	LIST_ENTRY(waiter) chain;
	char uuid[VMP_UUID_TEXT];
	struct product *product; /**< NULL: it does not wait */
	int64_t until_ms;
};
TAILQ_HEAD(waiter_list, waiter);
LIST_HEAD(waiter_chain, waiter);
#define WAITER_CHAINS 1024

/** A VM that has a lease, or of which the home server is still to hear. */
struct child {
	struct child *chain;
	TAILQ_ENTRY(child) next; /**< among those to be reported */
	struct child_list *list; /**< which; NULL: none */
	struct product *product;
	char uuid[VMP_UUID_TEXT];
	bool account; /**< the book knows it */
	bool held;
	bool reported; /**< the home server has it on record */
	bool sent;     /**< a request that waits for its answer names it */
	bool doubted;  /**< the home server says that it is not there: the next answer settles that */
};
TAILQ_HEAD(child_list, child);

struct product {
	char name[VMP_PRODUCT];
	int64_t pool;		   /**< its id in the book */
	struct vmp_lease_pool set; /**< as the book has it */
	struct parent parent[BROKER_SERVERS];
	struct vmp_forecast forecast;
	struct waiter_list waiters;
	struct waiter_chain waits[WAITER_CHAINS]; /**< the same, by UUID */
	int64_t n_waiting;
	struct child_list starts, stops; /**< to be reported */
	int64_t n_starts, n_stops, n_reported, n_children;
	int64_t reported_ms; /**< when the last report left */
	int64_t hold_ms;     /**< the server had no place for all: no report of VMs alone before */
	bool list_all;	     /**< the next report is the first of a full list */
	unsigned tried;	     /**< bits: servers that have been asked in this round */
	bool smaller;	     /**< the round has come to asking for less */
	int64_t round_ms;    /**< no round before; after one that gave nothing */
	int64_t pause_ms;
	int64_t used_ms;	   /**< when a VM asked last, or had one */
	bool given;		   /**< a server has given some, some time */
	char maker[VMP_UUID_TEXT]; /**< the VM that asked for it first; empty: not known */
};

struct broker_counters {
	unsigned long long grants, renewals, returns, stale, repeated, ended;
	unsigned long long refusals[VMP_LEASE_REASONS + 1]; /**< the last: the home server does not accept the VM */
	unsigned long long recoveries;
};

struct broker;

/* -- the whole ---------------------------------------------------------------------------------------------------- */

/** Load what the store has.  Writes what another boot, or another home server, has made untrue.
 * @param settings  copied. @param store  borrowed. */
VMP_CHECKED int broker_new(const struct broker_settings *settings, struct vmp_store *store,
			   const struct vmp_clock *clock, struct broker **out, struct vmp_msg *msg);
void broker_free(struct broker *broker);
/** The transaction came to nothing: be what the store says.  Waiters and requests on their way stay.
 * @return VMP_OK, or an error, after which the broker must not be used until it is VMP_OK; waiters may have been taken
 * out then, and wait for nothing. */
VMP_CHECKED int broker_reload(struct broker *broker, int64_t now_ms, struct vmp_msg *msg);
/** Last in a transaction: forget what is over, ask for what is needed, write what has changed in all.
 * @param next_ms  out: when there is something to do next. */
VMP_CHECKED int broker_plan(struct broker *broker, int64_t now_ms, int64_t *next_ms, struct vmp_msg *msg);

const struct broker_settings *broker_settings(const struct broker *broker);
const struct broker_counters *broker_counters(const struct broker *broker);
/** The highest seq that a VM was answered with. */
int64_t broker_seq(const struct broker *broker);
/** [ms] 0: not recovering */
int64_t broker_recovering(const struct broker *broker);
/** What VMs occupy of it, graces included. */
int64_t broker_occupied(const struct broker *broker, const struct product *product);
/** NULL: there is none. */
struct parent *broker_parent(struct broker *broker, const char *product, int server);
/** gateway.db is an older copy, since answers up to seq have been given: VMs may have leases that are not in it.  No
 * VM gets a lease until those must be over. */
void broker_recover(struct broker *broker, int64_t seq, int64_t now_ms);
/** Products by place, from 0 to BROKER_PRODUCTS - 1; NULL: none there. */
struct product *broker_product(struct broker *broker, int at);

/* -- VMs ---------------------------------------------------------------------------------------------------------- */

struct broker_ask {
	char uuid[VMP_UUID_TEXT], product[VMP_PRODUCT], id[VMP_UUID_TEXT];
	int64_t seen, has, in_use, wants;
};

struct broker_answer {
	struct vmp_lease_answer lease;
	char why[SERVER_REASON]; /**< the reason, when it is not VMP_LEASE_FINE */
};

/** Answer a VM.
 * @param waiter  NULL: an answer in any case.  Else, when there is none left for it and servers can be asked, it
 * waits, with until_ms as set, and waiter->product says so.  A VM waits once: one that asks again meanwhile is
 * answered.
 * @return VMP_OK; VMP_EACCES: too many products, or too many that nobody has of this VM; VMP_EINVAL, VMP_ENOMEM,
 * VMP_EFULL, VMP_EIO. */
VMP_CHECKED int broker_ask(struct broker *broker, const struct broker_ask *ask, int64_t now_ms, struct waiter *waiter,
			   struct broker_answer *out, struct vmp_msg *msg);
/** It waits no more.  Without effect when it does not. */
void broker_leave(struct waiter *waiter);
/** The first one that can be answered now: there is one for it, or its time is over.  NULL: none. */
struct waiter *broker_ready(struct broker *broker, int64_t now_ms, bool *over);

/* -- servers ------------------------------------------------------------------------------------------------------ */

/** A request that is written down and to be sent now; NULL: none.  It is "sent" from then on. */
struct parent *broker_send(struct broker *broker, int64_t now_ms);
/** The server has answered. @param sent_ms  when the request was sent: the lease counts from then. */
VMP_CHECKED int broker_answered(struct broker *broker, struct parent *parent, const struct server_answer *answer,
				int64_t sent_ms, int64_t now_ms, struct vmp_msg *msg);
/** The server refuses us, whatever we ask. */
VMP_CHECKED int broker_refused(struct broker *broker, struct parent *parent, const char *why, int64_t now_ms,
			       struct vmp_msg *msg);
/** There was no answer, or none that counts: the request is sent again, later. */
void broker_failed(struct broker *broker, struct parent *parent, const char *why, int64_t now_ms);
/** There may have been an answer, which could not be written down: the request is sent again as it was. */
void broker_unheard(struct broker *broker, struct parent *parent, int64_t now_ms);
/** The server has told of VMs that have stopped, and of products that others lack. */
VMP_CHECKED int broker_watched(struct broker *broker, int server, const struct server_watch *watch, int64_t now_ms,
			       struct vmp_msg *msg);

#endif
