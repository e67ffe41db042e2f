/** Leases: who may use how many of what, and until when.  Rules without I/O: time comes in, what changes goes out.
 *
 * A book has pools (so many licences of a product) and accounts (what one holder has of one product, from one or more
 * pools).  The licence server's pools are what is owned; a broker's is what its servers have given it.  The invariant:
 * what accounts occupy of a pool, from their grant to the end of their grace, never exceeds owned + overdraft, unless
 * owned was reduced meanwhile, after which it only falls.
 *
 * An answer can be lost, so nothing is taken from a holder that may not know it yet: what a renewal does not prolong
 * (the pool is closed, or less is owned) is "lapsing", and counts on to the end and grace that its holder was told
 * before.  Only what a holder gives back (it wants less) is free at once: it has stopped using it before it asked.
 *
 * Times are milliseconds of one clock that nobody sets (CLOCK_BOOTTIME); each call's now is not before the last one's,
 * and is read after the request was received: the holder counts from when it sent it.
 * Source: automated provisioning, paragraphs 56 and 57.
 */
#ifndef VMP_LEASE_H
#define VMP_LEASE_H

#include "err.h"
#include "pki.h"

#include <stdbool.h>
#include <stdint.h>

#define VMP_PRODUCT	  65		 /**< [octets] a product's name, printable ASCII, and its NUL */
#define VMP_LEASE_PARTS	  8		 /**< pools that one account draws on */
#define VMP_LEASE_MAX	  100000000	 /**< licences in one pool, or wanted in one request */
#define VMP_LEASE_LIFE_MS (2592000000LL) /**< [ms] the longest life, and the longest grace */

struct vmp_lease_pool {
	int64_t id; /**< > 0, unique in the book */
	char product[VMP_PRODUCT];
	int64_t owned, overdraft;
	int64_t life_ms, grace_ms;
	int64_t until_ms; /**< no life goes beyond; INT64_MAX: no such end */
	bool open;	  /**< grants and renews; else what is held runs to its end */
};

/** What an account has of one pool. */
struct vmp_lease_part {
	int64_t pool;
	int64_t count, over_ms;	    /**< renewed by the last answer; occupied until then */
	int64_t lapsing, lapsed_ms; /**< not renewed; occupied until then */
};

/** What one holder has of one product. */
struct vmp_lease {
	char holder[VMP_UUID_TEXT];
	char product[VMP_PRODUCT];
	int64_t seq;			/**< of the last answer; > 0 */
	char request_id[VMP_UUID_TEXT]; /**< that it answered */
	int64_t wants, in_use;		/**< as the last request said */
	int64_t life_ms, grace_ms;	/**< as given last; >= 0 */
	int64_t end_ms;			/**< of the life; the last answer was life_ms before; the grace follows */
	unsigned reason;		/**< enum vmp_lease_reason of the last answer */
	bool refused;			/**< as the last answer said */
	int64_t available;		/**< as the last answer said */
	int n_part;			/**< 0: holds nothing */
	struct vmp_lease_part part[VMP_LEASE_PARTS]; /**< count or lapsing > 0, in the order they were drawn on */
};

/** What its holder was told that it has: the sum of the counts; when that is 0, of what is lapsing. */
int64_t vmp_lease_count(const struct vmp_lease *lease);
/** What it occupies: the sum of the counts and of what is lapsing. */
int64_t vmp_lease_occupied(const struct vmp_lease *lease);

struct vmp_lease_request {
	const char *holder, *product, *id; /**< canonical UUID, name, canonical UUID; borrowed */
	int64_t seen;			   /**< seq of the last answer that the holder has processed; 0: none */
	int64_t has, in_use;
	int64_t wants;	      /**< in total; 0: give all back */
	int64_t least;	      /**< smallest total of use when there is not enough to grow to wants */
	const int64_t *pools; /**< ids of those it may draw on and renew from, best first; borrowed */
	size_t n_pools;
	bool trusted; /**< a seen beyond vmp_lease_seq() is believed: this book is an older copy, and recovers */
};

enum vmp_lease_reason {
	VMP_LEASE_FINE,	      /**< all that was wanted */
	VMP_LEASE_EXHAUSTED,  /**< not enough are left */
	VMP_LEASE_NO_POOL,    /**< there is no pool of this product for this holder */
	VMP_LEASE_CLOSED,     /**< all of them are disabled or outside their dates */
	VMP_LEASE_RECOVERING, /**< the book waits until all leases that it may not know of are over */
	VMP_LEASE_REDUCED,    /**< less is owned than before */
	VMP_LEASE_REASONS
};
/** One sentence for people, such as "all licences are in use". */
const char *vmp_lease_reason_text(unsigned reason);

struct vmp_lease_answer {
	bool stale;    /**< seen is not the account's: nothing was changed, and what follows is the account as it is */
	bool repeated; /**< the same request again: nothing was changed */
	bool refused; /**< something was wanted beyond what was held before, and nothing of it was given; or all is lost
		       */
	int64_t seq, granted;
	int64_t before;	 /**< held before */
	int64_t life_ms; /**< what is left of the life from now on; 0: nothing is held */
	int64_t grace_ms;
	int64_t available; /**< how many more this holder could have */
	unsigned reason;   /**< enum vmp_lease_reason */
	int64_t overdrawn; /**< how many of the growth are beyond what is owned */
	bool is_short;	   /**< others were refused of this product within VMP_LEASE_SHORT_MS */
};
#define VMP_LEASE_SHORT_MS 60000

struct vmp_lease_book;

/** Where changes go, before they count: an error takes the change back, and is returned. */
struct vmp_lease_journal {
	int (*write)(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg); /**< new, or changed */
	int (*erase)(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg); /**< over, and forgotten */
	void *ctx;
};

/** @param journal  copied; NULL, or NULL functions: none. @return NULL: out of memory. */
struct vmp_lease_book *vmp_lease_book_new(const struct vmp_lease_journal *journal);
void vmp_lease_book_free(struct vmp_lease_book *book);

/** Add a pool, or change it by its id.  VMP_EINVAL: numbers out of range; VMP_ENOMEM. */
VMP_CHECKED int vmp_lease_pool_set(struct vmp_lease_book *book, const struct vmp_lease_pool *pool);
/** Take it out: what accounts hold of it counts on for them, and can be neither renewed nor added to. */
void vmp_lease_pool_remove(struct vmp_lease_book *book, int64_t id);
/** What is occupied of a pool now. @return VMP_OK, VMP_ENOENT. */
VMP_CHECKED int vmp_lease_pool_usage(const struct vmp_lease_book *book, int64_t id, int64_t *occupied);

/** Put an account into the book as it was written down; nothing is journalled.
 * @param waited_out  it was written down in another boot: nobody knows what of it is left, and its whole life and grace
 * begin again. */
VMP_CHECKED int vmp_lease_restore(struct vmp_lease_book *book, const struct vmp_lease *lease, bool waited_out,
				  int64_t now_ms);
/** The highest seq that was ever given out; the next is beyond. */
void vmp_lease_seq_set(struct vmp_lease_book *book, int64_t seq);
int64_t vmp_lease_seq(const struct vmp_lease_book *book);

/** The book may be an older copy: until then nothing grows, and renewals give no more than the holder says it has. */
void vmp_lease_recover(struct vmp_lease_book *book, int64_t until_ms);
/** 0: not recovering. */
int64_t vmp_lease_recovering(const struct vmp_lease_book *book);
/** Until then what trusted holders have seen may begin a recovery; without a word, always.  A store is an older copy
 * from its start on, and whoever has a lease from before comes while that lasts: later nobody can know better. */
void vmp_lease_believe(struct vmp_lease_book *book, int64_t until_ms);
/** The longest life + grace that this book has given or been told of [ms]: what a recovery has to wait out. */
int64_t vmp_lease_longest(const struct vmp_lease_book *book);
void vmp_lease_longest_set(struct vmp_lease_book *book, int64_t ms);

/** Answer a request.
 *
 * What is held is renewed for a whole life, as far as its pools are open, among request->pools, and less than
 * owned + overdraft is renewed for others; all of an account has one end, that of the shortest life among its pools.
 * When nothing can be renewed, the answer is what was held, to its old end.  Growth comes from the pools in order.
 * A refusal of somebody who holds nothing changes nothing: its seq is the account's, or 0.  A trusted seen beyond
 * vmp_lease_seq() begins a recovery of vmp_lease_longest().
 *
 * @return VMP_OK, a refusal too; VMP_EINVAL: no canonical UUIDs, or numbers out of range; VMP_ENOMEM; what the journal
 * returned.  Cost: a look-up, and the account's parts; when a pool is exhausted, a pass over all accounts (at most
 * once a second). */
VMP_CHECKED int vmp_lease_ask(struct vmp_lease_book *book, const struct vmp_lease_request *request, int64_t now_ms,
			      struct vmp_lease_answer *out, struct vmp_msg *msg);

/** The account; NULL: there is none.  Borrowed until the next call that may change it. */
const struct vmp_lease *vmp_lease_find(const struct vmp_lease_book *book, const char *holder, const char *product);
/** End one at once: its holder is known to be gone. @return VMP_OK; VMP_ENOENT; what the journal returned. */
VMP_CHECKED int vmp_lease_end(struct vmp_lease_book *book, const char *holder, const char *product,
			      struct vmp_msg *msg);
/** Forget the accounts whose end and grace are over.
 * @param ended  called for each before it is erased; NULL is allowed. @return VMP_OK; what the journal returned. */
VMP_CHECKED int vmp_lease_tick(struct vmp_lease_book *book, int64_t now_ms,
			       void (*ended)(void *ctx, const struct vmp_lease *lease), void *ctx, struct vmp_msg *msg);
/** Each account, in no order; each must not change the book. */
void vmp_lease_each(const struct vmp_lease_book *book, void (*each)(void *ctx, const struct vmp_lease *lease),
		    void *ctx);
size_t vmp_lease_accounts(const struct vmp_lease_book *book);

/* -- how many a broker should hold ----------------------------------------------------------------------------- */

/** Demand of one product over time: in use, and the rate at which it has been growing. */
struct vmp_forecast {
	int64_t at_ms, in_use; /**< as last noted; at_ms 0: never */
	double rate;	       /**< [licences/s] net starts, smoothed; never negative */
	int64_t starts;	       /**< since at_ms */
};

struct vmp_forecast_rule {
	int64_t horizon_ms; /**< until the next refresh, and what a request takes */
	int64_t margin;	    /**< [%] of what is in use, that is held beside it */
	int64_t least;	    /**< held beside it at the least */
	int64_t slack;	    /**< [%] of the target: only beyond that, and beyond 4 times least, is surplus given back */
};

/** Note that so many are in use now. */
void vmp_forecast_note(struct vmp_forecast *f, int64_t in_use, int64_t now_ms);
/** How many to hold.
 * @param held      now.
 * @param is_short  others lack them: what is in use, and not one more.
 * @return held when the difference is not worth a request; never less than in_use. */
int64_t vmp_forecast_target(const struct vmp_forecast *f, const struct vmp_forecast_rule *rule, int64_t in_use,
			    int64_t held, bool is_short);

#endif
