#include "arena.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

START_TEST(copies_stay_where_they_are)
{
	struct vmp_arena arena = { 0 };
	const char *copy[3000];
	char text[16];
	int i;

	for (i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		copy[i] = vmp_arena_strdup(&arena, text);
	}
	for (i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		ck_assert_str_eq(copy[i], text);
	}
	vmp_arena_clear(&arena);
	ck_assert_ptr_null(arena.head);
}
END_TEST

START_TEST(a_text_larger_than_a_block)
{
	struct vmp_arena arena = { 0 };
	char text[20000];
	const char *small, *large;

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	small = vmp_arena_strdup(&arena, "before");
	large = vmp_arena_strdup(&arena, text);
	ck_assert_str_eq(large, text);
	ck_assert_str_eq(small, "before");
	ck_assert_str_eq(vmp_arena_strdup(&arena, NULL), "");
	vmp_arena_clear(&arena);
}
END_TEST

Suite *check_arena(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_test(t, copies_stay_where_they_are);
	tcase_add_test(t, a_text_larger_than_a_block);
	suite_add_tcase(s, t);
	return s;
}
