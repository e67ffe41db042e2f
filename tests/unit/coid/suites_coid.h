/* coid's files; see run.c. */
#ifndef SUITES_COID_H
#define SUITES_COID_H

#include <check.h>

Suite *check_bundle(void);
Suite *check_coid_cidata(void);
Suite *check_coid_config(void);
Suite *check_holder(void);
Suite *check_join(void);
Suite *check_licence(void);
Suite *check_show(void);

#endif
