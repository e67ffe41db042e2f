/** Which machine a packet goes to (forwarding information base): longest match over inner addresses and gateways'
 * routes, and what of it stands in the kernel's table. */
#ifndef FIB_H
#define FIB_H

#include "err.h"
#include "prefix.h"

#include <stddef.h>

struct peer;

/** The machine is behind this prefix.  Of several that are, the one whose UUID is lowest has it, whoever comes first.
 * @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int fib_add(const struct prefix *prefix, struct peer *peer);
void fib_del(const struct prefix *prefix, struct peer *peer);
/** The owner of the longest prefix that has this address; NULL: nobody. Cost: one look-up for each length that occurs.
 */
struct peer *fib_find(const struct prefix *address);
/** Who has exactly this prefix; NULL: nobody. */
struct peer *fib_owner(const struct prefix *prefix);
/** The way to it may have changed: fib_settle() looks. */
void fib_touch(const struct prefix *prefix);
/** Bring the kernel's routes up to date with what was added, deleted or touched. */
void fib_settle(void);
/** The table may hold routes of an earlier life: what is added is looked at, even if it needs no route. */
void fib_inherit(void);
/** @return prefixes known. */
size_t fib_size(void);
void fib_free(void);

#endif
