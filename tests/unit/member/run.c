/* What coid and gatewayd share as members of COIs. */
#include "namespace.h"
#include "suites_member.h"

#include <signal.h>
#include <stdlib.h>

static int run_all(void)
{
#define MEMBER_SUITE_NAME(name) check_##name,
	static Suite *(*const suites[])(void) = { MEMBER_SUITES(MEMBER_SUITE_NAME) };
	SRunner *runner = srunner_create(NULL);
	int failed;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return namespace_run(run_all);
}
