/** Logs of the daemons: one JSON object a line on standard error, which systemd's journal keeps as it is. */
#ifndef VMP_LOG_H
#define VMP_LOG_H

#include "err.h"

enum vmp_log_level { VMP_LOG_ERROR, VMP_LOG_WARNING, VMP_LOG_INFO, VMP_LOG_DEBUG };

/** enum vmp_log_level by its word; -1 for others. */
int vmp_log_level(const char *word);

/** Which program or process speaks ("policyd/net"), and the least level that is written. @param name  a constant. */
void vmp_log_setup(const char *name, enum vmp_log_level level);

/** Write {"time","level","from","event", ...}.
 *
 * @param event  a word that a program can look for, such as "enrolled".
 * What follows are pairs of const char *: a field's name and its text, ended by NULL.  A NULL text leaves the field
 * out. Never a secret.  A line goes out whole or, when standard error is gone, not at all; nothing waits for it.
 */
void vmp_log(enum vmp_log_level level, const char *event, ...) __attribute__((sentinel));

/** A number as a field's text, in a buffer of this thread that eight later calls reuse. */
const char *vmp_log_num(long long n);

#endif
