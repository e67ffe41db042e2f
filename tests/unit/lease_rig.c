#include "lease_rig.h"

#include <stdio.h>

struct rig rig;

static int journal_write(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	(void)ctx;
	if (rig.broken)
		return vmp_fail(msg, rig.broken, "broken");
	rig.written = *lease;
	rig.writes++;
	return VMP_OK;
}

static int journal_erase(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	(void)ctx;
	if (rig.broken)
		return vmp_fail(msg, rig.broken, "broken");
	rig.written = *lease;
	rig.erased++;
	return VMP_OK;
}

static void put_pool(int64_t id, int64_t owned, bool open)
{
	const struct vmp_lease_pool pool = { .id = id,
					     .product = "web-std",
					     .owned = owned,
					     .life_ms = 600000,
					     .grace_ms = 60000,
					     .until_ms = INT64_MAX,
					     .open = open };

	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool), VMP_OK);
}

void rig_set(int64_t id, int64_t owned)
{
	put_pool(id, owned, true);
}

void rig_shut(int64_t id, int64_t owned)
{
	put_pool(id, owned, false);
}

static void open_book(void)
{
	static const struct vmp_lease_journal journal = { journal_write, journal_erase, NULL };

	rig.book = vmp_lease_book_new(&journal);
	ck_assert_ptr_nonnull(rig.book);
}

void rig_setup(void)
{
	rig = (struct rig){ .now = RIG_NOW };
	open_book();
	rig_set(1, 5);
}

void rig_teardown(void)
{
	vmp_lease_book_free(rig.book);
}

void rig_again(bool other_boot)
{
	vmp_lease_book_free(rig.book);
	open_book();
	ck_assert_int_eq(vmp_lease_restore(rig.book, &rig.written, other_boot, rig.now), VMP_OK);
	rig_set(1, 5);
}

struct vmp_lease_request rig_request_of(const char *holder, int64_t wants)
{
	static const int64_t pools[] = { 1, 2, 3 };
	static unsigned long long ids;
	const struct vmp_lease *lease = vmp_lease_find(rig.book, holder, "web-std");

	snprintf(rig.last_id, sizeof(rig.last_id), "00000000-0000-4000-8000-%012llx", ++ids & 0xffffffffffff);
	return (struct vmp_lease_request){ .holder = holder,
					   .product = "web-std",
					   .id = rig.last_id,
					   .seen = lease ? lease->seq : 0,
					   .has = lease ? vmp_lease_count(lease) : 0,
					   .wants = wants,
					   .least = 1,
					   .pools = pools,
					   .n_pools = 3 };
}

int64_t rig_ask(const char *holder, int64_t wants)
{
	struct vmp_lease_request r = rig_request_of(holder, wants);

	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	return rig.a.granted;
}

int64_t rig_usage(int64_t id)
{
	int64_t occupied;

	ck_assert_int_eq(vmp_lease_pool_usage(rig.book, id, &occupied), VMP_OK);
	return occupied;
}

void rig_tick(void)
{
	ck_assert_int_eq(vmp_lease_tick(rig.book, rig.now, NULL, NULL, NULL), VMP_OK);
}
