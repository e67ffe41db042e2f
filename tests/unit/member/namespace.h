/* A machine of the tests' own: network, mounts and processes, with an empty /run/wireguard, gone when the tests end. */
#ifndef NAMESPACE_H
#define NAMESPACE_H

#include <stdbool.h>

/* Runs run() in it, or where we are if there cannot be one. @return what run() returned. */
int namespace_run(int (*run)(void));
/* Is there one?  Tests that need one are left out elsewhere. */
bool namespace_is_own(void);

#endif
