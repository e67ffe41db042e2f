/** Licences in the store process: the book of leases, kept in memory and written through, and who asks for them.
 *
 * The book is read from the store at the first use, and anew whenever somebody else has changed pools or ended leases,
 * or what it has in memory was rolled back.  Nothing is answered before it is committed.
 */
#ifndef LICENCES_H
#define LICENCES_H

#include "state.h"
#include "store_licence.h"

#define LICENCES_CANDIDATES 64 /**< pools that one holder may draw on, of one product */

struct licences {
	struct vmp_lease_book *book;   /**< NULL: not read yet */
	struct vmp_licence_pool *pool; /**< all of them: by product, as they are drawn on */
	size_t n_pool;
	struct vmp_licence_state state;	  /**< as it stands in the store, within this transaction */
	int64_t committed;		  /**< its seq at the last commit; -1: never read */
	int64_t believe_ms;		  /**< what gateways have seen is believed until then; 0: never read */
	bool stale;			  /**< the book is not what the store says */
	bool looked;			  /**< in the present transaction, whether others have changed it */
	bool touched;			  /**< what the present message, or the tick, did has changed it */
	struct vmp_licence_holder holder; /**< of the request under way */
	bool elsewhere;			  /**< it has licences of other servers, too */
	struct waiters watchers;
	struct shortage *shortage; /**< products that were said to be short lately */
	size_t n_shortage;
	int64_t marked;	   /**< seq in the mark file */
	int64_t marked_ms; /**< CLOCK_BOOTTIME when it was last written */
};

/** The book as the store has it, in the present transaction. */
VMP_CHECKED int licences_open(struct state *s, struct vmp_msg *msg);
/** The pools that a tenant's VMs may draw on, its own first, opened and closed by the clock.
 * @param owned  out: what is owned in them together. @return how many. */
size_t licences_candidates(struct state *s, int64_t tenant_id, const char *product, int64_t out[LICENCES_CANDIDATES],
			   int64_t *owned);

/** The guests that a gateway says have given their licence back; before its request is decided. */
VMP_CHECKED int licences_stopped(struct state *s, const char *holder, const struct message_lease *lease,
				 struct vmp_msg *msg);
/** What else a gateway says of its guests, after its request was granted.
 * @param refused  out: [{"id", "reason"}]. @param keep  how many guests it may have. @param again  the request was
 * answered before: nothing is changed. */
VMP_CHECKED int licences_reported(struct state *s, const struct vmp_identity *who,
				  const struct vmp_licence_asker *asker, const struct message_lease *lease,
				  int64_t keep, bool again, json_t *refused, struct vmp_msg *msg);

/** The book has begun to recover, as somebody has seen more than it has said. */
VMP_CHECKED int licences_recovering(struct state *s, const char *who, struct vmp_msg *msg);
/** Its recovery is over. */
VMP_CHECKED int licences_recovered(struct state *s, struct vmp_msg *msg);

#endif
