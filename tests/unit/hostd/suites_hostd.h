/* The suites of unit-hostd; see run.c. */
#ifndef SUITES_HOSTD_H
#define SUITES_HOSTD_H

#include <check.h>

Suite *check_guest(void);
Suite *check_guest_report(void);
Suite *check_nic(void);
Suite *check_storm(void);

#endif
