/* Guests start and stop. */
#include "store_guest.h"
#include "mac.h"
#include "store_whom.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int vmp_speaker_read(struct vmp_store *store, int64_t id, struct vmp_speaker *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	bool enabled;
	int err;

	memset(out, 0, sizeof(*out));
	if (!id)
		return VMP_OK;
	err = vmp_stmt_first(store, "SELECT name, tenant_id, enclave_id, enabled FROM host WHERE id = ?1",
			     BIND_LIST(BIND_INT(id)), &stmt, msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_EACCES, "host: not there any more") : err;
	out->id = id;
	vmp_stmt_text(stmt, 0, out->name, sizeof(out->name));
	out->tenant_id = sqlite3_column_int64(stmt, 1);
	out->enclave_id = sqlite3_column_int64(stmt, 2);
	enabled = sqlite3_column_int(stmt, 3);
	vmp_stmt_done(stmt);
	return enabled ? VMP_OK : vmp_fail(msg, VMP_EACCES, "host %s: disabled", out->name);
}

int vmp_speaker_check(struct vmp_store *store, const struct vmp_speaker *speaker, uint64_t mac, int64_t tenant_id,
		      int64_t enclave_id, struct vmp_msg *msg)
{
	char text[VMP_MAC_TEXT];
	int64_t elsewhere = 0;
	int err;

	if (!speaker->id)
		return VMP_OK;
	vmp_mac_format(mac, text);
	if (speaker->tenant_id && speaker->tenant_id != tenant_id)
		return vmp_fail(msg, VMP_EACCES, "vm %s: host %s speaks for another tenant's VMs", text, speaker->name);
	if (speaker->enclave_id && speaker->enclave_id != enclave_id)
		return vmp_fail(msg, VMP_EACCES, "vm %s: host %s speaks for another enclave's VMs", text,
				speaker->name);
	err = vmp_stmt_number(store,
			      "SELECT EXISTS (SELECT 1 FROM vm_host WHERE mac = ?1) "
			      "AND NOT EXISTS (SELECT 1 FROM vm_host WHERE mac = ?1 AND host_id = ?2)",
			      BIND_LIST(BIND_INT(mac), BIND_INT(speaker->id)), &elsewhere, msg);
	if (err == VMP_OK && elsewhere)
		err = vmp_fail(msg, VMP_EACCES, "vm %s: bound to other hosts than %s", text, speaker->name);
	return err;
}

struct template_row {
	int64_t id, tenant_id, enclave_id;
	bool auto_create, gateway;
};

/* One start, while it is looked at. */
struct starting {
	struct vmp_store *store;
	const struct vmp_start *start;
	int64_t now;
	char mac[VMP_MAC_TEXT];
	struct template_row tmpl;
	struct vmp_speaker host;
	bool bound; /* it was a guest before */
	struct vmp_join *out;
	struct vmp_msg *msg;
};

static int read_template(struct starting *s)
{
	static const char sql[] = "SELECT template.id, tenant_id, enclave_id, auto_create, template.name, gateway, "
				  "licence_product, template.enabled, tenant.enabled, enclave.enabled, "
				  "kind = 'gateway' FROM template "
				  "JOIN tenant ON tenant.id = tenant_id JOIN enclave ON enclave.id = enclave_id "
				  "WHERE template.name = ?1";
	const char *name = s->start->template_name, *off = NULL;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(s->store, sql, BIND_LIST(BIND_TEXT(name)), &stmt, s->msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(s->msg, err, "template %s: not found", name) : err;
	s->tmpl.id = sqlite3_column_int64(stmt, 0);
	s->tmpl.tenant_id = sqlite3_column_int64(stmt, 1);
	s->tmpl.enclave_id = sqlite3_column_int64(stmt, 2);
	s->tmpl.auto_create = sqlite3_column_int(stmt, 3);
	vmp_stmt_text(stmt, 4, s->out->template_name, sizeof(s->out->template_name));
	vmp_stmt_text(stmt, 5, s->out->gateway, sizeof(s->out->gateway));
	vmp_stmt_text(stmt, 6, s->out->licence, sizeof(s->out->licence));
	s->tmpl.gateway = sqlite3_column_int(stmt, 10);
	if (!sqlite3_column_int(stmt, 7))
		off = "disabled";
	else if (!sqlite3_column_int(stmt, 8))
		off = "its tenant is disabled";
	else if (!sqlite3_column_int(stmt, 9))
		off = "its enclave is disabled";
	vmp_stmt_done(stmt);
	return off ? vmp_fail(s->msg, VMP_EACCES, "template %s: %s", name, off) : VMP_OK;
}

/* The UUID is this MAC's, or nobody's. */
static int check_uuid(struct starting *s)
{
	char other[VMP_MAC_TEXT];
	int64_t mac;
	int err = vmp_stmt_number(s->store, "SELECT mac FROM guest WHERE uuid = ?1", BIND_LIST(BIND_TEXT(s->out->uuid)),
				  &mac, s->msg);

	if (err == VMP_ENOENT || (err == VMP_OK && (uint64_t)mac == s->start->mac))
		return VMP_OK;
	if (err != VMP_OK)
		return err;
	vmp_mac_format((uint64_t)mac, other);
	return vmp_fail(s->msg, VMP_EEXIST, "guest %s: is vm %s, not %s", s->out->uuid, other, s->mac);
}

/* The name is a label: one that another VM has is no reason not to start. */
static int create_vm(struct starting *s)
{
	const char *name = s->start->name && *s->start->name ? s->start->name : s->mac;
	int64_t taken;
	int err;

	if (!s->tmpl.auto_create)
		return vmp_fail(s->msg, VMP_ENOENT, "vm %s: not found, and template %s makes none", s->mac,
				s->out->template_name);
	err = vmp_speaker_check(s->store, &s->host, s->start->mac, s->tmpl.tenant_id, s->tmpl.enclave_id, s->msg);
	if (err != VMP_OK)
		return err;
	err = vmp_stmt_number(s->store, "SELECT 1 FROM vm WHERE name = ?1", BIND_LIST(BIND_TEXT(name)), &taken, s->msg);
	if (err == VMP_OK)
		name = s->mac;
	else if (err != VMP_ENOENT)
		return err;
	s->out->created = true;
	snprintf(s->out->name, sizeof(s->out->name), "%.*s", (int)vmp_stmt_cut(name, strlen(name), 128), name);
	return vmp_stmt_run(s->store, "INSERT INTO vm (mac, name, tenant_id, enclave_id) VALUES (?1, ?2, ?3, ?4)",
			    BIND_LIST(BIND_INT(s->start->mac), BIND_TEXT(name), BIND_INT(s->tmpl.tenant_id),
				      BIND_INT(s->tmpl.enclave_id)),
			    NULL, s->msg);
}

enum { STANDING = 0, TENANT = 5, ENCLAVE, NAME, UUID, TEMPLATE };

/* Whether a VM that never was a guest may become one.  What a template says of its guests is meant for VMs of its own
 * tenant and enclave; and a host alone makes no registered VM a gateway. */
static int check_first(struct starting *s, sqlite3_stmt *stmt)
{
	const char *other = NULL;

	if (sqlite3_column_int64(stmt, TENANT) != s->tmpl.tenant_id)
		other = "tenant";
	else if (sqlite3_column_int64(stmt, ENCLAVE) != s->tmpl.enclave_id)
		other = "enclave";
	if (other)
		return vmp_fail(s->msg, VMP_EACCES, "vm %s: is of another %s than template %s", s->mac, other,
				s->out->template_name);
	if (s->tmpl.gateway && !s->tmpl.auto_create && s->start->host_id)
		return vmp_fail(s->msg, VMP_EACCES,
				"vm %s: becomes a gateway, by template %s, for an administrator only", s->mac,
				s->out->template_name);
	return VMP_OK;
}

static int check_vm_row(struct starting *s, sqlite3_stmt *stmt)
{
	const char *why = vmp_standing_refusal(stmt, STANDING, s->now);
	const char *uuid = (const char *)sqlite3_column_text(stmt, UUID);

	s->bound = uuid;
	if (uuid && strcmp(uuid, s->out->uuid) != 0)
		return vmp_fail(s->msg, VMP_EEXIST, "vm %s: is guest %s, not %s", s->mac, uuid, s->out->uuid);
	if (why)
		return vmp_fail(s->msg, VMP_EACCES, "vm %s: %s", s->mac, why);
	if (uuid && sqlite3_column_int64(stmt, TEMPLATE) != s->tmpl.id)
		return vmp_fail(s->msg, VMP_EACCES, "vm %s: was made from another template than %s", s->mac,
				s->out->template_name);
	return uuid ? VMP_OK : check_first(s, stmt);
}

static int check_vm(struct starting *s)
{
	static const char sql[] = "SELECT " STANDING_COLUMNS ", vm.tenant_id, vm.enclave_id, vm.name, guest.uuid, "
				  "guest.template_id FROM vm JOIN tenant ON tenant.id = vm.tenant_id "
				  "JOIN enclave ON enclave.id = vm.enclave_id LEFT JOIN guest ON guest.mac = vm.mac "
				  "WHERE vm.mac = ?1";
	int64_t tenant_id, enclave_id;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(s->store, sql, BIND_LIST(BIND_INT(s->start->mac)), &stmt, s->msg);

	if (err == VMP_ENOENT)
		return create_vm(s);
	if (err != VMP_OK)
		return err;
	err = check_vm_row(s, stmt);
	tenant_id = sqlite3_column_int64(stmt, TENANT);
	enclave_id = sqlite3_column_int64(stmt, ENCLAVE);
	vmp_stmt_text(stmt, NAME, s->out->name, sizeof(s->out->name));
	vmp_stmt_done(stmt);
	if (err != VMP_OK)
		return err;
	return vmp_speaker_check(s->store, &s->host, s->start->mac, tenant_id, enclave_id, s->msg);
}

/* Its first start: now it is a guest, and joins the template's COIs unless somebody has given it its own. */
static int bind_guest(struct starting *s)
{
	struct vmp_msg words = { "" };
	int err = vmp_stmt_run(s->store,
			       "INSERT INTO guest (mac, uuid, template_id, host_id, started_at) "
			       "VALUES (?1, ?2, ?3, ?4, ?5)",
			       BIND_LIST(BIND_INT(s->start->mac), BIND_TEXT(s->out->uuid), BIND_INT(s->tmpl.id),
					 BIND_NONZERO(s->host.id), BIND_INT(s->now)),
			       NULL, s->msg);

	if (err != VMP_OK)
		return err;
	err = vmp_stmt_run(
		s->store,
		"INSERT INTO member (mac, coi_id) SELECT ?1, coi_id FROM template_coi WHERE template_id = ?2 "
		"AND NOT EXISTS (SELECT 1 FROM member AS m WHERE m.mac = ?1)",
		BIND_LIST(BIND_INT(s->start->mac), BIND_INT(s->tmpl.id)), NULL, &words);
	if (err == VMP_EINVAL)
		return vmp_fail(s->msg, VMP_EACCES, "vm %s: cannot join the COIs of template %s: %s", s->mac,
				s->out->template_name, words.text);
	return err == VMP_OK ? err : vmp_fail(s->msg, err, "%s", words.text);
}

static int record_start(struct starting *s)
{
	if (!s->bound)
		return bind_guest(s);
	return vmp_stmt_run(s->store,
			    "UPDATE guest SET host_id = coalesce(?2, host_id), state = 'started', started_at = ?3, "
			    "stopped_at = NULL WHERE mac = ?1",
			    BIND_LIST(BIND_INT(s->start->mac), BIND_NONZERO(s->host.id), BIND_INT(s->now)), NULL,
			    s->msg);
}

static int read_cois(struct starting *s)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(s->store,
				"SELECT coi.name FROM member JOIN coi ON coi.id = coi_id WHERE mac = ?1 AND enabled "
				"ORDER BY priority, member_count, coi.id LIMIT 64",
				BIND_LIST(BIND_INT(s->start->mac)), &stmt, s->msg);

	_Static_assert(VMP_LINK_MAX == 64, "as many as the statement yields");
	while (err == VMP_OK && (err = vmp_stmt_next(s->store, stmt, s->msg)) == VMP_OK) {
		vmp_stmt_text(stmt, 0, s->out->coi[s->out->n_coi], sizeof(s->out->coi[0]));
		s->out->n_coi++;
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_store_guest_start(struct vmp_store *store, const struct vmp_start *start, const struct vmp_clock *clock,
			  int ttl_s, const uint8_t token_hash[VMP_DIGEST], struct vmp_join *out, struct vmp_msg *msg)
{
	struct starting s = { .store = store, .start = start, .now = clock->now, .out = out, .msg = msg };
	int err;

	memset(out, 0, sizeof(*out));
	out->mac = start->mac;
	vmp_mac_format(start->mac, s.mac);
	if (vmp_uuid_parse(start->uuid, strlen(start->uuid), out->uuid) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "guest %s: expected a UUID", start->uuid);
	err = read_template(&s);
	if (err == VMP_OK)
		err = vmp_speaker_read(store, start->host_id, &s.host, msg);
	if (err == VMP_OK)
		err = check_uuid(&s);
	if (err == VMP_OK)
		err = check_vm(&s);
	if (err == VMP_OK)
		err = record_start(&s);
	if (err == VMP_OK)
		err = vmp_token_issue(store, start->mac, 0, s.tmpl.id, start->host_id, clock, ttl_s, token_hash, msg);
	return err == VMP_OK ? read_cois(&s) : err;
}

/* A guest as vmp_store_guest_stop() finds it. */
struct stopping {
	uint64_t mac;
	int64_t host_id, tenant_id, enclave_id;
	bool stopped;
};

static int read_guest(struct vmp_store *store, const char *uuid, struct stopping *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store,
				 "SELECT guest.mac, host_id, state = 'stopped', tenant_id, enclave_id FROM guest "
				 "JOIN vm ON vm.mac = guest.mac WHERE uuid = ?1",
				 BIND_LIST(BIND_TEXT(uuid)), &stmt, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, err, "guest %s: not found", uuid) : err;
	out->mac = (uint64_t)sqlite3_column_int64(stmt, 0);
	out->host_id = sqlite3_column_int64(stmt, 1);
	out->stopped = sqlite3_column_int(stmt, 2);
	out->tenant_id = sqlite3_column_int64(stmt, 3);
	out->enclave_id = sqlite3_column_int64(stmt, 4);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

/* The schema's triggers do the same for whoever types it; here it is said who did it. */
static int record_stop(struct vmp_store *store, uint64_t mac, const char *by, int64_t now, struct vmp_msg *msg)
{
	int err = vmp_stmt_run(store,
			       "UPDATE certificate SET revoked_at = ?2, reason = 5, revoked_by = ?3 "
			       "WHERE mac = ?1 AND revoked_at IS NULL AND not_after >= ?2",
			       BIND_LIST(BIND_INT(mac), BIND_INT(now), BIND_TEXT(by)), NULL, msg);

	if (err != VMP_OK)
		return err;
	return vmp_stmt_run(store,
			    "UPDATE guest SET state = 'stopped', stopped_at = ?2, wg_key = NULL, endpoint = NULL "
			    "WHERE mac = ?1",
			    BIND_LIST(BIND_INT(mac), BIND_INT(now)), NULL, msg);
}

int vmp_store_guest_stop(struct vmp_store *store, const char *uuid, int64_t host_id, int64_t now, struct vmp_msg *msg)
{
	char canonical[VMP_UUID_TEXT], by[80] = "administrator";
	struct vmp_speaker host;
	struct stopping guest = { 0 };
	int err;

	if (vmp_uuid_parse(uuid, strlen(uuid), canonical) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "guest %s: expected a UUID", uuid);
	err = read_guest(store, canonical, &guest, msg);
	if (err == VMP_OK)
		err = vmp_speaker_read(store, host_id, &host, msg);
	if (err != VMP_OK)
		return err;
	if (host_id && guest.host_id && guest.host_id != host_id)
		return vmp_fail(msg, VMP_EACCES, "guest %s: runs on another host than %s", canonical, host.name);
	if (host_id && !guest.host_id)
		err = vmp_speaker_check(store, &host, guest.mac, guest.tenant_id, guest.enclave_id, msg);
	if (err != VMP_OK || guest.stopped)
		return err;
	if (host_id)
		snprintf(by, sizeof(by), "host %s", host.name);
	return record_stop(store, guest.mac, by, now, msg);
}

/* 32 octets in base64: 43 characters, the last of which has two bits to spare, and '='. */
static bool is_key(const char *text)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return strlen(text) == 44 && strspn(text, set) == 43 && text[43] == '=' &&
	       strchr("AEIMQUYcgkosw048", text[42]) != NULL;
}

/* What packets can be sent to: neither nowhere nor to many. */
static bool is_unicast(int family, const void *address)
{
	static const uint8_t zero[16];
	const uint8_t *octet = address;

	if (family == AF_INET)
		return octet[0] != 0 && octet[0] < 224;
	return octet[0] != 0xff && memcmp(octet, zero, sizeof(zero)) != 0;
}

static bool is_endpoint(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0, digits = colon ? strlen(colon + 1) : 0;
	bool six = len > 2 && text[0] == '[' && text[len - 1] == ']';
	char address[INET6_ADDRSTRLEN];
	uint8_t octets[16];

	if (!colon || len < 1 || len - (six ? 2 : 0) >= sizeof(address) || digits < 1 || digits > 5 ||
	    strspn(colon + 1, "0123456789") != digits)
		return false;
	memcpy(address, text + six, len - (six ? 2 : 0));
	address[len - (six ? 2 : 0)] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, address, octets) != 1 || !is_unicast(six ? AF_INET6 : AF_INET, octets))
		return false;
	return strtoul(colon + 1, NULL, 10) - 1 < 65535;
}

/* @param endpoint  NULL: others cannot reach it. @param same  out: these are what it has already. */
static int read_self(struct vmp_store *store, uint64_t mac, const char *wg_key, const char *endpoint, bool *same,
		     struct vmp_msg *msg)
{
	char text[VMP_MAC_TEXT];
	sqlite3_stmt *stmt;
	bool stopped;
	int err = vmp_stmt_first(store,
				 "SELECT state = 'stopped', wg_key IS ?2 AND endpoint IS ?3 FROM guest WHERE mac = ?1",
				 BIND_LIST(BIND_INT(mac), BIND_TEXT(wg_key), BIND_TEXT(endpoint)), &stmt, msg);

	vmp_mac_format(mac, text);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_EACCES, "vm %s: is no guest", text) : err;
	stopped = sqlite3_column_int(stmt, 0);
	*same = sqlite3_column_int(stmt, 1);
	vmp_stmt_done(stmt);
	return stopped ? vmp_fail(msg, VMP_EACCES, "vm %s: is stopped", text) : VMP_OK;
}

int vmp_store_guest_self(struct vmp_store *store, uint64_t mac, const char *wg_key, const char *endpoint,
			 struct vmp_msg *msg)
{
	bool same = false;
	int err;

	if (!*endpoint)
		endpoint = NULL;
	if (!is_key(wg_key))
		return vmp_fail(msg, VMP_EINVAL, "wg_key: expected 32 octets in base64");
	if (endpoint && !is_endpoint(endpoint))
		return vmp_fail(msg, VMP_EINVAL,
				"endpoint: expected 192.0.2.1:51820 or [2001:db8::1]:51820, or nothing");
	err = read_self(store, mac, wg_key, endpoint, &same, msg);
	if (err != VMP_OK || same)
		return err;
	err = vmp_stmt_run(store, "UPDATE guest SET wg_key = ?2, endpoint = ?3 WHERE mac = ?1",
			   BIND_LIST(BIND_INT(mac), BIND_TEXT(wg_key), BIND_TEXT(endpoint)), NULL, msg);
	/* All else about them was looked at above.  Two guests with one key would draw each other's packets. */
	return err == VMP_EINVAL ? vmp_fail(msg, err, "wg_key: another guest has this key") : err;
}

int vmp_store_guest_find(struct vmp_store *store, uint64_t mac, char uuid[VMP_UUID_TEXT], char template_name[65],
			 struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err;

	*uuid = *template_name = '\0';
	err = vmp_stmt_first(store,
			     "SELECT guest.uuid, template.name FROM guest JOIN template ON template.id = template_id "
			     "WHERE mac = ?1",
			     BIND_LIST(BIND_INT(mac)), &stmt, msg);
	if (err != VMP_OK)
		return err;
	vmp_stmt_text(stmt, 0, uuid, VMP_UUID_TEXT);
	vmp_stmt_text(stmt, 1, template_name, 65);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_store_guest_mac(struct vmp_store *store, const char *uuid, uint64_t *mac, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, "SELECT mac FROM guest WHERE uuid = ?1", BIND_LIST(BIND_TEXT(uuid)), &stmt,
				 msg);

	if (err != VMP_OK)
		return err;
	*mac = (uint64_t)sqlite3_column_int64(stmt, 0);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_store_guest_last_notice(struct vmp_store *store, int64_t *id, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, "SELECT ifnull(max(id), 0) FROM audit", BIND_NONE, &stmt, msg);

	if (err != VMP_OK)
		return err;
	*id = sqlite3_column_int64(stmt, 0);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

/* Does a guest with this address, as the trail writes it, run on the host? */
static int runs_on(struct vmp_store *store, const char *text, int64_t host_id, uint64_t *mac, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_mac_parse(text, strlen(text), mac);

	if (err != VMP_OK)
		return VMP_ENOENT;
	err = vmp_stmt_first(store, "SELECT 1 FROM guest WHERE mac = ?1 AND host_id = ?2",
			     BIND_LIST(BIND_INT(*mac), BIND_INT(host_id)), &stmt, msg);
	if (err == VMP_OK)
		vmp_stmt_done(stmt);
	return err;
}

int vmp_store_guest_disconnected(struct vmp_store *store, int64_t host_id, int64_t *after,
				 int (*each)(void *ctx, uint64_t mac), void *ctx, struct vmp_msg *msg)
{
	/* "vm 52:54:00:00:01:01 web1".  Also of a place that it has left: a migration may fail after its destination
	 * has authenticated, and the host where it still runs hears of that from nobody else. */
	static const char sql[] = "SELECT id, substr(subject, 4, 17), event = 'session-disconnected' FROM audit "
				  "WHERE id > ?1 ORDER BY id LIMIT 1000";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(*after)), &stmt, msg), found;
	uint64_t mac;

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		*after = sqlite3_column_int64(stmt, 0);
		found = sqlite3_column_int(stmt, 2) ? runs_on(store, vmp_stmt_str(stmt, 1), host_id, &mac, msg)
						    : VMP_ENOENT;
		if (found == VMP_OK)
			found = each(ctx, mac);
		if (found != VMP_OK && found != VMP_ENOENT) {
			vmp_stmt_done(stmt);
			return found;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
