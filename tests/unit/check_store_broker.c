#include "store_broker.h"
#include "folder.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define BOOT "a0000000-0000-4000-8000-000000000000"
#define VM   "00000000-0000-4000-8000-000000000001"
#define ID   "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

static struct vmp_store *store;
static struct vmp_msg msg;

static void setup(void)
{
	folder_setup();
	ck_assert_int_eq(
		vmp_store_open(&store, folder_path("gateway.db"), VMP_STORE_BROKER, VMP_STORE_CREATE, 100, &msg),
		VMP_OK);
	ck_assert_msg(vmp_store_migrate(store, NULL, NULL, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
}

static void teardown(void)
{
	vmp_store_rollback(store);
	vmp_store_close(store);
	folder_teardown();
}

/* The process ends and another begins. */
static void reopen(void)
{
	ck_assert_int_eq(vmp_store_commit(store, &msg), VMP_OK);
	vmp_store_close(store);
	ck_assert_int_eq(
		vmp_store_open(&store, folder_path("gateway.db"), VMP_STORE_BROKER, VMP_STORE_WRITE, 100, &msg),
		VMP_OK);
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
}

static struct vmp_lease lease_of(int64_t count)
{
	struct vmp_lease lease = { .holder = VM,
				   .product = "web-std",
				   .seq = 7,
				   .request_id = ID,
				   .wants = 1,
				   .in_use = 1,
				   .life_ms = 1000,
				   .grace_ms = 200,
				   .end_ms = 5000,
				   .reason = VMP_LEASE_EXHAUSTED,
				   .refused = true,
				   .available = 3 };

	lease.n_part = count > 0;
	lease.part[0] = (struct vmp_lease_part){ .pool = 9, .count = count, .over_ms = 5200 };
	return lease;
}

static void put(int64_t count, bool reported)
{
	struct vmp_lease lease = lease_of(count);

	ck_assert_msg(vmp_broker_child_put(store, &lease, BOOT, reported, &msg) == VMP_OK, "%s", msg.text);
}

static struct vmp_broker_child found;
static int n_found;

static int on_child(void *ctx, const struct vmp_broker_child *child)
{
	found = *child;
	n_found++;
	return ctx ? *(int *)ctx : VMP_OK;
}

static int children(void)
{
	n_found = 0;
	ck_assert_int_eq(vmp_broker_children(store, on_child, NULL, &msg), VMP_OK);
	return n_found;
}

/* -- negative ----------------------------------------------------------------------------------------------------- */

START_TEST(it_is_no_other_store)
{
	struct vmp_store *other = NULL;

	ck_assert_int_eq(vmp_store_commit(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_open(&other, folder_path("gateway.db"), VMP_STORE_POLICY, VMP_STORE_READ, 100, &msg),
			 VMP_ECORRUPT);
	ck_assert_ptr_null(other);
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
}
END_TEST

START_TEST(seq_never_falls)
{
	struct vmp_broker_state state = { .seq = 5 };

	ck_assert_int_eq(vmp_broker_state_set(store, &state, &msg), VMP_OK);
	state.seq = 4;
	ck_assert_int_eq(vmp_broker_state_set(store, &state, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "seq: it never falls"));
}
END_TEST

START_TEST(a_child_holds_one_at_the_most)
{
	struct vmp_lease lease = lease_of(2);

	ck_assert_int_eq(vmp_broker_child_put(store, &lease, BOOT, false, &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "held: expected 0 or 1");
	lease = lease_of(1);
	lease.part[0].lapsing = 1;
	ck_assert_int_eq(vmp_broker_child_put(store, &lease, BOOT, false, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "lapsing: expected"));
}
END_TEST

START_TEST(a_request_has_a_body)
{
	struct vmp_broker_parent p = { .server = "a", .product = "p", .boot_id = BOOT, .request_id = ID, .body = "" };

	ck_assert_int_eq(vmp_broker_parent_put(store, &p, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "body: expected"));
	p = (struct vmp_broker_parent){
		.server = "a", .product = "p", .boot_id = BOOT, .request_id = "", .body = "", .held = -1
	};
	ck_assert_int_eq(vmp_broker_parent_put(store, &p, &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "held: expected 0 or more");
}
END_TEST

START_TEST(what_each_returns_ends_it)
{
	int stop = VMP_EACCES;

	put(1, false);
	n_found = 0;
	ck_assert_int_eq(vmp_broker_children(store, on_child, &stop, &msg), VMP_EACCES);
	ck_assert_int_eq(n_found, 1);
	ck_assert_int_eq(children(), 1);
}
END_TEST

/* -- what is kept ------------------------------------------------------------------------------------------------- */

START_TEST(the_state_is_kept)
{
	struct vmp_broker_state state = {
		.seq = 5, .longest_ms = 6, .recover_until_ms = 7, .recover_boot_id = BOOT, .home = "one"
	};
	struct vmp_broker_state got;

	ck_assert_int_eq(vmp_broker_state_get(store, &got, &msg), VMP_OK);
	ck_assert_int_eq(got.seq, 0);
	ck_assert_int_eq(vmp_broker_state_set(store, &state, &msg), VMP_OK);
	reopen();
	ck_assert_int_eq(vmp_broker_state_get(store, &got, &msg), VMP_OK);
	ck_assert_int_eq(got.seq, 5);
	ck_assert_int_eq(got.longest_ms, 6);
	ck_assert_int_eq(got.recover_until_ms, 7);
	ck_assert_str_eq(got.recover_boot_id, BOOT);
	ck_assert_str_eq(got.home, "one");
}
END_TEST

START_TEST(a_child_is_kept)
{
	put(1, true);
	reopen();
	ck_assert_int_eq(children(), 1);
	ck_assert_str_eq(found.lease.holder, VM);
	ck_assert_str_eq(found.lease.product, "web-std");
	ck_assert_int_eq(found.lease.seq, 7);
	ck_assert_str_eq(found.lease.request_id, ID);
	ck_assert_int_eq(found.lease.n_part, 1);
	ck_assert_int_eq(found.lease.part[0].count, 1);
	ck_assert_int_eq(found.lease.part[0].over_ms, 5200);
	ck_assert_int_eq(found.lease.life_ms, 1000);
	ck_assert_int_eq(found.lease.grace_ms, 200);
	ck_assert_int_eq(found.lease.end_ms, 5000);
	ck_assert_uint_eq(found.lease.reason, VMP_LEASE_EXHAUSTED);
	ck_assert(found.lease.refused);
	ck_assert_int_eq(found.lease.available, 3);
	ck_assert_str_eq(found.boot_id, BOOT);
	ck_assert(found.reported && !found.over);
}
END_TEST

START_TEST(one_that_is_over_goes_unless_it_is_on_record)
{
	put(1, false);
	ck_assert_int_eq(vmp_broker_child_over(store, VM, "web-std", &msg), VMP_OK);
	ck_assert_int_eq(children(), 0);
	put(1, true);
	ck_assert_int_eq(vmp_broker_child_over(store, VM, "web-std", &msg), VMP_OK);
	ck_assert_int_eq(children(), 1);
	ck_assert(found.over && found.reported);
	ck_assert_int_eq(found.lease.n_part, 0);
	ck_assert_int_eq(vmp_broker_child_reported(store, VM, "web-std", false, &msg), VMP_OK);
	ck_assert_int_eq(children(), 0);
}
END_TEST

START_TEST(one_that_comes_back_is_not_over)
{
	put(1, true);
	ck_assert_int_eq(vmp_broker_child_over(store, VM, "web-std", &msg), VMP_OK);
	put(1, true);
	ck_assert_int_eq(children(), 1);
	ck_assert(!found.over);
	ck_assert_int_eq(vmp_broker_child_reported(store, VM, "web-std", false, &msg), VMP_OK);
	ck_assert_int_eq(children(), 1);
	ck_assert(!found.reported);
}
END_TEST

START_TEST(nobody_is_on_record)
{
	put(1, true);
	ck_assert_int_eq(vmp_broker_unreport(store, "other", &msg), VMP_OK);
	ck_assert_int_eq(children(), 1);
	ck_assert(found.reported);
	ck_assert_int_eq(vmp_broker_unreport(store, NULL, &msg), VMP_OK);
	ck_assert_int_eq(children(), 1);
	ck_assert(!found.reported);
	put(1, true);
	ck_assert_int_eq(vmp_broker_child_over(store, VM, "web-std", &msg), VMP_OK);
	ck_assert_int_eq(vmp_broker_unreport(store, "web-std", &msg), VMP_OK);
	ck_assert_int_eq(children(), 0);
}
END_TEST

static char parents[256];

static int on_parent(void *ctx, const struct vmp_broker_parent *p)
{
	(void)ctx;
	snprintf(parents + strlen(parents), sizeof(parents) - strlen(parents),
		 "%s/%s %lld %lld %lld %lld %lld %lld %s %s %s;", p->server, p->product, (long long)p->seq,
		 (long long)p->held, (long long)p->end_ms, (long long)p->grace_ms, (long long)p->lapsing,
		 (long long)p->lapsed_ms, p->boot_id, p->request_id, p->body);
	return VMP_OK;
}

START_TEST(a_parent_is_kept)
{
	struct vmp_broker_parent p = { .server = "a",
				       .product = "p",
				       .seq = 1,
				       .held = 2,
				       .end_ms = 3,
				       .grace_ms = 4,
				       .lapsing = 5,
				       .lapsed_ms = 6,
				       .boot_id = "boot",
				       .request_id = "id",
				       .body = "{}" };

	ck_assert_int_eq(vmp_broker_parent_put(store, &p, &msg), VMP_OK);
	p.seq = 9;
	ck_assert_int_eq(vmp_broker_parent_put(store, &p, &msg), VMP_OK);
	p = (struct vmp_broker_parent){
		.server = "a", .product = "o", .boot_id = "boot", .request_id = "", .body = ""
	};
	ck_assert_int_eq(vmp_broker_parent_put(store, &p, &msg), VMP_OK);
	ck_assert_int_eq(vmp_broker_parent_remove(store, "a", "o", &msg), VMP_OK);
	ck_assert_int_eq(vmp_broker_parent_remove(store, "a", "o", &msg), VMP_OK);
	reopen();
	*parents = '\0';
	ck_assert_int_eq(vmp_broker_parents(store, on_parent, NULL, &msg), VMP_OK);
	ck_assert_str_eq(parents, "a/p 9 2 3 4 5 6 boot id {};");
}
END_TEST

START_TEST(the_disk_can_be_tried)
{
	ck_assert_int_eq(vmp_broker_fill(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_touch(store, &msg), VMP_OK);
}
END_TEST

Suite *check_store_broker(void)
{
	Suite *s = suite_create("store_broker");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, it_is_no_other_store);
	tcase_add_test(c, seq_never_falls);
	tcase_add_test(c, a_child_holds_one_at_the_most);
	tcase_add_test(c, a_request_has_a_body);
	tcase_add_test(c, what_each_returns_ends_it);
	tcase_add_test(c, the_state_is_kept);
	tcase_add_test(c, a_child_is_kept);
	tcase_add_test(c, one_that_is_over_goes_unless_it_is_on_record);
	tcase_add_test(c, one_that_comes_back_is_not_over);
	tcase_add_test(c, nobody_is_on_record);
	tcase_add_test(c, a_parent_is_kept);
	tcase_add_test(c, the_disk_can_be_tried);
	return s;
}
