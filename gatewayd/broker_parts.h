/** What the broker's files share; nobody else includes it. */
#ifndef BROKER_PARTS_H
#define BROKER_PARTS_H

#include "broker.h"

#define CHILD_BUCKETS 16384
#define REFUSALS      64    /**< VMs that the home server does not accept, which are remembered */
#define REFUSED_MS    60000 /**< for so long */
#define SHORT_MS      60000 /**< others lack a product for so long after they were refused */

/** A VM that the home server does not accept. */
struct refusal {
	char uuid[VMP_UUID_TEXT], product[VMP_PRODUCT];
	int64_t until_ms; /**< 0: empty */
	char why[SERVER_REASON];
};

struct broker {
	struct broker_settings settings;
	struct vmp_forecast_rule rule;
	struct vmp_store *store; /**< borrowed */
	struct vmp_clock clock;	 /**< boot_id alone holds */
	struct vmp_lease_book *book;
	struct vmp_broker_state state; /**< as it stands in the store */
	struct product *product[BROKER_PRODUCTS];
	struct child *bucket[CHILD_BUCKETS];
	struct refusal refusal[REFUSALS];
	unsigned next_refusal;
	int64_t ticked_ms;
	struct broker_counters counters;
};

/** Ours is an older copy: wait until what it does not know of must be over, with a grace of so long (0: not known). */
void broker_recover_for(struct broker *b, int64_t grace_ms, int64_t now_ms);

/* -- products (product.c) ------------------------------------------------------------------------------------------ */

/** @param make  if there is none; one that is not used any more may have to go for it. @return NULL: none, or no room.
 */
struct product *product_get(struct broker *b, const char *name, bool make, int64_t now_ms);
void product_free(struct product *p);
void products_free(struct broker *b);

/** What the book's accounts occupy of it. */
int64_t product_occupied(const struct broker *b, const struct product *p);
/** What can be given to VMs now, with the life that is left of it for one more. */
int64_t product_usable(const struct broker *b, const struct product *p, int64_t now_ms);
/** Set the book's pool so that `extra` beyond what is occupied can be given, if there is so much: of the servers'
 * leases those that last longest, and no life beyond the end of those. */
VMP_CHECKED int product_fit(struct broker *b, struct product *p, int64_t extra, int64_t now_ms);

/** A product that no server has given yet may be what a VM has made up.  Has it asked for as many as it may? */
bool product_is_one_too_many(const struct broker *b, const char *uuid, const char *name, int64_t now_ms);

/** (ask.c) Wait for it. @param waiter  with its uuid and until_ms. */
void waiter_enter(struct waiter *waiter, struct product *p);

/* -- children (child.c) -------------------------------------------------------------------------------------------- */

/** @param make  if there is none; NULL then: out of memory. */
struct child *child_get(struct broker *b, const char *uuid, struct product *p, bool make);
/** Put it where its state belongs: among those to be reported, or nowhere; it is freed when it is nothing any more. */
void child_settle(struct broker *b, struct child *c);
void children_free(struct broker *b);
/** Each of one product, or of all (NULL); each must not free others than the one it is given. */
void children_each(struct broker *b, const struct product *p,
		   void (*each)(struct broker *b, struct child *c, void *ctx), void *ctx);
/** The home server has it on record, or no more; written. */
VMP_CHECKED int child_report(struct broker *b, struct child *c, bool reported, struct vmp_msg *msg);

/* -- parents (parent.c) -------------------------------------------------------------------------------------------- */

/** Write it as it is now. */
VMP_CHECKED int parent_put(struct broker *b, struct parent *parent, struct vmp_msg *msg);
/** [licences] that VMs may be given now: its life goes on for a while. */
int64_t parent_usable(const struct parent *parent, int64_t now_ms);
/** [licences] that are held, grace included. */
int64_t parent_held(const struct parent *parent, int64_t now_ms);
/** Does its server not answer? */
bool parent_is_silent(const struct parent *parent);
/** Write a request down. @param wants  in total; less than is held: it counts as given back from here on. */
VMP_CHECKED int parent_request(struct broker *b, struct parent *parent, int64_t wants, int64_t least, int64_t now_ms,
			       struct vmp_msg *msg);
/** The request has its answer, or will never have one. */
void parent_clear_request(struct parent *parent);

/* -- reports to the home server (report.c) ------------------------------------------------------------------------- */

bool report_is_home(const struct broker *b, const struct parent *parent);
/** Is there something to report, and time for it? @param due_ms  out: when there will be time. */
bool report_is_due(const struct broker *b, const struct product *p, int64_t now_ms, int64_t *due_ms);
/** Add to a request what is to be reported. @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int report_add(struct broker *b, struct product *p, json_t *request, int64_t now_ms);
/** The VMs that a request names are on their way, or not any more. */
void report_mark(struct broker *b, struct product *p, const char *body, bool sent);
/** The home server has taken a request in. */
VMP_CHECKED int report_taken(struct broker *b, struct parent *parent, const struct server_answer *answer,
			     int64_t now_ms, struct vmp_msg *msg);
/** Begin anew: a full list. */
VMP_CHECKED int report_anew(struct broker *b, struct product *p, struct vmp_msg *msg);

/* -- what to ask for (plan.c) -------------------------------------------------------------------------------------- */

/** @param next_ms  moved back to when there is something to do next. */
VMP_CHECKED int plan_product(struct broker *b, struct product *p, int64_t now_ms, int64_t *next_ms,
			     struct vmp_msg *msg);
/** A request that asked for more has been answered, or has failed. @param grew  it gave some. */
void plan_asked(struct parent *parent, bool grew);

#endif
