/* Runs every suite, or those named on the command line's environment as Check does (CK_RUN_SUITE). */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_err,
						  check_pki,
						  check_pki_text,
						  check_passwords,
						  check_ca,
						  check_ca_issue,
						  check_ca_ocsp,
						  check_est,
						  check_class,
						  check_cms,
						  check_cms_key,
						  check_seal,
						  check_eap_tls,
						  check_eap_tls_fragment,
						  check_eap_tls_identity,
						  check_eap_tls_repeat,
						  check_eap,
						  check_eap_md5,
						  check_eapol,
						  check_supplicant,
						  check_supplicant_peer,
						  check_supplicant_timer,
						  check_supplicant_tls,
						  check_supplicant_wire,
						  check_arena,
						  check_coa_packet,
						  check_coa_cause,
						  check_coa_secret,
						  check_coa_dialect,
						  check_coa_job,
						  check_coa_nas,
						  check_policy,
						  check_store,
						  check_store_decide,
						  check_store_audit,
						  check_store_cert,
						  check_store_coa,
						  check_store_coa_nas,
						  check_store_coa_scan,
						  check_store_coi_key,
						  check_store_directory,
						  check_store_guest,
						  check_store_guest_notice,
						  check_store_session,
						  check_store_session_order,
						  check_store_session_past,
						  check_store_session_report,
						  check_store_token,
						  check_record,
						  check_csv,
						  check_body,
						  check_inifile,
						  check_jsontext,
						  check_table,
						  check_account,
						  check_listen,
						  check_daemon,
						  check_warden,
						  check_log,
						  check_sandbox,
						  check_serve,
						  check_source_alias,
						  check_domain_xml,
						  check_source_libvirt,
						  check_source_netlink,
						  check_link,
						  check_watch_libvirt,
						  check_uplink,
						  check_answer,
						  check_cidata,
						  check_file,
						  check_identity_pair,
						  check_ledger,
						  check_pki_pair,
						  check_report,
						  check_message };
	SRunner *runner = srunner_create(check_mac());
	int failed;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
