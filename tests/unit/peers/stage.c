#include "stage.h"
#include "../folder.h"
#include "log.h"
#include "stage_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage stage;

/* -- what is done ------------------------------------------------------------------------------------------------- */

const char *stage_done(void)
{
	static char done[sizeof(stage.trace)];

	memcpy(done, stage.trace, sizeof(done));
	*stage.trace = '\0';
	return done;
}

void stage_trace(const char *format, ...)
{
	size_t len = strlen(stage.trace);
	va_list args;

	va_start(args, format);
	vsnprintf(stage.trace + len, sizeof(stage.trace) - len, format, args);
	va_end(args);
}

bool done_before(const char *done, const char *first, const char *second)
{
	const char *a = strstr(done, first), *b = a ? strstr(a, second) : NULL;

	return b && strstr(done, second) == b;
}

/* -- its life ----------------------------------------------------------------------------------------------------- */

static void changed(void *ctx)
{
	(void)ctx;
	stage.told++;
}

static void failed(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	stage.failed++;
}

static struct prefix address(const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_read(text, &prefix, NULL), VMP_OK);
	return prefix;
}

void stage_setup(void)
{
	folder_setup();
	vmp_log_setup("unit-peers", VMP_LOG_ERROR);
	memset(&stage, 0, sizeof(stage));
	stage_clock_begin();
	stage.base = event_base_new();
	ck_assert_ptr_nonnull(stage.base);
	stage.settings = (struct member_settings){ .policyd = { .url = "https://127.0.0.1:1" },
						   .state = folder_path(NULL),
						   .interface = "vmprov0",
						   .engine = "auto",
						   .program = "wireguard-go",
						   .port = STAGE_PORT,
						   .endpoint = "127.0.0.1",
						   .table = STAGE_TABLE,
						   .idle_s = 600,
						   .most = 100,
						   .hosts = "hosts",
						   .suffix = ".coi",
						   .changed = changed,
						   .failed = failed };
	memset(stage.self.uuid, 0x80, sizeof(stage.self.uuid));
	snprintf(stage.self.id, sizeof(stage.self.id), "80808080-8080-8080-8080-808080808080");
	snprintf(stage.self.name, sizeof(stage.self.name), "self");
	stage.self.inner6 = address("fd00::80");
	stage.self.inner4 = address("10.64.0.80");
	stage.self.inner6_site = address("fd00::/64");
	stage.self.inner4_site = address("10.64.0.0/10");
}

void stage_teardown(void)
{
	size_t i;

	member_free(true);
	for (i = 0; i < stage.n_machine; i++)
		machine_close(&stage.machine[i]);
	event_base_free(stage.base);
	folder_teardown();
}

/* -- policyd ------------------------------------------------------------------------------------------------------ */

void stage_begin(void)
{
	struct vmp_msg msg = { "" };

	ck_assert_msg(member_new(stage.base, &stage.settings, &msg) == VMP_OK, "%s", msg.text);
	member_go();
}

void stage_key(const char *coi, uint32_t epoch)
{
	struct keys_one *one = &stage.key[stage.n_key];
	size_t i;

	for (i = 0; i < stage.n_key; i++) {
		if (strcmp(stage.key[i].coi, coi) == 0)
			stage.key[i].current = false;
	}
	memset(one, 0, sizeof(*one));
	snprintf(one->coi, sizeof(one->coi), "%s", coi);
	one->epoch = epoch;
	one->current = true;
	memset(one->key, (int)epoch * 16 + coi[1], sizeof(one->key));
	stage.n_key++;
}

static void one_told(struct machine *m, const struct directory_calls *calls)
{
	ck_assert_int_eq(calls->peer(NULL, &m->told), VMP_OK);
}

void stage_tell(bool full, struct machine *m, ...)
{
	const struct directory_calls *calls = stage_directory_calls();
	va_list args;

	ck_assert_int_eq(calls->begin(NULL, full), VMP_OK);
	va_start(args, m);
	for (; m; m = va_arg(args, struct machine *))
		one_told(m, calls);
	va_end(args);
	ck_assert_int_eq(calls->end(NULL), VMP_OK);
}

void stage_gone(const char *id)
{
	const struct directory_calls *calls = stage_directory_calls();

	ck_assert_int_eq(calls->begin(NULL, false), VMP_OK);
	ck_assert_int_eq(calls->gone(NULL, id), VMP_OK);
	stage_trace("end of gone\n");
	ck_assert_int_eq(calls->end(NULL), VMP_OK);
}

void stage_up(void)
{
	static const char *const cois[] = { "c1", "c2", "c3", "c4" };
	const struct directory_calls *calls;
	size_t i;

	stage_begin();
	for (i = 0; i < 4; i++)
		stage_key(cois[i], 1);
	stage_registered();
	stage_keys_come();
	calls = stage_directory_calls();
	ck_assert_int_eq(calls->begin(NULL, true), VMP_OK);
	for (i = 0; i < stage.n_machine; i++) {
		one_told(&stage.machine[i], calls);
		machine_join(&stage.machine[i], false);
	}
	ck_assert_int_eq(calls->end(NULL), VMP_OK);
	stage_done();
}

/* -- time --------------------------------------------------------------------------------------------------------- */

#define STEP 10 /* [ms] */

static void turn(void)
{
	size_t i;

	event_base_loop(stage.base, EVLOOP_NONBLOCK);
	for (i = 0; i < stage.n_machine; i++)
		machine_turn(&stage.machine[i]);
	event_base_loop(stage.base, EVLOOP_NONBLOCK);
}

void stage_run(unsigned ms)
{
	unsigned at;

	turn();
	for (at = 0; at < ms; at += STEP) {
		stage_clock_add(STEP);
		turn();
	}
}

void stage_until(bool (*is)(const struct machine *m), const struct machine *m, unsigned seconds)
{
	unsigned at;

	turn();
	for (at = 0; at < seconds * 1000 && !is(m); at += STEP) {
		stage_clock_add(STEP);
		turn();
	}
	ck_assert_msg(is(m), "not within %u seconds", seconds);
}
