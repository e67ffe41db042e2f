/** The nouns' SQL, for store_record.c alone. */
#ifndef VMP_STORE_NOUNS_H
#define VMP_STORE_NOUNS_H

#include "record.h"

/** A column that is kept in a table of links: ?1 is the row's id, ?2 a JSON array of names or of
 * "nas:port".  Both statements keep what stays, so that only what changes is a change. */
struct vmp_column_link {
	const char *drop, *add;
};

struct vmp_noun_sql {
	struct vmp_noun_info info;
	const char *from;  /**< in it r is the row */
	const char *by_id; /**< condition within from, on the id or the MAC as a number */
	const char *table; /**< what is written to */
	const char *row;   /**< condition within table */
	const char *order;
	const char *id;	     /**< finds the id by key: ?1 is the text, ?2 the same as a MAC's number or NULL */
	const char *names;   /**< those that start with ?1, at most ?2 */
	const char *counted; /**< a table with a row for each */
};

const struct vmp_noun_sql *vmp_noun_sql(enum vmp_noun noun);

#endif
