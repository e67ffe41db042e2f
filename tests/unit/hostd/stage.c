#include "stage.h"
#include "../clock_stub.h"
#include "../folder.h"
#include "cidata.h"
#include "events.h"
#include "identity_tls.h"
#include "log.h"
#include "loop.h"
#include "passwords.h"
#include "report.h"
#include "source.h"
#include "stage_net.h"
#include "warden.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORTS	   256
#define TURNS	   200000 /* of the loop without time passing far: it spins */
#define FIRST_LINK 10

struct loop loop;

static struct config config;
static bool credentials;

/* -- policyd ------------------------------------------------------------------------------------ */
struct asked {
	char uuid[VMP_UUID_TEXT];
	report_fn done;
	void *ctx;
};

static struct {
	struct asked asked[REPORTS];
	unsigned n_asked, attached;
	bool known[STAGE_GUESTS + 1];
	char told[65536], given[65536];
	char prepared[VMP_MSG_MAX];
	int open; /* hooks that wait */
} policyd;

static int number_of(const char *uuid)
{
	return (int)strtol(uuid + 24, NULL, 10);
}

static void tell(const char *what, const char *uuid)
{
	size_t n = strlen(policyd.told);

	snprintf(policyd.told + n, sizeof(policyd.told) - n, "%s %d, ", what, number_of(uuid));
}

void report_starting(const struct guest_info *guest, report_fn done, void *ctx)
{
	struct asked *a = &policyd.asked[policyd.n_asked++];

	ck_assert_uint_lt(policyd.n_asked, REPORTS);
	memcpy(a->uuid, guest->uuid, sizeof(a->uuid));
	a->done = done;
	a->ctx = ctx;
	tell("starting", guest->uuid);
}

void report_stopped(const char *uuid)
{
	policyd.known[number_of(uuid)] = false;
	tell("stopped", uuid);
}

void report_left(const char *uuid)
{
	policyd.known[number_of(uuid)] = false;
	tell("left", uuid);
}

static void drop(unsigned i)
{
	policyd.n_asked--;
	memmove(&policyd.asked[i], &policyd.asked[i + 1], (policyd.n_asked - i) * sizeof(policyd.asked[0]));
}

void report_forget(void *ctx)
{
	unsigned i = 0;

	while (i < policyd.n_asked) {
		if (policyd.asked[i].ctx == ctx)
			drop(i);
		else
			i++;
	}
}

bool report_is_known(const char *uuid)
{
	return policyd.known[number_of(uuid)];
}

void report_reconcile(enum guest_source source, bool (*is_running)(const char *uuid))
{
	int n;

	(void)source;
	for (n = 1; n <= STAGE_GUESTS; n++) {
		if (policyd.known[n] && !is_running(stage_uuid(n)))
			report_stopped(stage_uuid(n));
	}
}

void stage_answer(int err, const char *why)
{
	struct asked a = policyd.asked[0];

	ck_assert_uint_gt(policyd.n_asked, 0);
	drop(0);
	policyd.known[number_of(a.uuid)] |= err == VMP_OK;
	a.done(a.ctx, err, err == VMP_OK ? "bundle" : NULL, why);
	stage_pass(0);
}

unsigned stage_asked(void)
{
	return policyd.n_asked;
}

const char *stage_told(void)
{
	memcpy(policyd.given, policyd.told, sizeof(policyd.given));
	policyd.told[0] = '\0';
	return policyd.given;
}

void stage_known(int n)
{
	policyd.known[n] = true;
}

/* -- volumes, the identity, libvirt ------------------------------------------------------------- */
void cidata_path(const char *uuid, char out[256])
{
	char name[64];

	snprintf(name, sizeof(name), "%s.iso", uuid);
	snprintf(out, 256, "%s", folder_path(name));
}

int cidata_write(const char *path, const struct guest_info *guest, const char *bundle, struct vmp_msg *msg)
{
	(void)guest;
	(void)msg;
	folder_write(strrchr(path, '/') + 1, bundle ? bundle : "nothing", 0640);
	return VMP_OK;
}

const char *stage_volume(int n)
{
	char name[64];
	const char *text;

	snprintf(name, sizeof(name), "%s.iso", stage_uuid(n));
	text = folder_read(name);
	return text ? text : "none";
}

struct vmp_tls_identity *identity_tls(void)
{
	return NULL;
}

size_t passwords_find(uint64_t mac, char out[PASSWORD_MAX])
{
	(void)mac;
	strcpy(out, "secret");
	return credentials ? strlen(out) : 0;
}

void stage_credentials(bool there)
{
	credentials = there;
	if (there)
		uplinks_identity_changed();
	stage_pass(0);
}

void source_libvirt_attach(const char *uuid, const char *path)
{
	(void)uuid;
	(void)path;
	policyd.attached++;
}

unsigned stage_attached(void)
{
	return policyd.attached;
}

/* -- guests ------------------------------------------------------------------------------------- */
uint64_t stage_mac(int n)
{
	return n ? 0x525400000000 + (uint64_t)n : 0x020000000100;
}

const char *stage_uuid(int n)
{
	static char text[16][VMP_UUID_TEXT];
	static unsigned at;
	char *out = text[at++ % 16];

	snprintf(out, VMP_UUID_TEXT, "00000000-0000-4000-8000-%012d", n);
	return out;
}

struct guest_info stage_info(int n)
{
	struct guest_info info = { .source = GUEST_LIBVIRT, .n_nic = 1 };

	snprintf(info.uuid, sizeof(info.uuid), "%s", stage_uuid(n));
	snprintf(info.name, sizeof(info.name), "g%d", n);
	cidata_path(info.uuid, info.cidata);
	info.nic[0].mac = stage_mac(n);
	strcpy(info.nic[0].bridge, "br0");
	return info;
}

void stage_tell(int n, enum guest_arrival how)
{
	struct guest_info info = stage_info(n);

	guest_present(&info, how);
	stage_pass(0);
}

void stage_gone(int n, enum guest_departure how)
{
	guest_gone(GUEST_LIBVIRT, stage_uuid(n), how);
	stage_pass(0);
}

static void prepared(void *ctx, int err, const char *why)
{
	(void)ctx;
	policyd.open--;
	ck_assert_int_ge(policyd.open, 0);
	snprintf(policyd.prepared, sizeof(policyd.prepared), "%s", err == VMP_OK ? "good" : why);
}

void stage_prepare(const struct guest_info *info)
{
	policyd.open++;
	policyd.prepared[0] = '\0';
	guest_prepare(info, prepared, NULL);
	stage_pass(0);
}

const char *stage_prepared(void)
{
	return policyd.prepared;
}

struct guest *stage_guest(int n)
{
	return guest_find(stage_uuid(n));
}

struct nic *stage_nic(int n)
{
	struct guest *g = stage_guest(n);

	return g ? g->nic[0] : NULL;
}

const char *stage_word(int n)
{
	return stage_nic(n) ? nic_word(stage_nic(n)) : "none";
}

/* -- time --------------------------------------------------------------------------------------- */
void stage_pass(uint64_t ms)
{
	uint64_t end = stub_now_us + ms * 1000;
	int turns = 0;

	do {
		stage_net_carry();
		ck_assert_int_lt(turns++, TURNS);
	} while (events_turn(end) || stage_net_busy());
	stub_now_us = end;
}

uint64_t stage_now(void)
{
	return stub_now_us / 1000;
}

/* -- setting up --------------------------------------------------------------------------------- */
static void preset(void)
{
	static const char *const names[STAGE_UPLINKS] = { "up0", "up1" };
	int i;

	memset(&config, 0, sizeof(config));
	strcpy(config.methods, "md5");
	strcpy(config.eap_identity, "%m");
	strcpy(config.on_stop, "leave");
	strcpy(config.authenticate, "resume");
	strcpy(config.policyd_url, "https://policyd");
	config.eapol_version = 2;
	config.start_period = 3;
	config.max_start = 5;
	config.auth_period = 30;
	config.held_period = 10;
	config.held_max = 600;
	config.silent_period = 30;
	config.reauth_period = 3600;
	config.jitter = 25;
	config.fence = config.cidata = config.libvirt = true;
	config.n_uplink = STAGE_UPLINKS;
	for (i = 0; i < STAGE_UPLINKS; i++) {
		strcpy(config.uplink[i].name, names[i]);
		strcpy(config.uplink[i].replies, "unicast");
		config.uplink[i].window = 4;
		config.uplink[i].rate = 100;
	}
}

struct config *stage_config(void)
{
	return &config;
}

static void begin(void)
{
	struct vmp_msg msg;

	loop.config = &config;
	loop.stopping = false;
	ck_assert_int_eq(nics_init(&config, &msg), VMP_OK);
	ck_assert_int_eq(uplinks_init(&config, &msg), VMP_OK);
	guests_init();
	stage_net_tell();
	stage_pass(0);
}

static void end(void)
{
	loop.stopping = true;
	loop.logoff = strcmp(config.on_stop, "logoff") == 0;
	loop.logoff = strcmp(config.on_stop, "logoff") == 0;
	guests_free();
	uplinks_free();
	stage_net_carry();
	ck_assert_uint_eq(events_count(), 0);
	ck_assert_uint_eq(policyd.n_asked, 0);
	ck_assert_int_eq(policyd.open, 0);
}

void stage_setup(void)
{
	folder_setup();
	vmp_log_setup("unit-hostd", VMP_LOG_ERROR);
	stage_quiet(true);
	memset(&policyd, 0, sizeof(policyd));
	stub_now_us = 1000000000;
	credentials = true;
	preset();
	stage_net_setup();
	begin();
}

void stage_teardown(void)
{
	stage_parent_away(false);
	stage_pass(0);
	end();
	stage_net_teardown();
	stage_quiet(false);
	folder_teardown();
}

void stage_restart(void)
{
	stage_parent_away(false);
	stage_pass(0);
	end();
	begin();
}

/* -- what must hold ----------------------------------------------------------------------------- */
static void check_nic_now(void *ctx, struct nic *nic)
{
	unsigned *slots = ctx;

	*slots += nic->slot;
	ck_assert(!nic->queued || nic->stage == NIC_WAITING);
	ck_assert(nic->stage != NIC_RUNNING || nic->supplicant);
	ck_assert(!nic->held_by_operator || nic->stage == NIC_IDLE);
	ck_assert(!nic->guest || guest_find(nic->guest->info.uuid) == nic->guest);
}

void stage_check(void)
{
	struct uplink *u;
	struct nic *nic;
	unsigned slots, queued;
	int i, q;

	for (i = 0; (u = uplink_at(i)); i++) {
		slots = queued = 0;
		uplink_each_nic(u, check_nic_now, &slots);
		ck_assert_uint_eq(slots, u->n_running);
		for (q = 0; q < NIC_URGENCIES; q++) {
			for (nic = u->queue[q]; nic; nic = nic->queue_next) {
				ck_assert(nic->queued && nic->uplink == u);
				queued++;
			}
		}
		ck_assert_uint_eq(queued, u->n_queued);
	}
}
