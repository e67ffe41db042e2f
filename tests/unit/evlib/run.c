/* What daemons with an event loop share, on an event loop. */
#include "suites_evlib.h"

#include <signal.h>
#include <stdlib.h>

int main(void)
{
	static Suite *(*const suites[])(void) = { check_tls_peer,    check_http_server, check_http_server_limits,
						  check_http_client, check_http_proxy,	check_identity };
	SRunner *runner = srunner_create(check_tls_files());
	int failed;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
