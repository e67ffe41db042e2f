/** The files that import reads and export writes. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>

enum format { FORMAT_UNKNOWN, FORMAT_CSV, FORMAT_JSON };

/** By name. @return false when there is none of this name. */
bool format_find(const char *name, enum format *out);
/** What is wanted, else what the file's name ends in, else CSV. */
enum format format_of(enum format wanted, const char *file);

#endif
