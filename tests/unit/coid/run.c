/* What coid reads, keeps and decides: all of it without a network. */
#include "suites_coid.h"

#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_coid_cidata, check_coid_config, check_holder,
						  check_join,	     check_licence,	check_show };
	SRunner *runner = srunner_create(check_bundle());
	int failed;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
