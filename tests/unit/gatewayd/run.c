/* gatewayd's broker, with licence servers that keep real books and no sockets; its filters, without nftables. */
#include "suites_gatewayd.h"

#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_broker_servers,	 check_broker_reports, check_commit,
						  check_gatewayd_config, check_server_answer,  check_vm_request,
						  check_filter,		 check_filter_compile, check_filter_read };
	SRunner *runner = srunner_create(check_broker());
	int failed;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
