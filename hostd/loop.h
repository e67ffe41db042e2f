/** The guests process: what its parts share. */
#ifndef LOOP_H
#define LOOP_H

#include "config.h"
#include "http_client.h"

#include <event2/event.h>
#include <stdint.h>

struct loop {
	struct event_base *base;
	const struct config *config;
	struct http_client *policyd; /**< NULL: [policyd] url is not set */
	bool stopping;
	bool logoff; /**< at the end: hostd stops in order, and [process] on_stop says so */
};
extern struct loop loop;

/** [ms] CLOCK_BOOTTIME: goes on while the machine sleeps, and nobody sets it. */
uint64_t loop_now(void);
uint64_t loop_now_us(void);

#endif
