/** What doctor found, line by line. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "cli.h"
#include "store_doctor.h"

#include <jansson.h>

struct findings {
	const struct cli *cli;
	size_t n; /**< printed so far */
	int failed, warned;
};

/** One line. @param advice  what to do; NULL when all is well. @param fmt  what was seen. */
void findings_add(struct findings *f, enum vmp_grade grade, const char *check, const char *advice, const char *fmt, ...)
	VMP_PRINTF(5, 6);
/** @return the exit code. */
int findings_end(struct findings *f);

/** FreeRADIUS and what of ours it has. */
void doctor_radius(struct findings *f, const char *raddb, const char *moddir);
/** What keeps policyd from serving guests, as far as the store tells. */
void doctor_policyd(struct findings *f, struct vmp_store *store);
/** Whether a NAS's dialect is installed. */
bool doctor_has_dialect(const char *raddb, const char *dialect);

#endif
