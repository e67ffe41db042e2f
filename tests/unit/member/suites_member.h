/* One suite per file of member/; see run.c. */
#ifndef SUITES_MEMBER_H
#define SUITES_MEMBER_H

#include <check.h>

/* Each is Suite *check_NAME(void). */
/* clang-format off */
#define MEMBER_SUITES(SUITE) \
	SUITE(prefix) SUITE(directory_read) SUITE(directory) SUITE(keys_read) SUITE(keyring) SUITE(keys) \
	SUITE(names) SUITE(names_text) SUITE(pause) SUITE(self) SUITE(need) SUITE(need_packet) \
	SUITE(route) SUITE(guard) SUITE(wg) SUITE(wg_message) SUITE(wg_uapi) SUITE(wg_userspace)
/* clang-format on */

#define MEMBER_SUITE_DECLARE(name) Suite *check_##name(void);
MEMBER_SUITES(MEMBER_SUITE_DECLARE)

#endif
