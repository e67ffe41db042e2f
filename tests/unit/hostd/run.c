/* What of hostd the big runner cannot link, since it has stand-ins for guest.c and uplink.c. */
#include "suites_hostd.h"

#include <stdlib.h>

int main(void)
{
	SRunner *runner = srunner_create(check_guest());
	int failed;

	srunner_add_suite(runner, check_guest_report());
	srunner_add_suite(runner, check_nic());
	srunner_add_suite(runner, check_storm());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
