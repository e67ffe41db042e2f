#include "store_coa.h"
#include "store_doctor.h"
#include "suites.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOW 1000000

static char said[2048];

static void VMP_PRINTF(1, 2) say(const char *fmt, ...)
{
	size_t at = strlen(said);
	va_list args;

	va_start(args, fmt);
	vsnprintf(said + at, sizeof(said) - at, fmt, args);
	va_end(args);
}

static struct vmp_coa_job job_of(int guest, const char *nas)
{
	return (struct vmp_coa_job){ .action = VMP_COA_REAUTHENTICATE,
				     .reason = "policy",
				     .mac = world_mac(guest),
				     .token = 0xffeeddccbbaa9988,
				     .place = { .nas = nas,
						.nas_port = 7,
						.nas_port_id = "Gi1/0/7",
						.nas_ip = "10.0.0.1",
						.nas_identifier = "leaf1",
						.user_name = "52-54-00-00-00-01",
						.calling_station_id = "5254.0000.0001",
						.acct_session_id = "00A1",
						.framed_ip = "10.1.0.1" } };
}

static int64_t add(const struct vmp_coa_job *job)
{
	int64_t id = -1;

	ck_assert_msg(WRITE(vmp_coa_add(world, job, &id, &world_msg)) == VMP_OK, "%s", world_msg.text);
	return id;
}

static int64_t add_of(int guest, const char *nas, enum vmp_coa_action action)
{
	struct vmp_coa_job job = job_of(guest, nas);

	job.action = action;
	return add(&job);
}

static struct vmp_coa_job get(int64_t id)
{
	struct vmp_coa_job job;

	ck_assert_msg(vmp_coa_get(world, id, &job, &world_msg) == VMP_OK, "%s", world_msg.text);
	return job;
}

/* "pending disconnect" and the like. */
static const char *stands(int64_t id)
{
	struct vmp_coa_job job = get(id);

	snprintf(said, sizeof(said), "%s %s", vmp_coa_state_name(job.state), vmp_coa_action_name(job.action));
	vmp_coa_done(world);
	return said;
}

static int on_job(void *ctx, const struct vmp_coa_job *job)
{
	say("%lld ", (long long)job->id);
	return ctx ? *(int *)ctx : VMP_OK;
}

static const char *due(const char *nas, int64_t now, int64_t after, int max)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_due_each(world, nas, now, after, max, on_job, NULL, &world_msg), VMP_OK);
	return said;
}

static const char *listed(struct vmp_coa_filter filter)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_each(world, &filter, on_job, NULL, &world_msg), VMP_OK);
	return said;
}

START_TEST(a_job_is_read_as_it_was_added)
{
	struct vmp_coa_job job = job_of(1, "192.0.2.1"), out;
	int64_t id;

	job.action = VMP_COA_DISCONNECT;
	job.reason = "vm-disabled";
	job.past_id = 5;
	id = add(&job);
	out = get(id);
	ck_assert_int_eq(out.id, id);
	ck_assert_int_eq(out.action, VMP_COA_DISCONNECT);
	ck_assert_str_eq(out.reason, "vm-disabled");
	ck_assert_str_eq(out.actor, "policyd");
	ck_assert_uint_eq(out.mac, world_mac(1));
	ck_assert_uint_eq(out.token, 0xffeeddccbbaa9988);
	ck_assert_int_eq(out.past_id, 5);
	ck_assert_str_eq(out.place.nas, "192.0.2.1");
	ck_assert_int_eq(out.place.nas_port, 7);
	ck_assert_str_eq(out.place.nas_port_id, "Gi1/0/7");
	ck_assert_str_eq(out.place.nas_ip, "10.0.0.1");
	ck_assert_str_eq(out.place.nas_identifier, "leaf1");
	ck_assert_str_eq(out.place.user_name, "52-54-00-00-00-01");
	ck_assert_str_eq(out.place.calling_station_id, "5254.0000.0001");
	ck_assert_str_eq(out.place.acct_session_id, "00A1");
	ck_assert_str_eq(out.place.framed_ip, "10.1.0.1");
	ck_assert_int_eq(out.state, VMP_COA_PENDING);
	ck_assert_int_ge(out.created_at, time(NULL) - 5);
	ck_assert_int_eq(out.not_before + out.finished_at + out.attempts + out.error_cause, 0);
	ck_assert_str_eq(out.outcome, "");
	vmp_coa_done(world);
	ck_assert_int_eq(vmp_coa_get(world, id + 1, &out, &world_msg), VMP_ENOENT);
	vmp_coa_done(world);
}
END_TEST

/* A place of which nothing but the NAS is known, as for a test. */
START_TEST(a_place_may_be_bare)
{
	struct vmp_coa_job job = { .action = VMP_COA_TEST, .reason = "administrator", .actor = "uid 0" }, out;

	job.place.nas = "2001:db8::1";
	job.place.nas_port = -1;
	out = get(add(&job));
	ck_assert_str_eq(out.place.user_name, "");
	ck_assert_str_eq(out.actor, "uid 0");
	ck_assert_int_eq(out.place.nas_port, -1);
	vmp_coa_done(world);
}
END_TEST

START_TEST(one_session_has_one_open_job)
{
	struct vmp_coa_job job = job_of(1, "192.0.2.1"), out;
	int64_t id = add(&job), other;

	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW + 60, true, 506, "busy", &world_msg)), VMP_OK);
	scratch_sql("UPDATE coa_job SET created_at = 1");
	job.token = 2;
	job.reason = "administrator";
	job.place.nas_port_id = "Gi1/0/8";
	ck_assert_int_eq(add(&job), id);
	out = get(id);
	ck_assert_uint_eq(out.token, 2);
	ck_assert_str_eq(out.reason, "administrator");
	ck_assert_str_eq(out.place.nas_port_id, "Gi1/0/8");
	ck_assert_int_eq(out.not_before + out.attempts + out.error_cause, 0);
	ck_assert_str_eq(out.outcome, "");
	ck_assert_int_gt(out.created_at, 1);
	vmp_coa_done(world);
	/* Another NAS, another guest, a past session: each is another session. */
	other = add_of(1, "192.0.2.2", VMP_COA_REAUTHENTICATE);
	ck_assert_int_ne(other, id);
	ck_assert_int_ne(add_of(2, "192.0.2.1", VMP_COA_REAUTHENTICATE), id);
	job.past_id = 3;
	ck_assert_int_ne(add(&job), id);
	job.past_id = 0;
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, id, true, 0, "", NOW, &world_msg)), VMP_OK);
	ck_assert_int_gt(add(&job), other);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coa_job"), 5);
}
END_TEST

START_TEST(a_disconnect_is_never_less)
{
	int64_t id = add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE);

	ck_assert_str_eq(stands(id), "pending coa");
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, id, NOW + 10, &world_msg)), VMP_OK);
	/* Acknowledged for this session: its effect is awaited.  For a later one it is asked for again. */
	ck_assert_int_eq(add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE), id);
	ck_assert_str_eq(stands(id), "verify coa");
	scratch_sql("UPDATE coa_job SET token = token + 1");
	ck_assert_int_eq(add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE), id);
	ck_assert_str_eq(stands(id), "pending coa");
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, id, NOW + 10, &world_msg)), VMP_OK);
	ck_assert_int_eq(add_of(1, "192.0.2.1", VMP_COA_DISCONNECT), id);
	ck_assert_str_eq(stands(id), "pending disconnect");
	ck_assert_int_eq(add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE), id);
	ck_assert_str_eq(stands(id), "pending disconnect");
	/* The answer to the CoA of before comes late. */
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, id, NOW + 10, &world_msg)), VMP_OK);
	ck_assert_str_eq(stands(id), "pending disconnect");
}
END_TEST

START_TEST(what_stands_is_not_made_a_matter_of_policy)
{
	static const char *const standing[] = { "administrator", "certificate-revoked", "clone" };
	struct vmp_coa_job job = job_of(_i, "10.0.0.1"), again = job_of(_i, "10.0.0.1");
	int64_t id;

	job.reason = standing[_i];
	job.actor = "alice";
	job.action = VMP_COA_DISCONNECT;
	id = add(&job);
	again.token = 5;
	ck_assert_int_eq(add(&again), id);
	job = get(id);
	ck_assert_str_eq(job.reason, standing[_i]);
	ck_assert_str_eq(job.actor, "alice");
	ck_assert_uint_eq(job.token, 5);
	vmp_coa_done(world);
	again.reason = standing[(_i + 1) % 3];
	ck_assert_int_eq(add(&again), id);
	job = get(id);
	ck_assert_str_eq(job.reason, again.reason);
	vmp_coa_done(world);
}
END_TEST

/* Who asked for a CoA has it with the Disconnect, which is the policy's. */
START_TEST(a_coa_that_was_asked_for_becomes_the_policys_disconnect)
{
	struct vmp_coa_job job = job_of(1, "10.0.0.1");
	int64_t id;

	job.reason = "administrator";
	id = add(&job);
	job.reason = "vm-disabled";
	job.action = VMP_COA_DISCONNECT;
	ck_assert_int_eq(add(&job), id);
	job = get(id);
	ck_assert_str_eq(job.reason, "vm-disabled");
	vmp_coa_done(world);
}
END_TEST

START_TEST(each_test_is_a_job)
{
	struct vmp_coa_job job = { .action = VMP_COA_TEST, .reason = "administrator" };
	int64_t id;

	job.place.nas = "192.0.2.1";
	id = add(&job);
	ck_assert_int_ne(add(&job), id);
	ck_assert_int_eq(WRITE(vmp_coa_escalate(world, id, 0, "", &world_msg)), VMP_OK);
	ck_assert_str_eq(stands(id), "pending test");
}
END_TEST

START_TEST(what_the_schema_refuses_is_said)
{
	struct vmp_coa_job job = job_of(1, "leaf1");

	ck_assert_int_eq(WRITE(vmp_coa_add(world, &job, NULL, &world_msg)), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text,
			 "nas: expected the NAS's IPv4 or IPv6 address in lower case, such as 192.0.2.10");
	job = job_of(1, "192.0.2.1");
	job.mac = 0;
	ck_assert_int_eq(WRITE(vmp_coa_add(world, &job, NULL, &world_msg)), VMP_EINVAL);
	job = job_of(1, NULL);
	ck_assert_int_eq(WRITE(vmp_coa_add(world, &job, NULL, &world_msg)), VMP_EINVAL);
	job = job_of(1, "192.0.2.1");
	job.reason = "";
	ck_assert_int_eq(WRITE(vmp_coa_add(world, &job, NULL, &world_msg)), VMP_EINVAL);
}
END_TEST

START_TEST(jobs_come_due)
{
	int64_t first = add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE);

	add_of(2, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(3, "192.0.2.2", VMP_COA_DISCONNECT);
	add_of(4, "192.0.2.1", VMP_COA_DISCONNECT);
	ck_assert_int_eq(first, 1);
	ck_assert_str_eq(due("192.0.2.1", NOW, 0, 10), "1 2 4 ");
	ck_assert_str_eq(due("192.0.2.1", NOW, 1, 1), "2 ");
	ck_assert_str_eq(due("192.0.2.9", NOW, 0, 10), "");
	ck_assert_int_eq(WRITE(vmp_coa_later(world, 2, NOW + 30, true, 506, "busy", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, 1, NOW + 10, &world_msg)), VMP_OK);
	ck_assert_str_eq(due("192.0.2.1", NOW + 9, 0, 10), "4 ");
	ck_assert_str_eq(due("192.0.2.1", NOW + 10, 0, 10), "1 4 ");
	ck_assert_str_eq(due("192.0.2.1", NOW + 30, 0, 10), "1 2 4 ");
	/* The clock was wrong when they were put off. */
	ck_assert_str_eq(due("192.0.2.1", NOW - 100, 0, 10), "2 4 ");
	ck_assert_str_eq(due("192.0.2.1", NOW - 3600, 0, 10), "1 2 4 ");
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 4, true, 503, "", NOW, &world_msg)), VMP_OK);
	ck_assert_str_eq(due("192.0.2.1", NOW + 30, 0, 10), "1 2 ");
}
END_TEST

START_TEST(a_job_is_put_off)
{
	int64_t id = add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	char longer[500];
	struct vmp_coa_job job;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW + 5, true, 506, "busy", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW + 9, false, 0, longer, &world_msg)), VMP_OK);
	job = get(id);
	ck_assert_int_eq(job.attempts, 1);
	ck_assert_int_eq(job.not_before, NOW + 9);
	ck_assert_uint_eq(job.error_cause, 0);
	ck_assert_uint_eq(strlen(job.outcome), 400);
	vmp_coa_done(world);
	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW, false, 0, NULL, &world_msg)), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT outcome = '' FROM coa_job"), 1);
}
END_TEST

START_TEST(a_coa_without_effect_becomes_a_disconnect)
{
	int64_t id = add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE);
	struct vmp_coa_job job;

	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW, true, 506, "busy", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, id, NOW + 10, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_escalate(world, id, 406, "not authorized anew", &world_msg)), VMP_OK);
	job = get(id);
	ck_assert_int_eq(job.action, VMP_COA_DISCONNECT);
	ck_assert_int_eq(job.state, VMP_COA_PENDING);
	ck_assert_int_eq(job.not_before + job.attempts, 0);
	ck_assert_uint_eq(job.error_cause, 406);
	ck_assert_str_eq(job.outcome, "not authorized anew");
	vmp_coa_done(world);
}
END_TEST

START_TEST(what_is_over_stays_over)
{
	int64_t id = add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE);

	ck_assert_int_eq(WRITE(vmp_coa_finish(world, id, false, 403, "refused", NOW, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, id, true, 0, "", NOW + 1, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_later(world, id, NOW, true, 0, "", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_verify(world, id, NOW, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_escalate(world, id, 0, "", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 99, true, 0, "", NOW, &world_msg)), VMP_OK);
	ck_assert_str_eq(scratch_text("SELECT action || ' ' || state || ' ' || finished_at || ' ' || error_cause || "
				      "' ' || outcome FROM coa_job"),
			 "coa failed 1000000 403 refused");
}
END_TEST

static int on_nas(void *ctx, const char *nas)
{
	say("%s ", nas);
	return ctx ? *(int *)ctx : VMP_OK;
}

static const char *nases(void)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_nas_each(world, on_nas, NULL, &world_msg), VMP_OK);
	return said;
}

START_TEST(nases_with_open_jobs)
{
	int stop = VMP_EACCES;

	ck_assert_str_eq(nases(), "");
	add_of(1, "192.0.2.2", VMP_COA_DISCONNECT);
	add_of(2, "192.0.2.2", VMP_COA_DISCONNECT);
	add_of(3, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(4, "192.0.2.9", VMP_COA_DISCONNECT);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 3, true, 0, "", NOW, &world_msg)), VMP_OK);
	ck_assert_str_eq(nases(), "192.0.2.2 192.0.2.9 ");
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_nas_each(world, on_nas, &stop, &world_msg), VMP_EACCES);
	ck_assert_str_eq(said, "192.0.2.2 ");
}
END_TEST

START_TEST(all_jobs_of_a_nas_end)
{
	struct vmp_coa_job test = { .action = VMP_COA_TEST, .reason = "administrator" };
	int n = -1;

	test.place.nas = "192.0.2.1";
	add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(2, "192.0.2.1", VMP_COA_REAUTHENTICATE);
	add_of(3, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(4, "192.0.2.2", VMP_COA_DISCONNECT);
	add(&test);
	scratch_sql("UPDATE coa_job SET created_at = 100 * id");
	ck_assert_int_eq(WRITE(vmp_coa_finish_nas(world, "192.0.2.1", 200, true, "restarted", NOW, &n, &world_msg)),
			 VMP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .max = 0 }), "3 4 5 ");
	ck_assert_int_eq(WRITE(vmp_coa_finish_nas(world, "192.0.2.1", 900, false, "gave up", NOW, &n, &world_msg)),
			 VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_str_eq(stands(3), "failed disconnect");
	ck_assert_str_eq(stands(5), "pending test");
}
END_TEST

START_TEST(jobs_are_listed_with_filters)
{
	const struct vmp_coa_filter all = { .finished = true };
	int64_t open;
	int stop = VMP_EACCES;

	add_of(1, "192.0.2.2", VMP_COA_DISCONNECT);
	add_of(2, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(3, "192.0.2.2", VMP_COA_DISCONNECT);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 2, true, 0, "", NOW, &world_msg)), VMP_OK);
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .max = 0 }), "1 3 4 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .after = 1, .max = 1 }), "3 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .mac = world_mac(1) }), "1 3 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .mac = world_mac(1), .nas = "192.0.2.1" }), "3 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .nas = "192.0.2.1" }), "3 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .nas = "192.0.2.2", .after = 1 }), "4 ");
	ck_assert_str_eq(listed(all), "1 2 3 4 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .finished = true, .mac = world_mac(2) }), "2 ");
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .finished = true, .nas = "192.0.2.1" }), "2 3 ");
	said[0] = '\0';
	ck_assert_int_eq(vmp_coa_each(world, &all, on_job, &stop, &world_msg), VMP_EACCES);
	ck_assert_str_eq(said, "1 ");
	ck_assert_int_eq(vmp_coa_count(world, &open, &world_msg), VMP_OK);
	ck_assert_int_eq(open, 3);
}
END_TEST

START_TEST(old_jobs_are_forgotten)
{
	int i, n = -1;

	for (i = 1; i <= 5; i++)
		add_of(i, "192.0.2.1", VMP_COA_DISCONNECT);
	for (i = 2; i <= 5; i++)
		ck_assert_int_eq(WRITE(vmp_coa_finish(world, i, true, 0, "", NOW - 10 * i, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_tidy(world, NOW, 25, 2, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 2); /* the oldest */
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .finished = true }), "1 2 3 ");
	ck_assert_int_eq(WRITE(vmp_coa_tidy(world, NOW, 25, 2, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_str_eq(listed((struct vmp_coa_filter){ .finished = true }), "1 2 ");
}
END_TEST

#define INSERT "INSERT INTO coa_job (action, reason, mac, nas, "
#define VALUES ") VALUES ('coa', 'policy', 0x525400000002, '192.0.2.1', "

/* What somebody types into sqlite3, and what it answers; guest 1 has open job 1. */
static const struct {
	const char *sql, *says;
} typed[] = {
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('reboot', 'x', 2, '192.0.2.1')", "action: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 0, '192.0.2.1')", "mac: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('test', 'x', 2, '192.0.2.1')", "mac: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 0x010000000000, '192.0.2.1')",
	  "mac: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', '52:54:00:00:00:01', '192.0.2.1')",
	  "mac: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 2, 'leaf1')", "nas: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 2, '2001:DB8::1')", "nas: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', '', 2, '192.0.2.1')", "reason: expected" },
	{ "INSERT INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 0x525400000001, '192.0.2.1')",
	  "this session has an open job" },
	{ "REPLACE INTO coa_job (action, reason, mac, nas) VALUES ('coa', 'x', 0x525400000001, '192.0.2.1')",
	  "this session has an open job" },
	{ "REPLACE INTO coa_job (id, action, reason, mac, nas) VALUES (1, 'coa', 'x', 2, '192.0.2.1')",
	  "id: a job with this id exists" },
	{ INSERT "actor" VALUES "'')", "actor: expected" },
	{ INSERT "token" VALUES "'x')", "token: expected" },
	{ INSERT "past_id" VALUES "-1)", "past_id: expected" },
	{ INSERT "nas_port" VALUES "-2)", "nas_port: expected" },
	{ INSERT "nas_port_id" VALUES "x'00')", "nas_port_id: expected" },
	{ INSERT "nas_ip" VALUES "printf('%046d', 0))", "nas_ip: expected" },
	{ INSERT "nas_identifier" VALUES "printf('%0254d', 0))", "nas_identifier: expected" },
	{ INSERT "user_name" VALUES "printf('%0254d', 0))", "user_name: expected" },
	{ INSERT "calling_station_id" VALUES "printf('%0254d', 0))", "calling_station_id: expected" },
	{ INSERT "acct_session_id" VALUES "printf('%0254d', 0))", "acct_session_id: expected" },
	{ INSERT "framed_ip" VALUES "printf('%046d', 0))", "framed_ip: expected" },
	{ INSERT "created_at" VALUES "'now')", "created_at: expected" },
	{ INSERT "state" VALUES "'open')", "state: expected pending, verify, done or failed" },
	{ INSERT "state" VALUES "'done')", "finished_at: expected" },
	{ INSERT "finished_at" VALUES "1)", "finished_at: expected" },
	{ INSERT "attempts" VALUES "-1)", "attempts: expected" },
	{ INSERT "not_before" VALUES "'soon')", "not_before: expected" },
	{ INSERT "error_cause" VALUES "-1)", "error_cause: expected" },
	{ INSERT "outcome" VALUES "printf('%0401d', 0))", "outcome: expected" },
	{ "UPDATE coa_job SET action = 'disconnect', state = 'verify'", "state: expected verify for a coa alone" },
	{ "UPDATE coa_job SET action = 'test'", "mac: expected" },
	{ "UPDATE coa_job SET mac = 2", "it stays with its NAS and session" },
	{ "UPDATE coa_job SET nas = '192.0.2.9'", "it stays with its NAS and session" },
	{ "UPDATE coa_job SET state = 'done'", "finished_at: expected" },
};

START_TEST(nonsense_is_refused)
{
	add_of(1, "192.0.2.1", VMP_COA_REAUTHENTICATE);
	scratch_refused(typed[_i].sql, typed[_i].says);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coa_job WHERE mac = 0x525400000001"), 1);
}
END_TEST

START_TEST(a_failed_job_is_tried_again_by_hand)
{
	static const char again[] = "UPDATE coa_job SET state = 'pending', finished_at = NULL WHERE id = 1";

	add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 1, false, 0, "gave up", NOW, &world_msg)), VMP_OK);
	add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	scratch_refused(again, "finished_at: this session has another open job by now");
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 2, false, 0, "gave up", NOW, &world_msg)), VMP_OK);
	scratch_sql(again);
	ck_assert_str_eq(due("192.0.2.1", NOW, 0, 10), "1 ");
}
END_TEST

static void on_finding(void *ctx, const struct vmp_finding *f)
{
	(void)ctx;
	if (strncmp(f->check, "CoA ", 4) == 0 && f->count)
		say("%s: %s; ", f->check, f->examples);
}

static const char *doctor(void)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_examine(world, on_finding, NULL, &world_msg), VMP_OK);
	return said;
}

START_TEST(the_doctor_names_the_nas)
{
	scratch_sql("INSERT INTO nas (name, address) VALUES ('leaf1', '192.0.2.1')");
	add_of(1, "192.0.2.1", VMP_COA_DISCONNECT);
	add_of(2, "192.0.2.2", VMP_COA_DISCONNECT);
	scratch_sql("INSERT INTO coa_scan (kind, ref, not_before) VALUES ('coi', 1, strftime('%s', 'now'))");
	ck_assert_str_eq(doctor(), "");
	scratch_sql("UPDATE coa_job SET created_at = created_at - 90000; UPDATE coa_scan SET not_before = 1");
	ck_assert_str_eq(doctor(), "CoA waiting: leaf1, 192.0.2.2; CoA comparisons: web; ");
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 1, false, 0, "", time(NULL), &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_coa_finish(world, 2, false, 0, "", NOW, &world_msg)), VMP_OK);
	scratch_sql("DELETE FROM coa_scan");
	ck_assert_str_eq(doctor(), "CoA failed: leaf1; ");
}
END_TEST

static TCase *jobs(void)
{
	TCase *t = tcase_create("jobs");

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_add_test(t, a_job_is_read_as_it_was_added);
	tcase_add_test(t, a_place_may_be_bare);
	tcase_add_test(t, one_session_has_one_open_job);
	tcase_add_test(t, a_disconnect_is_never_less);
	tcase_add_loop_test(t, what_stands_is_not_made_a_matter_of_policy, 0, 3);
	tcase_add_test(t, a_coa_that_was_asked_for_becomes_the_policys_disconnect);
	tcase_add_test(t, each_test_is_a_job);
	tcase_add_test(t, what_the_schema_refuses_is_said);
	tcase_add_test(t, jobs_come_due);
	tcase_add_test(t, a_job_is_put_off);
	tcase_add_test(t, a_coa_without_effect_becomes_a_disconnect);
	tcase_add_test(t, what_is_over_stays_over);
	tcase_add_test(t, nases_with_open_jobs);
	tcase_add_test(t, all_jobs_of_a_nas_end);
	tcase_add_test(t, jobs_are_listed_with_filters);
	tcase_add_test(t, old_jobs_are_forgotten);
	return t;
}

Suite *check_store_coa(void)
{
	Suite *s = suite_create("store_coa");
	TCase *t = tcase_create("typed");

	suite_add_tcase(s, jobs());
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_add_loop_test(t, nonsense_is_refused, 0, sizeof(typed) / sizeof(typed[0]));
	tcase_add_test(t, a_failed_job_is_tried_again_by_hand);
	tcase_add_test(t, the_doctor_names_the_nas);
	return s;
}
