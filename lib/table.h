/** Tables on standard output, for people (libsmartcols). */
#ifndef VMP_TABLE_H
#define VMP_TABLE_H

#include "err.h"

#include <stdbool.h>

struct vmp_table_head {
	const char *name;
	bool right; /**< numbers */
};

struct vmp_table;

/** @param heads  n of them; no headings are printed when all names are empty. @return NULL when out of memory. */
struct vmp_table *vmp_table_new(const struct vmp_table_head *heads, size_t n);
/** Control characters are shown as \xHH.  After each thousand rows those are printed. @param cells  as many texts as
 * heads. */
void vmp_table_row(struct vmp_table *table, const char *const *cells);
/** Print what is left, and free. @return VMP_OK; VMP_ENOMEM: rows are missing. */
VMP_CHECKED int vmp_table_end(struct vmp_table *table);

#endif
