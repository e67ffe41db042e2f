/* Hundreds of thousands of things that can happen to a pair; see coi_model.h. */
#include "coi_model.h"
#include "pki.h"
#include "suites.h"

#include <inttypes.h>
#include <stdio.h>

#define SEEDS  4
#define ROUNDS 24
#define STEPS  2500

/* xorshift64 (Marsaglia). */
static uint32_t shift(void *ctx)
{
	uint64_t *s = ctx;

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (uint32_t)(*s >> 16);
}

static void all_came_about(const struct coi_model_sums *s)
{
	const uint64_t *sum = (const uint64_t *)s;
	size_t i;

	for (i = 0; i < sizeof(*s) / sizeof(*sum); i++)
		ck_assert_msg(sum[i] >= 2, "number %zu of struct coi_model_sums is %" PRIu64, i, sum[i]);
}

static void run(uint64_t seed)
{
	uint64_t state = seed;
	struct coi_model *m = coi_model_new(shift, &state);
	const char *error = NULL;
	int round, i;

	for (round = 0; round < ROUNDS && !error; round++) {
		for (i = 0; i < STEPS && !error; i++)
			error = coi_model_step(m);
		if (!error)
			error = round % 4 == 3 ? coi_model_silence(m) : coi_model_heal(m);
	}
	ck_assert_msg(!error, "seed %" PRIu64 ", round %d, step %d: %s", seed, round, i, error);
	all_came_about(coi_model_sums(m));
	coi_model_free(m);
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
	printf("communities of interest: seed %" PRIu64 "\n", seed);
	fflush(stdout);
	run(seed);
}
END_TEST

/* A day, with up to half of all messages lost. */
START_TEST(lossy)
{
	uint64_t state = ((uint64_t)_i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct coi_model *m = coi_model_new(shift, &state);
	const char *error = coi_model_lossy(m, 125 * (unsigned)_i, 86400000);

	ck_assert_msg(!error, "%d permille lost: %s", 125 * _i, error);
	coi_model_free(m);
}
END_TEST

Suite *check_coi_model(void)
{
	Suite *s = suite_create("coi_model");
	TCase *t = tcase_create("coi_model");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, fixed_seed, 0, SEEDS);
	tcase_add_test(t, another_seed);
	tcase_add_loop_test(t, lossy, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
