/** What `vmprov doctor` asks of a store's content. */
#ifndef VMP_STORE_DOCTOR_H
#define VMP_STORE_DOCTOR_H

#include "store.h"

/** INFO: nothing is wrong, and yet it may not be what somebody wants. */
enum vmp_grade { VMP_GRADE_OK, VMP_GRADE_WARN, VMP_GRADE_FAIL, VMP_GRADE_INFO };

/** One finding. */
struct vmp_finding {
	enum vmp_grade grade;
	const char *check;  /**< what was looked at, such as "COI member counts" */
	const char *advice; /**< what to do; NULL when all is well */
	int64_t count;	    /**< how many rows are not as they should be */
	char examples[200]; /**< the first of them, by name */
};

/** Run every check for this kind of store, in one read transaction.
 * Cost: reads the whole store several times; seconds for a million VMs.
 * @return VMP_OK when all checks ran, whatever they found. */
VMP_CHECKED int vmp_store_examine(struct vmp_store *store, void (*found)(void *ctx, const struct vmp_finding *finding),
				  void *ctx, struct vmp_msg *msg);

#endif
