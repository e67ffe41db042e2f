/** What the generators' command lines share. */
#ifndef ARGS_H
#define ARGS_H

#include <netinet/in.h>

#define ARGS_DIED 2 /**< exit code: no run */

/** "program: ..." on standard error, and the end. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/** The number in text, or die(). @param name  the option's. */
double args_number(const char *name, const char *text, double min, double max);
/** --server's ADDR:PORT, or die(). */
void args_server(const char *text, struct sockaddr_in *out);

#endif
