/* Runs every suite, or those named on the command line's environment as Check does (CK_RUN_SUITE). */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_err,	      check_arena,  check_policy, check_store,
						  check_store_decide, check_record, check_csv };
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
