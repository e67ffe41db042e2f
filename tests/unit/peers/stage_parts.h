/* What the stage's files share. */
#ifndef STAGE_PARTS_H
#define STAGE_PARTS_H

#include "stage.h"

void stage_clock_begin(void);
void stage_clock_add(unsigned ms);
uint64_t stage_clock(void);

void stage_trace(const char *format, ...) VMP_PRINTF(1, 2);
const struct directory_calls *stage_directory_calls(void);

void machine_turn(struct machine *m);
void machine_close(struct machine *m);
/* By its WireGuard key: its name, "stranger" for others. */
const char *machine_name(const uint8_t key[VMP_COI_SECRET]);

#endif
