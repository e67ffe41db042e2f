#include "daemon.h"
#include "suites.h"
#include "supervise.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the supervising process and its children have done; theirs and ours. */
static volatile struct seen {
	int starts[2], ended, ended_code, killed, hups, stopping;
	bool signalled, ignores_int, takes_term;
	pid_t pid[2];
} * seen;

enum what { STAYS, FAILS, WRONG, DEAF };
static enum what what[2];

static struct vmp_msg msg;

static void on_term(int sig)
{
	(void)sig;
	_exit(VMP_DAEMON_DONE);
}

static int child_of(int i, pid_t parent)
{
	struct sigaction action;
	sigset_t mask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(9);
	seen->pid[i] = getpid();
	seen->starts[i]++;
	sigaction(SIGINT, NULL, &action);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	seen->ignores_int = action.sa_handler == SIG_IGN;
	seen->takes_term = !sigismember(&mask, SIGTERM);
	if (what[i] == WRONG)
		return VMP_DAEMON_CONFIG;
	if (what[i] == FAILS)
		return VMP_DAEMON_FAILED;
	signal(SIGTERM, what[i] == DEAF ? SIG_IGN : on_term);
	for (;;)
		pause();
}

static int first(void *ctx, pid_t parent)
{
	(void)ctx;
	return child_of(0, parent);
}

static int second(void *ctx, pid_t parent)
{
	(void)ctx;
	return child_of(1, parent);
}

static void on_ended(void *ctx, const struct vmp_child *child, bool signalled, int code)
{
	(void)ctx;
	(void)child;
	seen->ended++;
	seen->signalled = signalled;
	seen->ended_code = code;
}

static void on_killed(void *ctx, const struct vmp_child *child)
{
	(void)ctx;
	(void)child;
	seen->killed++;
}

static void on_stopping(void *ctx)
{
	(void)ctx;
	seen->stopping++;
}

static void on_hup(void *ctx)
{
	(void)ctx;
	seen->hups++;
}

/* In a process of its own, as the parent of a daemon is. */
static pid_t supervise(enum what one, enum what two, bool both)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	struct vmp_child children[] = { { "one", "test: one", true, first, 0, 0, 0, 0, 0 },
					{ "two", "test: two", both, second, 0, 0, 0, 0, 0 } };
	const struct vmp_supervision s = { children, 2, NULL, 300, on_ended, on_killed, on_stopping, on_hup };

	what[0] = one;
	what[1] = two;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vmp_supervise_begin(&msg) != VMP_OK)
		_exit(9);
	_exit(vmp_supervise(&s, &msg));
}

static void setup(void)
{
	void *shared = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(shared, MAP_FAILED);
	seen = shared;
}

#define AWAIT(condition)                                                                                               \
	do {                                                                                                           \
		static const struct timespec tick = { .tv_nsec = 2000000 };                                            \
		int left = 2000;                                                                                       \
		while (!(condition) && left-- > 0)                                                                     \
			nanosleep(&tick, NULL);                                                                        \
		ck_assert_msg(condition, "%s", #condition);                                                            \
	} while (0)

static int stop(pid_t pid, int sig)
{
	int status = 0;

	if (sig)
		kill(pid, sig);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(told_to_stop_it_stops_all)
{
	pid_t pid = supervise(STAYS, STAYS, true);

	AWAIT(seen->starts[0] == 1 && seen->starts[1] == 1);
	ck_assert_int_eq(stop(pid, _i ? SIGINT : SIGTERM), VMP_DAEMON_DONE);
	ck_assert_int_eq(seen->stopping, 1);
	ck_assert_int_eq(seen->killed, 0);
	ck_assert_int_eq(seen->ended, 0);
	ck_assert(seen->ignores_int);
	ck_assert(seen->takes_term);
	ck_assert_int_eq(kill(seen->pid[0], 0), -1);
	ck_assert_int_eq(kill(seen->pid[1], 0), -1);
}
END_TEST

START_TEST(who_is_not_wanted_is_not_started)
{
	pid_t pid = supervise(STAYS, STAYS, false);

	AWAIT(seen->starts[0] == 1);
	ck_assert_int_eq(stop(pid, SIGTERM), VMP_DAEMON_DONE);
	ck_assert_int_eq(seen->starts[1], 0);
}
END_TEST

START_TEST(one_that_dies_comes_back_alone)
{
	pid_t pid = supervise(STAYS, STAYS, true);

	AWAIT(seen->starts[0] == 1 && seen->starts[1] == 1);
	kill(seen->pid[0], SIGKILL);
	AWAIT(seen->starts[0] == 2);
	ck_assert_int_eq(seen->starts[1], 1);
	ck_assert_int_eq(seen->ended, 1);
	ck_assert(seen->signalled);
	ck_assert_int_eq(seen->ended_code, SIGKILL);
	ck_assert_int_eq(stop(pid, SIGTERM), VMP_DAEMON_DONE);
}
END_TEST

START_TEST(one_that_fails_is_tried_again_and_more_slowly)
{
	pid_t pid = supervise(FAILS, STAYS, true);

	AWAIT(seen->starts[0] == 4);
	ck_assert_int_eq(seen->ended_code, VMP_DAEMON_FAILED);
	ck_assert_int_eq(seen->starts[1], 1);
	ck_assert_int_eq(stop(pid, SIGTERM), VMP_DAEMON_DONE);
	ck_assert_int_le(seen->starts[0], 5);
}
END_TEST

START_TEST(what_is_wrong_from_the_start_ends_all)
{
	pid_t pid = supervise(STAYS, WRONG, true);

	ck_assert_int_eq(stop(pid, 0), VMP_DAEMON_CONFIG);
	ck_assert_int_eq(seen->starts[1], 1);
	AWAIT(seen->pid[0] == 0 || kill(seen->pid[0], 0) == -1);
}
END_TEST

START_TEST(who_does_not_listen_is_killed)
{
	pid_t pid = supervise(DEAF, STAYS, true);

	AWAIT(seen->starts[0] == 1 && seen->starts[1] == 1);
	ck_assert_int_eq(stop(pid, SIGTERM), VMP_DAEMON_DONE);
	ck_assert_int_eq(seen->killed, 1);
	ck_assert_int_eq(kill(seen->pid[0], 0), -1);
}
END_TEST

START_TEST(hup_is_handed_on)
{
	pid_t pid = supervise(STAYS, STAYS, false);

	AWAIT(seen->starts[0] == 1);
	kill(pid, SIGHUP);
	AWAIT(seen->hups == 1);
	ck_assert_int_eq(stop(pid, SIGTERM), VMP_DAEMON_DONE);
	ck_assert_int_eq(seen->starts[0], 1);
}
END_TEST

Suite *check_supervise(void)
{
	Suite *suite = suite_create("supervise");
	TCase *tc = tcase_create("supervise");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, told_to_stop_it_stops_all, 0, 2);
	tcase_add_test(tc, who_is_not_wanted_is_not_started);
	tcase_add_test(tc, one_that_dies_comes_back_alone);
	tcase_add_test(tc, one_that_fails_is_tried_again_and_more_slowly);
	tcase_add_test(tc, what_is_wrong_from_the_start_ends_all);
	tcase_add_test(tc, who_does_not_listen_is_killed);
	tcase_add_test(tc, hup_is_handed_on);
	suite_add_tcase(suite, tc);
	return suite;
}
