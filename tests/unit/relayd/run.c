/* What relayd reads, and decides by: all of it without sockets. */
#include "suites_relayd.h"

#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_connect,    check_connect_answer, check_filter,
						  check_ntp_packet, check_ntp_pending,	  check_peers,
						  check_via,	    check_relayd_config,  check_syslog_frame };
	SRunner *runner = srunner_create(check_authority());
	int failed;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
