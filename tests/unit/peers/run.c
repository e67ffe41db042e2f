/* member's engine on a stage of stand-ins. */
#include "../member/namespace.h"
#include "suites_peers.h"

#include <signal.h>
#include <stdlib.h>

static int run_all(void)
{
	static Suite *(*const suites[])(void) = { check_peers,	 check_pair,	 check_halt,
						  check_traffic, check_adopt,	 check_carrier,
						  check_offers,	 check_endpoint, check_member_status };
	SRunner *runner = srunner_create(check_fib());
	int failed;
	size_t i;

	/* The clock stands while a test runs, and its sockets are this process's alone. */
	srunner_set_fork_status(runner, CK_NOFORK);
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
