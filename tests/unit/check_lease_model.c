/* Millions of things that can happen to leases; see lease_model.h. */
#include "lease_model.h"
#include "pki.h"
#include "suites.h"

#include <inttypes.h>
#include <stdio.h>

#define SEEDS 10
#define STEPS 200000

/* xorshift64 (Marsaglia). */
static uint32_t shift(void *ctx)
{
	uint64_t *s = ctx;

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (uint32_t)(*s >> 16);
}

static void all_came_about(const struct lease_model_sums *s)
{
	const uint64_t *sum = (const uint64_t *)s;
	size_t i;

	for (i = 0; i < sizeof(*s) / sizeof(*sum); i++)
		ck_assert_msg(sum[i] >= 5, "number %zu of struct lease_model_sums is %" PRIu64, i, sum[i]);
}

static void run(uint64_t seed)
{
	uint64_t state = seed;
	struct lease_model *m = lease_model_new(shift, &state);
	const char *error = NULL;
	int i;

	for (i = 0; i < STEPS && !error; i++)
		error = lease_model_step(m);
	ck_assert_msg(!error, "seed %" PRIu64 ", step %d: %s", seed, i, error);
	all_came_about(lease_model_sums(m));
	lease_model_free(m);
}

START_TEST(fixed_seed)
{
	run(((uint64_t)_i + 1) * UINT64_C(0x9e3779b97f4a7c15));
}
END_TEST

START_TEST(another_seed)
{
	uint64_t seed;

	ck_assert_int_eq(vmp_random(&seed, sizeof(seed)), VMP_OK);
	seed |= 1;
	printf("leases: seed %" PRIu64 "\n", seed);
	fflush(stdout);
	run(seed);
}
END_TEST

Suite *check_lease_model(void)
{
	Suite *s = suite_create("lease_model");
	TCase *t = tcase_create("lease_model");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, fixed_seed, 0, SEEDS - 1);
	tcase_add_test(t, another_seed);
	suite_add_tcase(s, t);
	return s;
}
