/* One suite per file of lib/; see run.c. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *check_arena(void);
Suite *check_ca(void);
Suite *check_ca_issue(void);
Suite *check_ca_ocsp(void);
Suite *check_class(void);
Suite *check_cms(void);
Suite *check_cms_key(void);
Suite *check_coa_cause(void);
Suite *check_coa_dialect(void);
Suite *check_coa_job(void);
Suite *check_coa_nas(void);
Suite *check_coa_packet(void);
Suite *check_coa_secret(void);
Suite *check_csv(void);
Suite *check_err(void);
Suite *check_est(void);
Suite *check_body(void);
Suite *check_inifile(void);
Suite *check_log(void);
Suite *check_mac(void);
Suite *check_message(void);
Suite *check_pki(void);
Suite *check_policy(void);
Suite *check_record(void);
Suite *check_seal(void);
Suite *check_store(void);
Suite *check_store_decide(void);
Suite *check_store_audit(void);
Suite *check_store_cert(void);
Suite *check_store_coa(void);
Suite *check_store_coa_nas(void);
Suite *check_store_coa_scan(void);
Suite *check_store_coi_key(void);
Suite *check_store_directory(void);
Suite *check_store_guest(void);
Suite *check_store_session(void);
Suite *check_store_session_order(void);
Suite *check_store_session_past(void);
Suite *check_store_session_report(void);
Suite *check_store_token(void);

#endif
