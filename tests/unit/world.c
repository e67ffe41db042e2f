#include "world.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

struct vmp_store *world;
struct vmp_clock world_clock;
struct vmp_msg world_msg;
struct vmp_join world_join;
struct vmp_enrolment world_enrolment;

void world_setup(void)
{
	scratch_setup();
	scratch_sql("INSERT INTO tenant (name) VALUES ('acme'); INSERT INTO enclave (name) VALUES ('east');"
		    "INSERT INTO coi (name, tenant_id) VALUES ('web', NULL), ('app', NULL), ('gold', 2);"
		    "INSERT INTO host (name, cert_name) VALUES ('hv1', 'hv1.example.org'), ('hv2', NULL);"
		    "INSERT INTO template (name, auto_create, gateway, licence_product) VALUES ('web', 1, '10.0.0.1', "
		    "'os');"
		    "INSERT INTO template (name, tenant_id, enclave_id, cert_life_s) VALUES ('gold', 2, 2, 600);"
		    "INSERT INTO template (name, kind, auto_create) VALUES ('gw', 'gateway', 1);"
		    "INSERT INTO template_coi VALUES (1, 1), (2, 3), (3, 1)");
	ck_assert_msg(vmp_store_open(&world, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 1000, &world_msg) ==
			      VMP_OK,
		      "%s", world_msg.text);
	vmp_clock_read(&world_clock);
}

void world_teardown(void)
{
	vmp_store_close(world);
	scratch_teardown();
}

void world_begin(void)
{
	ck_assert_msg(vmp_store_begin(world, &world_msg) == VMP_OK, "%s", world_msg.text);
}

int world_end(int err)
{
	if (err == VMP_OK)
		ck_assert_msg(vmp_store_commit(world, &world_msg) == VMP_OK, "%s", world_msg.text);
	vmp_store_rollback(world);
	return err;
}

uint64_t world_mac(int n)
{
	return 0x525400000000 + (unsigned)n;
}

/* Texts and octets that several calls need at once. */
#define ROTATE(type, size)                                                                                             \
	static type rooms[4][size];                                                                                    \
	static unsigned at;                                                                                            \
	type *room = rooms[at++ % 4]

const char *world_uuid(int n)
{
	ROTATE(char, 80);

	snprintf(room, sizeof(rooms[0]), "6ba7b810-9dad-41d1-80b4-0000%08x", (unsigned)n);
	return room;
}

const uint8_t *world_32(int n)
{
	ROTATE(uint8_t, 32);

	memset(room, n, sizeof(rooms[0]));
	return room;
}

const uint8_t *world_serial(int n)
{
	ROTATE(uint8_t, VMP_SERIAL);

	memset(room, 1, sizeof(rooms[0]));
	room[VMP_SERIAL - 1] = (uint8_t)n;
	return room;
}

const char *world_hex(int n)
{
	ROTATE(char, 2 * VMP_SERIAL + 1);

	vmp_hex(world_serial(n), VMP_SERIAL, room);
	return room;
}

const char *world_key(int n)
{
	ROTATE(char, 64);

	snprintf(room, sizeof(rooms[0]), "%042dA=", n);
	return room;
}

int world_start(int n, const char *template_name, int64_t host)
{
	const struct vmp_start start = {
		.uuid = world_uuid(n), .mac = world_mac(n), .template_name = template_name, .host_id = host
	};

	return WRITE(vmp_store_guest_start(world, &start, &world_clock, 600, world_32(n), &world_join, &world_msg));
}

int world_enrol(int token, int key, int serial)
{
	struct vmp_cert_row row = { .subject = "guest", .der = world_serial(serial), .der_len = VMP_SERIAL };
	int err = vmp_store_token_check(world, world_32(token), &world_clock, NULL, world_32(key), &world_enrolment,
					&world_msg);

	if (err != VMP_OK || world_enrolment.done)
		return err;
	row.who = world_enrolment.who;
	memcpy(row.who.serial, world_serial(serial), VMP_SERIAL);
	row.who.not_before = row.issued_at = world_clock.now;
	row.who.not_after = world_clock.now + 3600;
	memcpy(row.key_digest, world_32(key), VMP_DIGEST);
	return WRITE(vmp_store_enrol(world, &world_enrolment, &row, &world_clock, &world_msg));
}

int world_identify(int serial, struct vmp_identity *who)
{
	return WRITE(vmp_store_identify(world, world_serial(serial), world_clock.now, who, &world_msg));
}

void world_guest(int n, const char *template_name)
{
	struct vmp_identity who;

	ck_assert_msg(world_start(n, template_name, 1) == VMP_OK, "%s", world_msg.text);
	ck_assert_msg(world_enrol(n, n, n) == VMP_OK, "%s", world_msg.text);
	ck_assert_msg(world_identify(n, &who) == VMP_OK, "%s", world_msg.text);
	ck_assert_msg(WRITE(vmp_store_guest_self(world, world_mac(n), world_key(n), "192.0.2.1:51820", &world_msg)) ==
			      VMP_OK,
		      "%s", world_msg.text);
}
