/* A directory for a suite's files, with whatever is made in it gone afterwards. */
#ifndef FOLDER_H
#define FOLDER_H

#include <stddef.h>

#define FOLDER_PATH 256

/* For checked fixtures. */
void folder_setup(void);
void folder_teardown(void);
/* Its path with /name behind it; NULL: its own.  Eight later calls reuse it. */
const char *folder_path(const char *name);
/* Write, with that mode. */
void folder_write(const char *name, const char *text, unsigned mode);
/* Read, until the next call; NULL when there is no such file. */
const char *folder_read(const char *name);
/* How many files there are in a directory of it. */
int folder_count(const char *name);

#endif
