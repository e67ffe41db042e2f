/** How long to wait before the next try. */
#ifndef RETRY_H
#define RETRY_H

#include <stdint.h>

/** [ms] 1 s after the first failure, then twice as much each time, up to 5 minutes; a quarter more or less, so that
 * machines do not come all at once. @param tries  failed ones, from 1. */
uint64_t retry_pause(unsigned tries);

#endif
