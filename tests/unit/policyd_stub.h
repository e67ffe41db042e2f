/* policyd, as hostd's report.c sees it: http_client.h and identity.h without what is behind them, and a clock that is
 * set. */
#ifndef POLICYD_STUB_H
#define POLICYD_STUB_H

#include <stdbool.h>
#include <stdint.h>

/* An event loop, a certificate, a clock at 1000000 ms, no requests; [state] directory is folder_path(NULL). */
void policyd_stub_begin(void);
void policyd_stub_end(void);

/* Let the loop do what is due. */
void policyd_stub_turn(void);
void policyd_stub_later(uint64_t ms);
/* Is there a certificate?  Tells of a new one. */
void policyd_stub_identity(bool there);
/* Requests cannot be sent. */
void policyd_stub_unable(bool unable);

/* How many requests wait for an answer. */
unsigned policyd_stub_open(void);
/* The oldest: "POST PATH BODY"; "" when there is none. */
const char *policyd_stub_asked(void);
/* Answer the oldest, and turn. @param status  0: it does not answer. @param body  NULL: a bundle for the guest that was
 * asked about. */
void policyd_stub_answer(int status, const char *body);

#endif
