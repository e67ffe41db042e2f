#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int revoke(const char *which, int reason, int *n)
{
	return WRITE(vmp_store_cert_revoke(world, which, reason, "vmprov root", world_clock.now, n, &world_msg));
}

/* -- identities --------------------------------------------------------------------------------- */

START_TEST(whom_a_certificate_stands_for)
{
	struct vmp_identity who;

	ck_assert_int_eq(world_identify(1, &who), VMP_ENOENT);
	scratch_sql("INSERT INTO vm (mac, name, tenant_id, enclave_id) VALUES (0x525400000001, 'one', 2, 2)");
	ck_assert_int_eq(world_start(1, "gold", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(who.kind, VMP_CERT_VM);
	ck_assert_mem_eq(who.serial, world_serial(1), VMP_SERIAL);
	ck_assert_uint_eq(who.mac, world_mac(1));
	ck_assert_str_eq(who.uuid, world_uuid(1));
	ck_assert_int_eq(who.host_id, 0);
	ck_assert_str_eq(who.name, "one");
	ck_assert_str_eq(who.dns, "");
	ck_assert_str_eq(who.template_name, "gold");
	ck_assert_int_eq(who.life_s, 600);
	ck_assert_int_eq(who.not_after, world_clock.now + 3600);
}
END_TEST

/* What is typed, and why the certificate is no good then. */
static const struct {
	const char *sql, *says;
} bad[] = {
	{ "UPDATE vm SET enabled = 0", "vm 52:54:00:00:00:01: disabled" },
	{ "UPDATE vm SET not_after = 5", "vm 52:54:00:00:00:01: expired" },
	{ "UPDATE vm SET not_before = 4102444800", "vm 52:54:00:00:00:01: not valid yet" },
	{ "UPDATE tenant SET enabled = 0", "its tenant is disabled" },
	{ "UPDATE enclave SET enabled = 0", "its enclave is disabled" },
	{ "UPDATE certificate SET revoked_at = 5", "revoked (unspecified)" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 1", "revoked (keyCompromise)" },
	{ "UPDATE guest SET state = 'stopped'", "revoked (cessationOfOperation)" },
	{ "DELETE FROM guest", "revoked (cessationOfOperation)" },
	{ "DELETE FROM vm_record", "revoked (cessationOfOperation)" },
};

START_TEST(a_certificate_that_is_no_good)
{
	struct vmp_identity who;

	world_guest(1, "web");
	scratch_sql(bad[_i].sql);
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_msg(strstr(world_msg.text, bad[_i].says) != NULL, "%s", world_msg.text);
}
END_TEST

START_TEST(a_certificate_ends)
{
	struct vmp_identity who;

	world_guest(1, "web");
	world_clock.now += 3600;
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	world_clock.now++;
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_msg(strstr(world_msg.text, "expired") != NULL, "%s", world_msg.text);
}
END_TEST

/* A renewal whose reply is lost must not lock anybody out, and one that arrives ends the older certificate. */
START_TEST(a_first_use_supersedes_the_older)
{
	struct vmp_identity who;

	world_guest(1, "web");
	world_guest(9, "web");
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 2, 2), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(world_identify(2, &who), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
	ck_assert_msg(strstr(world_msg.text, "revoked (superseded)") != NULL, "%s", world_msg.text);
	ck_assert_int_eq(world_identify(2, &who), VMP_OK);
	ck_assert_int_eq(world_identify(9, &who), VMP_OK);
	/* An everyday end: no event, no new keys, and still in the directory. */
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM audit"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM guest WHERE wg_key IS NOT NULL"), 2);
	ck_assert_str_eq(scratch_text("SELECT revoked_by FROM certificate WHERE revoked_at IS NOT NULL"), "policyd");
}
END_TEST

/* The older one, used late, leaves the newer alone. */
START_TEST(a_first_use_spares_the_newer)
{
	struct vmp_identity who;

	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 1, 1), VMP_OK);
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 2, 2), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate WHERE revoked_at IS NOT NULL"), 0);
	ck_assert_int_eq(world_identify(2, &who), VMP_OK);
	ck_assert_int_eq(world_identify(1, &who), VMP_EACCES);
}
END_TEST

/* -- renewal ------------------------------------------------------------------------------------ */

static int renew(struct vmp_identity *who, int key, int serial, struct vmp_enrolment *e)
{
	struct vmp_cert_row row = { .subject = "guest", .der = world_serial(serial), .der_len = VMP_SERIAL };

	memset(e, 0, sizeof(*e));
	e->who = *who;
	memcpy(e->key_digest, world_32(key), VMP_DIGEST);
	memcpy(row.key_digest, world_32(key), VMP_DIGEST);
	row.who = *who;
	memcpy(row.who.serial, world_serial(serial), VMP_SERIAL);
	row.issued_at = row.who.not_before = world_clock.now;
	row.who.not_after = world_clock.now + 7200;
	return WRITE(vmp_store_enrol(world, e, &row, &world_clock, &world_msg));
}

START_TEST(a_renewal)
{
	struct vmp_identity who;
	struct vmp_enrolment e;
	uint8_t der[VMP_CERT_MAX];
	size_t len = sizeof(der);

	world_guest(1, "web");
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(2), world_clock.now, der, &len, &world_msg),
			 VMP_ENOENT);
	ck_assert_int_eq(renew(&who, 2, 2, &e), VMP_OK);
	ck_assert(!e.done);
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(2), world_clock.now, der, &len, &world_msg),
			 VMP_OK);
	ck_assert_uint_eq(len, VMP_SERIAL);
	ck_assert_mem_eq(der, world_serial(2), VMP_SERIAL);
	/* Again, since the reply was lost: the same. */
	ck_assert_int_eq(renew(&who, 2, 3, &e), VMP_OK);
	ck_assert(e.done);
	ck_assert_mem_eq(e.der, world_serial(2), VMP_SERIAL);
	ck_assert_int_eq(world_identify(2, &who), VMP_OK);
	len = sizeof(der);
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(2), world_clock.now, der, &len, &world_msg),
			 VMP_ENOENT);
	len = 3;
	ck_assert_int_eq(renew(&who, 4, 4, &e), VMP_OK);
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(4), world_clock.now, der, &len, &world_msg),
			 VMP_ECORRUPT);
}
END_TEST

/* What a certificate says stays; what the next will say is the template's word. */
START_TEST(the_next_kind_follows_the_template)
{
	struct vmp_identity who;
	struct vmp_enrolment e;
	uint8_t der[VMP_CERT_MAX];
	size_t len = sizeof(der);

	world_guest(1, "web");
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(who.next_kind, VMP_CERT_VM);
	ck_assert_int_eq(renew(&who, 2, 2, &e), VMP_OK);
	scratch_sql("UPDATE template SET kind = 'gateway' WHERE name = 'web'");
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(who.kind, VMP_CERT_VM);
	ck_assert_int_eq(who.next_kind, VMP_CERT_GATEWAY);
	/* One that was made before, and never arrived, is of the wrong kind now. */
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(2), world_clock.now, der, &len, &world_msg),
			 VMP_ENOENT);
	scratch_sql("UPDATE template SET kind = 'vm' WHERE name = 'web'");
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	ck_assert_int_eq(vmp_store_cert_prepared(world, &who, world_32(2), world_clock.now, der, &len, &world_msg),
			 VMP_OK);
}
END_TEST

START_TEST(no_renewal_of_what_is_revoked)
{
	struct vmp_identity who;
	struct vmp_enrolment e;

	world_guest(1, "web");
	ck_assert_int_eq(world_identify(1, &who), VMP_OK);
	scratch_sql("UPDATE vm SET enabled = 0");
	ck_assert_int_eq(renew(&who, 2, 2, &e), VMP_EACCES);
	scratch_sql("UPDATE vm SET enabled = 1; UPDATE certificate SET revoked_at = 5");
	ck_assert_int_eq(renew(&who, 2, 2, &e), VMP_EACCES);
	memcpy(who.serial, world_serial(77), VMP_SERIAL);
	ck_assert_int_eq(renew(&who, 2, 2, &e), VMP_EACCES);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate"), 1);
}
END_TEST

START_TEST(policyds_own_certificates)
{
	struct vmp_cert_row row = { .subject = "policyd", .der = world_serial(1), .der_len = VMP_SERIAL };
	uint8_t der[VMP_CERT_MAX];
	size_t len = sizeof(der);
	int n;

	row.who.kind = VMP_CERT_SERVER;
	memcpy(row.who.serial, world_serial(1), VMP_SERIAL);
	row.who.not_after = world_clock.now + 5;
	ck_assert_int_eq(WRITE(vmp_store_cert_add(world, &row, &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_cert_add(world, &row, &world_msg)), VMP_EEXIST);
	memset(row.who.serial, 0x80, VMP_SERIAL);
	ck_assert_int_eq(WRITE(vmp_store_cert_add(world, &row, &world_msg)), VMP_EINVAL);
	ck_assert_int_eq(vmp_store_cert_der(world, world_serial(1), der, &len, &world_msg), VMP_OK);
	ck_assert_mem_eq(der, world_serial(1), VMP_SERIAL);
	ck_assert_int_eq(vmp_store_cert_der(world, world_serial(2), der, &len, &world_msg), VMP_ENOENT);
	ck_assert_int_eq(revoke(world_hex(1), 0, &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_str_eq(scratch_text("SELECT actor || ' ' || subject FROM audit"), "vmprov root policyd");
}
END_TEST

/* -- revocation --------------------------------------------------------------------------------- */

START_TEST(revoke_by_any_name)
{
	struct vmp_identity who;
	int n = -1;

	world_guest(1, "web");
	world_guest(2, "web");
	world_guest(3, "web");
	scratch_sql("UPDATE vm SET name = 'two' WHERE mac = 0x525400000002");
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 60, world_32(6), &world_msg)), VMP_OK);
	ck_assert_int_eq(world_enrol(6, 6, 6), VMP_OK);
	ck_assert_int_eq(revoke(world_hex(77), 1, &n), VMP_ENOENT);
	ck_assert_int_eq(revoke("host:nobody", 1, &n), VMP_ENOENT);
	ck_assert_int_eq(revoke("nobody", 1, &n), VMP_ENOENT);
	ck_assert_int_eq(revoke("two", 7, &n), VMP_EINVAL);
	ck_assert_int_eq(revoke("two", 11, &n), VMP_EINVAL);
	ck_assert_int_eq(revoke("two", -1, &n), VMP_EINVAL);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM certificate WHERE revoked_at IS NOT NULL"), 0);
	ck_assert_int_eq(revoke(world_hex(1), 1, &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(revoke("two", 9, &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(revoke("5254.0000.0003", 5, &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(revoke("host:HV1", 3, &n), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(revoke("two", 1, &n), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(revoke(world_hex(1), 1, &n), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(world_identify(6, &who), VMP_EACCES);
	ck_assert_str_eq(scratch_text("SELECT group_concat(subject || substr(detail, 40), ';') FROM audit"),
			 "vm 52:54:00:00:00:01, reason keyCompromise;vm 52:54:00:00:00:02, reason privilegeWithdrawn;"
			 "vm 52:54:00:00:00:03, reason cessationOfOperation;host hv1, reason affiliationChanged");
}
END_TEST

START_TEST(names_of_reasons)
{
	int reason, out;

	for (reason = 0; reason <= 10; reason++) {
		if (reason >= 6 && reason <= 8) /* 7 means nothing, the others that it can be taken back */
			continue;
		ck_assert_int_eq(vmp_crl_reason(vmp_crl_reason_name(reason), &out, &world_msg), VMP_OK);
		ck_assert_int_eq(out, reason);
	}
	ck_assert_int_eq(vmp_crl_reason("certificateHold", &out, &world_msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_crl_reason("removeFromCRL", &out, &world_msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_crl_reason("unknown", &out, &world_msg), VMP_EINVAL);
	ck_assert_msg(strstr(world_msg.text, "keyCompromise") != NULL, "%s", world_msg.text);
	ck_assert_str_eq(vmp_crl_reason_name(7), "unknown");
	ck_assert_str_eq(vmp_crl_reason_name(-1), "unknown");
	ck_assert_str_eq(vmp_crl_reason_name(11), "unknown");
}
END_TEST

/* What follows from a revocation that is typed: the directory entry, the keys, the event. */
static const struct {
	const char *sql;
	bool dropped, rotated;
	const char *event;
} revocations[] = {
	{ "UPDATE certificate SET revoked_at = unixepoch(), reason = 1", true, true, "keyCompromise" },
	{ "UPDATE certificate SET revoked_at = strftime('%s', 'now')", true, true, "unspecified" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 9", true, true, "privilegeWithdrawn" },
	{ "UPDATE certificate SET revoked_at = unixepoch(), reason = 5", true, false, "cessationOfOperation" },
	{ "UPDATE certificate SET revoked_at = unixepoch(), reason = 4", false, false, "-" },
};

START_TEST(what_follows_from_a_revocation)
{
	char expected[64];

	world_guest(1, "web");
	scratch_sql("INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 1, zeroblob(69), 5), "
		    "(2, 1, zeroblob(69), 5); DELETE FROM coi_rotation WHERE coi_id <> 3; DELETE FROM change");
	scratch_sql(revocations[_i].sql);
	ck_assert_int_eq(scratch_number("SELECT wg_key IS NULL AND endpoint IS NULL FROM guest"),
			 revocations[_i].dropped);
	ck_assert_str_eq(scratch_text("SELECT group_concat(coi_id || reason) FROM coi_rotation WHERE coi_id <> 3"),
			 revocations[_i].rotated ? "1certificate revoked" : "-");
	snprintf(expected, sizeof(expected), "reason %s", revocations[_i].event);
	ck_assert_str_eq(scratch_text("SELECT substr(detail, 42) FROM audit WHERE actor = 'administrator' "
				      "AND event = 'revoked'"),
			 *revocations[_i].event == '-' ? "-" : expected);
	ck_assert_str_eq(scratch_text("SELECT name || action || ref FROM change WHERE kind = 'certificate'"),
			 "01010101010101010101010101010101update90520730730497");
	ck_assert_int_eq(scratch_number("SELECT reason IS NULL FROM certificate"), 0);
}
END_TEST

static const struct {
	const char *sql, *says;
} typed[] = {
	{ "UPDATE certificate SET serial = '02020202020202020202020202020202'", "stays as it was issued" },
	{ "UPDATE certificate SET der = x'00'", "stays as it was issued" },
	{ "UPDATE certificate SET not_after = 4102444800", "stays as it was issued" },
	{ "UPDATE certificate SET key_digest = zeroblob(32)", "stays as it was issued" },
	{ "UPDATE certificate SET mac = 2", "change the MAC of its VM" },
	{ "UPDATE certificate SET used_at = 7", "stays as it was recorded" },
	{ "UPDATE certificate SET reason = 1", "expected revoked_at with them" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 7", "reason: expected" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 11", "reason: expected" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 'keyCompromise'", "reason: expected" },
	{ "UPDATE certificate SET revoked_at = 'now'", "revoked_at: expected" },
	{ "UPDATE certificate SET revoked_at = -1", "revoked_at: expected" },
	{ "UPDATE certificate SET revoked_at = 253402300800", "revoked_at: expected" },
	{ "UPDATE certificate SET revoked_at = 9223372036854775807, reason = 1", "revoked_at: expected" },
	{ "UPDATE certificate SET revoked_at = 5; UPDATE certificate SET revoked_at = NULL, reason = NULL",
	  "is final" },
	{ "UPDATE certificate SET revoked_at = 5; UPDATE certificate SET revoked_at = 6", "is final" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 1; UPDATE certificate SET reason = 4", "is final" },
	{ "UPDATE certificate SET revoked_at = 5; UPDATE certificate SET revoked_by = 'x'", "is final" },
	{ "DELETE FROM certificate", "kept until it ends" },
	{ "REPLACE INTO certificate SELECT * FROM certificate", "a certificate with this serial number exists" },
	{ "INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) VALUES "
	  "('0101010101010101010101010101010A', 'server', '', 1, 2, 1, zeroblob(32), x'00')",
	  "serial: expected" },
	{ "INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) VALUES "
	  "('81010101010101010101010101010102', 'server', '', 1, 2, 1, zeroblob(32), x'00')",
	  "serial: expected" },
	{ "INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) VALUES "
	  "('01010101010101010101010101010102', 'ca', '', 1, 2, 1, zeroblob(32), x'00')",
	  "kind: expected" },
	{ "INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) VALUES "
	  "('01010101010101010101010101010102', 'vm', '', 1, 2, 1, zeroblob(32), x'00')",
	  "mac, host_id: expected" },
	{ "INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) VALUES "
	  "('01010101010101010101010101010102', 'server', '', 2, 2, 1, zeroblob(32), x'00')",
	  "not_after: expected" },
};

START_TEST(the_schema_refuses)
{
	world_guest(1, "web");
	scratch_refused(typed[_i].sql, typed[_i].says);
}
END_TEST

/* -- what is told ------------------------------------------------------------------------------- */

static char said[512];

static int on_cert(void *ctx, const struct vmp_cert_row *row)
{
	size_t at = strlen(said);

	snprintf(said + at, sizeof(said) - at, "%s%d%s%s ", row->who.host_id ? "h" : "v",
		 row->who.serial[VMP_SERIAL - 1], row->used_at ? "u" : "", row->revoked_at ? "r" : "");
	ck_assert_str_eq(row->subject, "guest");
	ck_assert_uint_eq(row->der_len, VMP_SERIAL);
	return ctx ? VMP_EIO : VMP_OK;
}

static const char *list(const char *which, bool with_ended)
{
	said[0] = '\0';
	ck_assert_msg(vmp_store_cert_each(world, which, with_ended, world_clock.now, on_cert, NULL, &world_msg) ==
			      VMP_OK,
		      "%s", world_msg.text);
	return said;
}

START_TEST(lists_of_certificates)
{
	int n;

	world_guest(1, "web");
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(world_enrol(1, 2, 2), VMP_OK);
	world_guest(3, "web");
	ck_assert_int_eq(WRITE(vmp_store_host_token(world, "hv1", &world_clock, 60, world_32(6), &world_msg)), VMP_OK);
	ck_assert_int_eq(world_enrol(6, 6, 6), VMP_OK);
	ck_assert_int_eq(revoke(world_hex(1), 1, &n), VMP_OK);
	ck_assert_str_eq(list(NULL, false), "h6 v3u v2 ");
	ck_assert_str_eq(list(NULL, true), "h6 v3u v2 v1ur ");
	ck_assert_str_eq(list("52:54:00:00:00:01", true), "v2 v1ur ");
	ck_assert_str_eq(list("host:hv1", false), "h6 ");
	ck_assert_str_eq(list(world_hex(1), true), "v1ur ");
	ck_assert_str_eq(list(world_hex(1), false), "");
	ck_assert_int_eq(vmp_store_cert_each(world, "x", true, 0, on_cert, NULL, &world_msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_store_cert_each(world, NULL, true, 0, on_cert, said, &world_msg), VMP_EIO);
	scratch_sql("DELETE FROM vm_record");
	ck_assert_str_eq(list("52:54:00:00:00:01", true), "v2r v1ur ");
	world_clock.now += 4000;
	ck_assert_str_eq(list(NULL, false), "");
}
END_TEST

START_TEST(revocation_lists)
{
	struct vmp_revoked *revoked;
	struct vmp_ocsp ask = { .n = 4 };
	int64_t number;
	size_t len;
	int n, i;

	world_guest(1, "web");
	world_guest(2, "web");
	ck_assert_int_eq(vmp_store_revoked(world, world_clock.now, &revoked, &len, &world_msg), VMP_OK);
	ck_assert_uint_eq(len, 0);
	free(revoked);
	ck_assert_int_eq(revoke(world_hex(2), 1, &n), VMP_OK);
	ck_assert_int_eq(vmp_store_revoked(world, world_clock.now, &revoked, &len, &world_msg), VMP_OK);
	ck_assert_uint_eq(len, 1);
	ck_assert_mem_eq(revoked[0].serial, world_serial(2), VMP_SERIAL);
	ck_assert_int_eq(revoked[0].at, world_clock.now);
	ck_assert_int_eq(revoked[0].reason, 1);
	free(revoked);
	ck_assert_int_eq(vmp_store_revoked(world, world_clock.now + 3601, &revoked, &len, &world_msg), VMP_OK);
	ck_assert_uint_eq(len, 0);
	free(revoked);
	for (i = 0; i < 4; i++) {
		ask.item[i].ours = i < 3;
		memcpy(ask.item[i].serial, world_serial(i + 1), VMP_SERIAL);
	}
	ck_assert_int_eq(vmp_store_ocsp(world, &ask, &world_msg), VMP_OK);
	ck_assert_int_eq(ask.item[0].status, VMP_OCSP_GOOD);
	ck_assert_int_eq(ask.item[1].status, VMP_OCSP_REVOKED);
	ck_assert_int_eq(ask.item[1].reason, 1);
	ck_assert_int_eq(ask.item[1].revoked_at, world_clock.now);
	ck_assert_int_eq(ask.item[2].status, VMP_OCSP_UNKNOWN);
	ck_assert_int_eq(ask.item[3].status, VMP_OCSP_UNKNOWN);
	for (i = 1; i < 4; i++) {
		ck_assert_int_eq(WRITE(vmp_store_crl_number(world, &number, &world_msg)), VMP_OK);
		ck_assert_int_eq(number, i);
	}
}
END_TEST

START_TEST(many_are_revoked)
{
	struct vmp_revoked *revoked;
	size_t len;

	scratch_sql(
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
		"INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der, "
		"revoked_at, reason) SELECT printf('%032x', i), 'server', '', 1, 4102444800, 1, zeroblob(32), x'00', "
		"i, 4 FROM n");
	ck_assert_int_eq(vmp_store_revoked(world, world_clock.now, &revoked, &len, &world_msg), VMP_OK);
	ck_assert_uint_eq(len, 1000);
	ck_assert_int_eq(revoked[999].at, 1000);
	free(revoked);
}
END_TEST

START_TEST(what_ended_is_forgotten)
{
	int n = -1;

	scratch_sql(
		"INSERT INTO certificate (serial, kind, subject, not_before, not_after, issued_at, key_digest, der) "
		"SELECT printf('%032x', value), 'server', '', 1, value * 1000, 1, zeroblob(32), x'00' "
		"FROM json_each('[1,2,3,4]');"
		"INSERT INTO token (hash, host_id, issued_at, expires_at, boot_id, expires_boot_ms) "
		"VALUES (zeroblob(32), 1, 5, 6, '', 0)");
	world_guest(1, "web");
	ck_assert_int_eq(WRITE(vmp_store_cert_tidy(world, 4000, 1000, 10, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(WRITE(vmp_store_cert_tidy(world, world_clock.now, 0, 1, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(WRITE(vmp_store_cert_tidy(world, world_clock.now, 0, 10, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(WRITE(vmp_store_cert_tidy(world, world_clock.now, 0, 10, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(scratch_number("SELECT (SELECT count(*) FROM certificate) + (SELECT count(*) FROM token)"), 2);
}
END_TEST

Suite *check_store_cert(void)
{
	Suite *s = suite_create("store_cert");
	TCase *t = tcase_create("store_cert");

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, whom_a_certificate_stands_for);
	tcase_add_loop_test(t, a_certificate_that_is_no_good, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_certificate_ends);
	tcase_add_test(t, a_first_use_supersedes_the_older);
	tcase_add_test(t, a_first_use_spares_the_newer);
	tcase_add_test(t, a_renewal);
	tcase_add_test(t, the_next_kind_follows_the_template);
	tcase_add_test(t, no_renewal_of_what_is_revoked);
	tcase_add_test(t, policyds_own_certificates);
	tcase_add_test(t, revoke_by_any_name);
	tcase_add_test(t, names_of_reasons);
	tcase_add_loop_test(t, what_follows_from_a_revocation, 0, sizeof(revocations) / sizeof(revocations[0]));
	tcase_add_loop_test(t, the_schema_refuses, 0, sizeof(typed) / sizeof(typed[0]));
	tcase_add_test(t, lists_of_certificates);
	tcase_add_test(t, revocation_lists);
	tcase_add_test(t, many_are_revoked);
	tcase_add_test(t, what_ended_is_forgotten);
	suite_add_tcase(s, t);
	return s;
}
