/* Other machines' ends: real pairs on real sockets. */
#include "endpoint.h"
#include "member_parts.h"
#include "pki.h"
#include "stage_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- what it is --------------------------------------------------------------------------------------------------- */

void machine_cois(struct machine *m, const char *cois)
{
	m->told.n_coi = 0;
	for (; *cois; cois++) {
		struct directory_coi *coi = &m->told.coi[m->told.n_coi++];

		memset(coi, 0, sizeof(*coi));
		coi->id = (uint64_t)(*cois - '0');
		snprintf(coi->name, sizeof(coi->name), "c%c", *cois);
		coi->priority = (uint32_t)coi->id;
		coi->epoch = 1;
		coi->members = 2;
	}
}

static int listener(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

struct machine *machine_add(const char *name, const char *cois)
{
	unsigned n = (unsigned)stage.n_machine + 1;
	struct machine *m = &stage.machine[stage.n_machine++];
	char text[64];

	ck_assert_uint_le(n, STAGE_MEMBERS);
	memset(m, 0, sizeof(*m));
	snprintf(m->told.name, sizeof(m->told.name), "%s", name);
	snprintf(m->told.id, sizeof(m->told.id), "000000%02x-0000-0000-0000-000000000000", n);
	m->told.uuid[3] = (uint8_t)n;
	ck_assert_int_eq(vmp_coi_private_new(m->private_key), VMP_OK);
	ck_assert_int_eq(vmp_coi_public(m->private_key, m->told.key), VMP_OK);
	snprintf(text, sizeof(text), "fd00::%x", n);
	ck_assert_int_eq(prefix_read(text, &m->told.inner6, NULL), VMP_OK);
	snprintf(text, sizeof(text), "10.64.0.%u", n);
	ck_assert_int_eq(prefix_read(text, &m->told.inner4, NULL), VMP_OK);
	ck_assert_int_eq(endpoint_read("127.0.0.1", (uint16_t)(STAGE_PORT + 10 * n), &m->told.endpoint, NULL), VMP_OK);
	machine_cois(m, cois);
	m->fd = listener((uint16_t)(STAGE_PORT + 10 * n + 1));
	return m;
}

const char *machine_name(const uint8_t key[VMP_COI_SECRET])
{
	size_t i;

	for (i = 0; i < stage.n_machine; i++) {
		if (memcmp(stage.machine[i].told.key, key, VMP_COI_SECRET) == 0)
			return stage.machine[i].told.name;
	}
	return "stranger";
}

struct stage_peer *machine_wg(const struct machine *m)
{
	size_t i;

	for (i = 0; i < stage.n_wg; i++) {
		if (memcmp(stage.wg[i].key, m->told.key, VMP_COI_SECRET) == 0)
			return &stage.wg[i];
	}
	return NULL;
}

bool machine_agreed(const struct machine *m)
{
	const struct stage_peer *wg = machine_wg(m);

	return wg && m->is_peer && m->is_ready && memcmp(wg->psk, m->psk, sizeof(m->psk)) == 0;
}

void machine_other_key(struct machine *m, bool we_lead)
{
	do {
		ck_assert_int_eq(vmp_coi_private_new(m->private_key), VMP_OK);
		ck_assert_int_eq(vmp_coi_public(m->private_key, m->told.key), VMP_OK);
	} while ((memcmp(member.public_key, m->told.key, VMP_COI_SECRET) < 0) != we_lead);
}

/* -- its end of the pair ------------------------------------------------------------------------------------------ */

void machine_says(struct machine *m, const void *data, size_t len)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(STAGE_PORT + 1),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };

	if (!m->mute)
		ck_assert_int_eq(sendto(m->fd, data, len, 0, (struct sockaddr *)&in, sizeof(in)), (ssize_t)len);
}

static void call_send(void *ctx, const uint8_t *data, size_t len)
{
	struct machine *m = ctx;

	memcpy(m->said, data, len);
	m->said_len = len;
	machine_says(m, data, len);
}

static void call_install(void *ctx, const uint8_t psk[VMP_COI_SECRET])
{
	struct machine *m = ctx;

	m->is_peer = true;
	memcpy(m->psk, psk, sizeof(m->psk));
}

static void call_ready(void *ctx)
{
	((struct machine *)ctx)->is_ready = true;
}

static void call_remove(void *ctx)
{
	struct machine *m = ctx;

	m->is_peer = m->is_ready = false;
}

static int call_random(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	return vmp_random(out, len);
}

/* The keys that it has are ours of its COIs. */
void machine_keys(struct machine *m)
{
	struct vmp_coi_live live[VMP_COI_LIVE_MAX];
	struct vmp_msg msg;
	size_t n = 0, i, k;

	for (i = 0; i < m->told.n_coi; i++) {
		for (k = 0; k < stage.n_key; k++) {
			if (strcmp(stage.key[k].coi, m->told.coi[i].name) == 0)
				live[n++] = (struct vmp_coi_live){ m->told.coi[i].id, stage.key[k].epoch,
								   stage.key[k].current, stage.key[k].key };
		}
	}
	ck_assert_int_eq(vmp_coi_pair_keys(m->pair, live, n, n ? m->told.coi[0].id : 0, stage_clock(), &msg), VMP_OK);
}

void machine_join(struct machine *m, bool installed)
{
	static const struct vmp_coi_calls calls = { call_send, call_install, call_ready, call_remove, call_random };
	struct vmp_coi_ends ends;
	struct vmp_msg msg;
	bool leads;

	vmp_coi_pair_free(m->pair);
	m->is_peer = m->is_ready = installed;
	ck_assert_int_eq(
		vmp_coi_ends_set(&ends, &leads, m->told.uuid, m->private_key, stage.self.uuid, member.public_key, &msg),
		VMP_OK);
	m->pair = vmp_coi_pair_new(&ends, leads, installed, &calls, m);
	ck_assert_ptr_nonnull(m->pair);
	machine_keys(m);
}

void machine_need(struct machine *m)
{
	vmp_coi_pair_need(m->pair, stage_clock());
}

static void take(struct machine *m, const uint8_t *data, size_t len)
{
	struct vmp_coi_message head;
	struct vmp_msg msg;
	bool fresh;
	int err;

	m->octets += len == 1 && data[0] == 0xff;
	if (vmp_coi_peek(data, len, &head, &msg) != VMP_OK)
		return;
	m->received++;
	m->byes += head.type == VMP_COI_BYE;
	if (!m->pair || m->deaf || memcmp(head.to, m->told.uuid, VMP_COI_ID) != 0)
		return;
	err = vmp_coi_pair_message(m->pair, data, len, stage_clock(), &fresh, &msg);
	ck_assert_msg(err == VMP_OK || err == VMP_ENOENT || err == VMP_EACCES, "%s", msg.text);
}

void machine_turn(struct machine *m)
{
	uint8_t data[VMP_COI_MESSAGE];
	socklen_t from_len = sizeof(m->from);
	ssize_t len;

	while ((len = recvfrom(m->fd, data, sizeof(data), 0, &m->from.sa, &from_len)) >= 0)
		take(m, data, (size_t)len);
	if (m->pair && vmp_coi_pair_next(m->pair) <= stage_clock())
		vmp_coi_pair_tick(m->pair, stage_clock());
}

void machine_close(struct machine *m)
{
	vmp_coi_pair_free(m->pair);
	close(m->fd);
}
