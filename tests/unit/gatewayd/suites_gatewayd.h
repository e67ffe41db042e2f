/* gatewayd's files; see run.c. */
#ifndef SUITES_GATEWAYD_H
#define SUITES_GATEWAYD_H

#include <check.h>

Suite *check_broker(void);
Suite *check_broker_servers(void);
Suite *check_broker_reports(void);
Suite *check_commit(void);
Suite *check_filter(void);
Suite *check_filter_compile(void);
Suite *check_filter_read(void);
Suite *check_gatewayd_config(void);
Suite *check_server_answer(void);
Suite *check_vm_request(void);

#endif
