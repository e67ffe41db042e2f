/** coid status: what the daemon of this machine says, for people. */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>

/** Is the command line "status", with whatever options? */
bool show_is_asked(int argc, char **argv);
/** @param preset  the configuration's path. @return the exit code: 0 well, 1 not, 2 wrong command line or
 * configuration. */
int show(int argc, char **argv, const char *preset);

#endif
