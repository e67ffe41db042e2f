/* relayd's files; see run.c. */
#ifndef SUITES_RELAYD_H
#define SUITES_RELAYD_H

#include <check.h>

Suite *check_authority(void);
Suite *check_connect(void);
Suite *check_connect_answer(void);
Suite *check_filter(void);
Suite *check_ntp_packet(void);
Suite *check_ntp_pending(void);
Suite *check_peers(void);
Suite *check_relayd_config(void);
Suite *check_syslog_frame(void);
Suite *check_via(void);

#endif
