/* One suite per file of lib/; see run.c. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *check_arena(void);
Suite *check_csv(void);
Suite *check_err(void);
Suite *check_mac(void);
Suite *check_policy(void);
Suite *check_record(void);
Suite *check_store(void);
Suite *check_store_decide(void);

#endif
