/** What the files about leases share; nobody else includes it. */
#ifndef VMP_LEASE_INTERNAL_H
#define VMP_LEASE_INTERNAL_H

#include "lease.h"

#define LEASE_REFUSALS 2 /**< remembered of each pool: the last of two holders, so that one of them is another's */

struct lease_account {
	struct lease_account *next;
	uint32_t hash;
	struct vmp_lease lease;
};

struct lease_pool {
	struct vmp_lease_pool is;
	bool known;	  /**< set, and not removed since; else only accounts still speak of it */
	int64_t live;	  /**< of all accounts: counts */
	int64_t occupied; /**< of all accounts: counts, and what is lapsing */
	struct {
		char holder[VMP_UUID_TEXT];
		int64_t at_ms;
	} refused[LEASE_REFUSALS]; /**< the last one first */
};

struct vmp_lease_book {
	struct vmp_lease_journal journal;
	struct lease_account **slot; /**< chains, by hash */
	size_t n_slots, n_accounts;
	struct lease_pool *pool; /**< ascending ids */
	size_t n_pools, room;
	int64_t seq, longest_ms;
	int64_t recover_ms; /**< recovering until then; 0: not */
	int64_t believe_ms; /**< a seen that is ahead is believed until then */
	int64_t over_ms;    /**< nothing is over before then; INT64_MAX: nothing at all */
	int64_t looked_ms;  /**< when all accounts were looked at last */
};

/** @return NULL: nobody has spoken of it. Borrowed until a pool is added. */
struct lease_pool *lease_pool_find(const struct vmp_lease_book *book, int64_t id);
struct lease_account *lease_account_find(const struct vmp_lease_book *book, const char *holder, const char *product);

/** Write next down, and make it the account.
 * @param account  NULL: there is none yet. @return VMP_OK; else nothing has changed: VMP_ENOMEM, what the journal
 * returned. */
VMP_CHECKED int lease_put(struct vmp_lease_book *book, struct lease_account *account, const struct vmp_lease *next,
			  struct vmp_msg *msg);

/** Forget what is over; see vmp_lease_tick(). @param spare  this account is left as it is; NULL is allowed. */
VMP_CHECKED int lease_reclaim(struct vmp_lease_book *book, const struct lease_account *spare, int64_t now_ms,
			      void (*ended)(void *ctx, const struct vmp_lease *lease), void *ctx, struct vmp_msg *msg);

/** The account's part of a pool; zeros: it has none. @param lease  NULL is allowed. */
struct vmp_lease_part lease_part_of(const struct vmp_lease *lease, int64_t pool);
/** Take out parts that are empty. */
void lease_pack(struct vmp_lease *lease);
/** Take out what is over. @return was there anything? */
bool lease_trim(struct vmp_lease *lease, int64_t now_ms);

static inline int64_t lease_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t lease_most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#endif
