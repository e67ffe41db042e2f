/** Time that goes on while the machine sleeps, and that nobody sets. */
#ifndef BOOT_CLOCK_H
#define BOOT_CLOCK_H

#include <stdint.h>

/** [ms] CLOCK_BOOTTIME */
uint64_t boot_clock_ms(void);

#endif
