/* A store in a directory of its own, for the suites that need one. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "store.h"

extern char scratch_path[]; /**< policy.db */

/** Make the directory and an empty migrated policy.db; for checked fixtures. */
void scratch_setup(void);
void scratch_teardown(void);
/** Run SQL as the sqlite3 shell would, through a connection of its own; a failing statement fails the test. */
void scratch_sql(const char *sql);

#endif
