/* One suite per noun of member/'s engine; see run.c. */
#ifndef SUITES_PEERS_H
#define SUITES_PEERS_H

#include <check.h>

Suite *check_adopt(void);
Suite *check_carrier(void);
Suite *check_endpoint(void);
Suite *check_fib(void);
Suite *check_halt(void);
Suite *check_member_status(void);
Suite *check_offers(void);
Suite *check_pair(void);
Suite *check_peers(void);
Suite *check_traffic(void);

#endif
