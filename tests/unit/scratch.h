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
/** The same for SQL that must fail with these words in its error. */
void scratch_refused(const char *sql, const char *says);
/** The first column of the first row as a number; -1 for NULL or no row. */
long long scratch_number(const char *sql);
/** The same as text, until the next call; "-" for NULL or no row. */
const char *scratch_text(const char *sql);

#endif
