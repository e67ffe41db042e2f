/* Join tokens, and the certificates that they are turned into. */
#include "est.h"
#include "store_guest.h"
#include "store_whom.h"

#include <string.h>
#include <strings.h>

int vmp_token_new(char token[VMP_TOKEN_TEXT], uint8_t hash[VMP_DIGEST])
{
	uint8_t secret[32];
	char text[48];
	int err = vmp_random(secret, sizeof(secret));

	if (err != VMP_OK)
		return err;
	vmp_base64url(secret, sizeof(secret), text);
	memcpy(token, text, VMP_TOKEN_TEXT);
	vmp_wipe(secret, sizeof(secret));
	vmp_wipe(text, sizeof(text));
	return vmp_token_hash(token, hash);
}

int vmp_token_hash(const char *token, uint8_t hash[VMP_DIGEST])
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	if (strlen(token) != VMP_TOKEN_TEXT - 1 || strspn(token, set) != VMP_TOKEN_TEXT - 1)
		return VMP_EINVAL;
	vmp_digest(token, VMP_TOKEN_TEXT - 1, hash);
	return VMP_OK;
}

int vmp_token_issue(struct vmp_store *store, uint64_t mac, int64_t host_id, int64_t template_id, int64_t by_host,
		    const struct vmp_clock *clock, int ttl_s, const uint8_t hash[VMP_DIGEST], struct vmp_msg *msg)
{
	int err;

	if (ttl_s < 1 || ttl_s > VMP_TOKEN_S)
		return vmp_fail(msg, VMP_EINVAL, "token: expected a life of 1 to %d seconds", VMP_TOKEN_S);
	err = vmp_stmt_run(store, mac ? "DELETE FROM token WHERE mac = ?1" : "DELETE FROM token WHERE host_id = ?1",
			   BIND_LIST(BIND_NONZERO(mac ? (int64_t)mac : host_id)), NULL, msg);
	if (err != VMP_OK)
		return err;
	return vmp_stmt_run(store,
			    "INSERT INTO token (hash, mac, host_id, template_id, by_host, issued_at, expires_at, "
			    "boot_id, expires_boot_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
			    BIND_LIST(BIND_BLOB(hash, VMP_DIGEST), BIND_NONZERO(mac), BIND_NONZERO(host_id),
				      BIND_NONZERO(template_id), BIND_NONZERO(by_host), BIND_INT(clock->now),
				      BIND_INT(clock->now + ttl_s), BIND_TEXT(clock->boot_id),
				      BIND_INT(clock->boot_ms + ttl_s * INT64_C(1000))),
			    NULL, msg);
}

int vmp_store_host_token(struct vmp_store *store, const char *host, const struct vmp_clock *clock, int ttl_s,
			 const uint8_t token_hash[VMP_DIGEST], struct vmp_msg *msg)
{
	static const char sql[] = "SELECT " WHOM_COLUMNS "FROM (SELECT NULL AS mac, id AS host_id FROM host "
				  "WHERE name = ?1) AS w" WHOM_JOIN;
	struct vmp_identity who;
	const char *why;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, sql, BIND_LIST(BIND_TEXT(host)), &stmt, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, err, "host %s: not found", host) : err;
	vmp_whom_read(stmt, 0, &who);
	why = vmp_whom_refusal(stmt, 0, clock->now);
	vmp_stmt_done(stmt);
	if (why)
		return vmp_fail(msg, VMP_EACCES, "host %s: %s", host, why);
	return vmp_token_issue(store, 0, who.host_id, 0, 0, clock, ttl_s, token_hash, msg);
}

/* What precedes WHOM_COLUMNS. */
enum {
	ISSUED_AT,
	EXPIRES_AT,
	BOOT_ID,
	EXPIRES_BOOT_MS,
	KEY_DIGEST,
	SERIAL,
	STATE,
	TEMPLATE_ENABLED,
	SAME,
	ASKED, /* the host that asked for it still answers for the guest, or it was an administrator */
	WHOM
};

/* Within the boot that issued it, the clock that nobody sets decides alone.  After another boot only the other is
 * left, and it must not have gone back behind the issue. */
static bool has_ended(sqlite3_stmt *stmt, const struct vmp_clock *clock)
{
	const char *boot_id = (const char *)sqlite3_column_text(stmt, BOOT_ID);

	if (boot_id && *boot_id && strcmp(boot_id, clock->boot_id) == 0)
		return clock->boot_ms >= sqlite3_column_int64(stmt, EXPIRES_BOOT_MS);
	return clock->now >= sqlite3_column_int64(stmt, EXPIRES_AT) ||
	       clock->now < sqlite3_column_int64(stmt, ISSUED_AT);
}

static bool is_good(sqlite3_stmt *stmt, const struct vmp_clock *clock, const char *label,
		    const uint8_t key_digest[VMP_DIGEST], const struct vmp_identity *who)
{
	const void *used_for = sqlite3_column_blob(stmt, KEY_DIGEST);
	const char *state = (const char *)sqlite3_column_text(stmt, STATE);

	if (has_ended(stmt, clock) || vmp_whom_refusal(stmt, WHOM, clock->now))
		return false;
	if (label && strcasecmp(label, who->host_id ? "host" : who->template_name) != 0)
		return false;
	if (!sqlite3_column_int(stmt, ASKED))
		return false;
	if (!who->host_id && (!state || strcmp(state, "started") != 0 || !sqlite3_column_int(stmt, TEMPLATE_ENABLED) ||
			      !sqlite3_column_int(stmt, SAME)))
		return false;
	return !used_for ||
	       (sqlite3_column_bytes(stmt, KEY_DIGEST) == VMP_DIGEST && vmp_same(used_for, key_digest, VMP_DIGEST));
}

/* The certificate that this token was used for already. */
static int read_done(struct vmp_store *store, const char *serial, int64_t now, struct vmp_enrolment *out,
		     struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store,
				 "SELECT der, not_before, not_after FROM certificate "
				 "WHERE serial = ?1 AND revoked_at IS NULL AND not_after >= ?2",
				 BIND_LIST(BIND_TEXT(serial), BIND_INT(now)), &stmt, msg);

	if (err != VMP_OK)
		return err;
	out->der_len = sizeof(out->der);
	out->done = vmp_stmt_blob(stmt, 0, out->der, &out->der_len);
	out->who.not_before = sqlite3_column_int64(stmt, 1);
	out->who.not_after = sqlite3_column_int64(stmt, 2);
	vmp_stmt_done(stmt);
	if (!out->done)
		return vmp_fail(msg, VMP_ECORRUPT, "certificate %s: too long", serial);
	return vmp_unhex(serial, strlen(serial), out->who.serial, VMP_SERIAL);
}

/* One answer for all that is wrong, or it would tell whether there is such a token. */
static int no_good(struct vmp_msg *msg)
{
	return vmp_fail(msg, VMP_EACCES, "token: not valid, or not any more, or not for this");
}

int vmp_store_token_check(struct vmp_store *store, const uint8_t token_hash[VMP_DIGEST], const struct vmp_clock *clock,
			  const char *label, const uint8_t key_digest[VMP_DIGEST], struct vmp_enrolment *out,
			  struct vmp_msg *msg)
{
	static const char sql[] = "SELECT w.issued_at, w.expires_at, w.boot_id, w.expires_boot_ms, w.key_digest, "
				  "w.serial, guest.state, template.enabled, w.template_id = guest.template_id, "
				  "w.by_host IS NULL OR EXISTS (SELECT 1 FROM host AS b WHERE b.id = w.by_host "
				  "AND b.id = guest.host_id AND b.enabled), " WHOM_COLUMNS "FROM token AS w" WHOM_JOIN
				  "WHERE w.hash = ?1";
	char serial[2 * VMP_SERIAL + 1];
	sqlite3_stmt *stmt;
	bool good;
	int err;

	memset(out, 0, sizeof(*out));
	out->by_token = true;
	memcpy(out->token_hash, token_hash, VMP_DIGEST);
	memcpy(out->key_digest, key_digest, VMP_DIGEST);
	err = vmp_stmt_first(store, sql, BIND_LIST(BIND_BLOB(token_hash, VMP_DIGEST)), &stmt, msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? no_good(msg) : err;
	vmp_whom_read(stmt, WHOM, &out->who);
	out->who.kind = out->who.next_kind;
	vmp_stmt_text(stmt, SERIAL, serial, sizeof(serial));
	good = is_good(stmt, clock, label, key_digest, &out->who);
	vmp_stmt_done(stmt);
	if (!good || !*serial)
		return good ? VMP_OK : no_good(msg);
	err = read_done(store, serial, clock->now, out, msg);
	return err == VMP_ENOENT ? no_good(msg) : err;
}

/* A renewal: the certificate behind it must still be good, and the key not have got one meanwhile. */
static int check_renewal(struct vmp_store *store, struct vmp_enrolment *e, int64_t now, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int err = vmp_store_identify(store, e->who.serial, now, &who, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_EACCES : err;
	e->who = who;
	e->der_len = sizeof(e->der);
	err = vmp_store_cert_prepared(store, &who, e->key_digest, now, e->der, &e->der_len, msg);
	e->done = err == VMP_OK;
	if (err != VMP_OK)
		e->der_len = 0;
	return err == VMP_ENOENT ? VMP_OK : err;
}

static int check_again(struct vmp_store *store, struct vmp_enrolment *e, const struct vmp_clock *clock,
		       struct vmp_msg *msg)
{
	uint8_t token_hash[VMP_DIGEST], key_digest[VMP_DIGEST];

	if (!e->by_token)
		return check_renewal(store, e, clock->now, msg);
	memcpy(token_hash, e->token_hash, VMP_DIGEST);
	memcpy(key_digest, e->key_digest, VMP_DIGEST);
	return vmp_store_token_check(store, token_hash, clock, NULL, key_digest, e, msg);
}

int vmp_store_enrol(struct vmp_store *store, struct vmp_enrolment *e, const struct vmp_cert_row *row,
		    const struct vmp_clock *clock, struct vmp_msg *msg)
{
	char serial[2 * VMP_SERIAL + 1];
	int err;

	if (!vmp_same(e->key_digest, row->key_digest, VMP_DIGEST))
		return vmp_fail(msg, VMP_EINVAL, "certificate: is for another key than the request");
	err = check_again(store, e, clock, msg);
	if (err != VMP_OK || e->done)
		return err;
	err = vmp_cert_insert(store, &e->who, row, msg);
	if (err != VMP_OK || !e->by_token)
		return err;
	vmp_hex(row->who.serial, VMP_SERIAL, serial);
	return vmp_stmt_run(store, "UPDATE token SET used_at = ?2, key_digest = ?3, serial = ?4 WHERE hash = ?1",
			    BIND_LIST(BIND_BLOB(e->token_hash, VMP_DIGEST), BIND_INT(clock->now),
				      BIND_BLOB(e->key_digest, VMP_DIGEST), BIND_TEXT(serial)),
			    NULL, msg);
}
