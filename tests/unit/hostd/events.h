/* libevent's timers and descriptors, in a time that is the test's. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Call the one that is due first, not later than then [us], after setting the clock. @return false: none is. */
bool events_turn(uint64_t until_us);
/* Call the one that waits for this descriptor. @return false: nobody does. */
bool events_readable(int fd);
/* How many there are: each _new() needs its _free(). */
unsigned events_count(void);

#endif
