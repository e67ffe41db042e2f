/** A vmp_lease_book with one pool of five, for the suites of leases. */
#ifndef LEASE_RIG_H
#define LEASE_RIG_H

#include "lease.h"

#include <check.h>

#define HOLDER_A "0000000a-0000-4000-8000-000000000000"
#define HOLDER_B "0000000b-0000-4000-8000-000000000000"
#define HOLDER_C "0000000c-0000-4000-8000-000000000000"
#define RIG_NOW	 1000000 /**< [ms] when it begins */

struct rig {
	struct vmp_lease_book *book;
	int64_t now;
	struct vmp_lease written; /**< what the journal was told last */
	int writes, erased;
	int broken;		     /**< what the journal returns, if it is not 0 */
	struct vmp_lease_answer a;   /**< the last answer of rig_ask() */
	char last_id[VMP_UUID_TEXT]; /**< of the last request */
};
extern struct rig rig;

void rig_setup(void);
void rig_teardown(void);
/** The book starts again with the account that was written last. */
void rig_again(bool other_boot);

/** A pool of web-std: life 600 s, grace 60 s. */
void rig_set(int64_t id, int64_t owned);
/** The same, closed. */
void rig_shut(int64_t id, int64_t owned);
int64_t rig_usage(int64_t id);

/** What a holder asks that has seen the last answer; it may draw on the pools 1, 2 and 3. */
struct vmp_lease_request rig_request_of(const char *holder, int64_t wants);
/** @return what is granted. */
int64_t rig_ask(const char *holder, int64_t wants);
void rig_tick(void);

#endif
