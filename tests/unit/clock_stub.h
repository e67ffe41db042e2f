/* loop.h's clock, which stands until a test sets it. */
#ifndef CLOCK_STUB_H
#define CLOCK_STUB_H

#include <stdint.h>

extern uint64_t stub_now_us; /* [us] */

#endif
