#include "sandbox.h"
#include "suites.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, behind the filter: 0, or errno of the call. */
static int behind(unsigned needs, int (*call)(void))
{
	struct vmp_msg msg;
	pid_t parent = getpid(), pid = fork();
	int status = -1;

	if (pid == 0) {
		if (vmp_sandbox_enter((unsigned)-1, (unsigned)-1, needs, parent, &msg) != VMP_OK)
			_exit(255);
		_exit(call());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int new_user_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0) < 0 ? errno : 0;
}

static int new_network_in_a_user_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWNET | CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0) < 0 ? errno : 0;
}

static int leave_namespaces(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static void *nothing(void *ctx)
{
	return ctx;
}

static int thread(void)
{
	pthread_t id;
	int err = pthread_create(&id, NULL, nothing, NULL);

	return err ? err : pthread_join(id, NULL);
}

static int another_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int make_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

#define FILES VMP_SANDBOX_FILES

START_TEST(no_user_namespace)
{
	ck_assert_int_eq(behind(FILES, new_user_namespace), EPERM);
	ck_assert_int_eq(behind(FILES, new_network_in_a_user_namespace), EPERM);
	ck_assert_int_eq(behind(FILES, leave_namespaces), EPERM);
}
END_TEST

START_TEST(threads)
{
	ck_assert_int_eq(behind(FILES, thread), 0);
}
END_TEST

START_TEST(no_other_program)
{
	ck_assert_int_eq(behind(FILES, another_program), EPERM);
}
END_TEST

START_TEST(sockets_for_those_who_need_them)
{
	ck_assert_int_eq(behind(FILES, make_socket), EPERM);
	ck_assert_int_eq(behind(FILES | VMP_SANDBOX_SOCKETS, make_socket), 0);
}
END_TEST

Suite *check_sandbox(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");

	tcase_add_test(t, no_user_namespace);
	tcase_add_test(t, threads);
	tcase_add_test(t, no_other_program);
	tcase_add_test(t, sockets_for_those_who_need_them);
	suite_add_tcase(s, t);
	return s;
}
