/* Licensed guests: who has a licence, and whose lease it is of; and what their gateways are told. */
#include "store_licence.h"
#include "store_directory.h"
#include "store_stmt.h"
#include "store_whom.h"

#include <string.h>

/* Changes that are looked through at a time. */
#define CHANGES_MAX 1000

int vmp_licence_asker(struct vmp_store *store, uint64_t mac, struct vmp_licence_asker *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store,
				 "SELECT vm.tenant_id, vm.enclave_id, iif(template.kind = 'vm', licence_product, ''), "
				 "gateway, broker FROM guest "
				 "JOIN vm ON vm.mac = guest.mac JOIN template ON template.id = template_id "
				 "WHERE guest.mac = ?1",
				 BIND_LIST(BIND_INT(mac)), &stmt, msg);

	memset(out, 0, sizeof(*out));
	if (err != VMP_OK)
		return err;
	out->tenant_id = sqlite3_column_int64(stmt, 0);
	out->enclave_id = sqlite3_column_int64(stmt, 1);
	vmp_stmt_text(stmt, 2, out->product, sizeof(out->product));
	vmp_stmt_text(stmt, 3, out->gateway, sizeof(out->gateway));
	out->broker = sqlite3_column_int(stmt, 4);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

void vmp_licence_asker_of(const struct vmp_identity *who, struct vmp_licence_asker *out)
{
	out->tenant_id = who->tenant_id;
	out->enclave_id = who->enclave_id;
	memcpy(out->product, who->licence, sizeof(out->product));
	memcpy(out->gateway, who->gateway, sizeof(out->gateway));
	out->broker = who->broker;
}

int vmp_licence_check(struct vmp_store *store, uint64_t mac, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT licence_product FROM guest JOIN template ON template.id = template_id "
				  "WHERE guest.mac = ?1 AND template.kind = 'vm' AND licence_product <> '' "
				  "AND NOT EXISTS (SELECT 1 FROM licensed WHERE licensed.mac = ?1 "
				  "AND product = licence_product)";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, sql, BIND_LIST(BIND_INT(mac)), &stmt, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	err = vmp_fail(msg, VMP_EACCES, "no licence for %s", vmp_stmt_str(stmt, 0));
	vmp_stmt_done(stmt);
	return err;
}

/* NULL: for good; later than any list lasts: as long as its gateway, with licences of other servers, is heard of. */
#define IS_SURE "coalesce(doubt_ms > ?3, 1)"

int vmp_licensed_find(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
		      int64_t boot_ms, struct vmp_msg *msg)
{
	int64_t there;

	return vmp_stmt_number(store,
			       "SELECT 1 FROM licensed WHERE holder = ?1 AND product = ?2 AND uuid = ?4 AND " IS_SURE,
			       BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product),
					 BIND_INT(boot_ms + VMP_LICENSED_LIST_MS), BIND_TEXT(uuid)),
			       &there, msg);
}

/* -- coming --------------------------------------------------------------------------------------------------- */

enum { MAC, TENANT, ENCLAVE, STARTED, PRODUCT, STANDING };

/* Why a guest gets no licence through this gateway; NULL: it does. */
static const char *refusal(sqlite3_stmt *stmt, const char *product, const struct vmp_licence_asker *asker, int64_t now)
{
	const char *why;

	if (sqlite3_column_int64(stmt, TENANT) != asker->tenant_id ||
	    sqlite3_column_int64(stmt, ENCLAVE) != asker->enclave_id)
		return "of another tenant or enclave";
	if (!sqlite3_column_int(stmt, STARTED))
		return "not running";
	why = vmp_standing_refusal(stmt, STANDING, now);
	if (why)
		return why;
	return strcmp(vmp_stmt_str(stmt, PRODUCT), product) != 0 ? "its template needs no licence of this product"
								 : NULL;
}

static int set(struct vmp_store *store, uint64_t mac, const char *uuid, const char *holder, const char *product,
	       struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "INSERT INTO licensed (mac, uuid, product, holder) VALUES (?1, ?2, ?3, ?4) "
			    "ON CONFLICT (mac) DO UPDATE SET uuid = excluded.uuid, product = excluded.product, "
			    "holder = excluded.holder, doubt_ms = NULL",
			    BIND_LIST(BIND_INT(mac), BIND_TEXT(uuid), BIND_TEXT(product), BIND_TEXT(holder)), NULL,
			    msg);
}

int vmp_licensed_add(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
		     const struct vmp_licence_asker *asker, int64_t now, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT guest.mac, vm.tenant_id, vm.enclave_id, guest.state = 'started', "
				  "licence_product, " STANDING_COLUMNS "FROM guest JOIN vm ON vm.mac = guest.mac "
				  "JOIN template ON template.id = template_id JOIN tenant ON tenant.id = vm.tenant_id "
				  "JOIN enclave ON enclave.id = vm.enclave_id WHERE guest.uuid = ?1";
	const char *why;
	sqlite3_stmt *stmt;
	uint64_t mac;
	int err = vmp_stmt_first(store, sql, BIND_LIST(BIND_TEXT(uuid)), &stmt, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_EACCES, "not known here") : err;
	mac = (uint64_t)sqlite3_column_int64(stmt, MAC);
	why = refusal(stmt, product, asker, now);
	vmp_stmt_done(stmt);
	return why ? vmp_fail(msg, VMP_EACCES, "%s", why) : set(store, mac, uuid, holder, product, msg);
}

int vmp_licensed_self(struct vmp_store *store, uint64_t mac, const char *uuid, const char *product, struct vmp_msg *msg)
{
	return set(store, mac, uuid, uuid, product, msg);
}

/* -- going ---------------------------------------------------------------------------------------------------- */

/* Who gives a licence back need not be told that it is gone. */
#define GIVEN_BACK "UPDATE licensed SET doubt_ms = -1 "

int vmp_licensed_remove(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
			struct vmp_msg *msg)
{
	const struct vmp_bind *binds = BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product), BIND_TEXT(uuid));
	int n = 1, err = VMP_OK;

	if (strcmp(uuid, holder) != 0)
		err = vmp_stmt_run(store, GIVEN_BACK "WHERE holder = ?1 AND product = ?2 AND uuid = ?3", binds, &n,
				   msg);
	if (err != VMP_OK || !n)
		return err;
	return vmp_stmt_run(store, "DELETE FROM licensed WHERE holder = ?1 AND product = ?2 AND uuid = ?3", binds, NULL,
			    msg);
}

int vmp_licensed_clear(struct vmp_store *store, const char *holder, const char *product, struct vmp_msg *msg)
{
	const struct vmp_bind *binds = BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product));
	int n = 0, err = vmp_stmt_run(store, GIVEN_BACK "WHERE holder = ?1 AND product = ?2", binds, &n, msg);

	if (err != VMP_OK || !n)
		return err;
	return vmp_stmt_run(store, "DELETE FROM licensed WHERE holder = ?1 AND product = ?2", binds, NULL, msg);
}

int vmp_licensed_count(struct vmp_store *store, const char *holder, const char *product, int64_t *n,
		       struct vmp_msg *msg)
{
	return vmp_stmt_number(store, "SELECT count(*) FROM licensed WHERE holder = ?1 AND product = ?2",
			       BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product)), n, msg);
}

int vmp_licensed_sure(struct vmp_store *store, const char *holder, const char *product, int64_t boot_ms, int64_t *n,
		      struct vmp_msg *msg)
{
	return vmp_stmt_number(
		store, "SELECT count(*) FROM licensed WHERE holder = ?1 AND product = ?2 AND " IS_SURE,
		BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product), BIND_INT(boot_ms + VMP_LICENSED_LIST_MS)), n, msg);
}

int vmp_licensed_each(struct vmp_store *store, const char *holder,
		      int (*each)(void *ctx, const char *product, const char *uuid), void *ctx, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store,
				"SELECT product, uuid FROM licensed WHERE holder = ?1 ORDER BY holder, product, uuid",
				BIND_LIST(BIND_TEXT(holder)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = each(ctx, vmp_stmt_str(stmt, 0), vmp_stmt_str(stmt, 1));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_licensed_doubt(struct vmp_store *store, const char *holder, const char *product, int64_t boot_ms,
		       struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "UPDATE licensed SET doubt_ms = ?3 WHERE holder = ?1 AND product = ?2 AND " IS_SURE,
			    BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product), BIND_INT(boot_ms + VMP_LICENSED_LIST_MS)),
			    NULL, msg);
}

/* Not of those that wait to be named; and not each time anew, as there may be thousands. */
int vmp_licensed_elsewhere(struct vmp_store *store, const char *holder, const char *product, bool has, int64_t boot_ms,
			   struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "UPDATE licensed SET doubt_ms = ?3 WHERE holder = ?1 AND product = ?2 "
			    "AND coalesce(doubt_ms > ?4, ?3 IS NOT NULL) AND coalesce(?3 - doubt_ms >= 60000, 1)",
			    BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product),
				      BIND_NONZERO(has ? boot_ms + VMP_LICENSED_ELSEWHERE_MS : 0),
				      BIND_INT(boot_ms + VMP_LICENSED_LIST_MS)),
			    NULL, msg);
}

int vmp_licensed_begin(struct vmp_store *store, int64_t boot_ms, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "UPDATE licensed SET doubt_ms = ?1 WHERE doubt_ms > ?1",
			    BIND_LIST(BIND_INT(boot_ms + VMP_LICENSED_ELSEWHERE_MS)), NULL, msg);
}

/* -- what gateways are told ----------------------------------------------------------------------------------- */

/* A gateway, and what it is told. */
struct listener {
	struct vmp_store *store;
	uint64_t mac;
	const char *uuid;
	const struct vmp_licence_calls *calls;
	void *ctx;
	struct vmp_msg *msg;
	int64_t *version;
};

/* One that has started again since, or is licensed again, is not gone: its gateway would take the licence from who
 * has just got it. */
static int hear_licensed(const struct listener *l, const struct vmp_change *change)
{
	static const char sql[] = "SELECT 1 WHERE EXISTS (SELECT 1 FROM guest WHERE uuid = ?1 AND state = 'started' "
				  "AND started_at >= ?2) "
				  "OR EXISTS (SELECT 1 FROM licensed WHERE holder = ?3 AND uuid = ?1)";
	int64_t back;
	int err;

	if ((uint64_t)change->ref != l->mac)
		return VMP_OK;
	err = vmp_stmt_number(l->store, sql,
			      BIND_LIST(BIND_TEXT(change->name), BIND_INT(change->at), BIND_TEXT(l->uuid)), &back,
			      l->msg);
	return err == VMP_ENOENT ? l->calls->stopped(l->ctx, change->name) : err;
}

/* Of what it has no lease of, it hears nothing. */
static int hear_licence(const struct listener *l, const struct vmp_change *change)
{
	int64_t there;
	int err = vmp_stmt_number(l->store, "SELECT 1 FROM lease WHERE holder = ?1 AND product = ?2",
				  BIND_LIST(BIND_TEXT(l->uuid), BIND_TEXT(change->name)), &there, l->msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	return l->calls->is_short(l->ctx, change->name);
}

static int hear(void *ctx, const struct vmp_change *change)
{
	static const struct {
		const char *kind;
		int (*hear)(const struct listener *l, const struct vmp_change *change);
	} kinds[] = { { "licensed", hear_licensed }, { "licence", hear_licence } };
	const struct listener *l = ctx;
	size_t i;

	*l->version = change->id;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, change->kind) == 0)
			return kinds[i].hear(l, change);
	}
	return VMP_OK;
}

int vmp_licence_changes(struct vmp_store *store, uint64_t mac, const char *uuid, int64_t *version,
			const struct vmp_licence_calls *calls, void *ctx, struct vmp_msg *msg)
{
	struct listener l = {
		.store = store, .mac = mac, .uuid = uuid, .calls = calls, .ctx = ctx, .msg = msg, .version = version
	};

	return vmp_store_change_each(store, *version, CHANGES_MAX, hear, &l, msg);
}

int vmp_licence_covers(struct vmp_store *store, int64_t since, int64_t *last, bool *out, struct vmp_msg *msg)
{
	int64_t first = 0;
	int err = vmp_store_change_last(store, last, msg);

	if (err == VMP_OK)
		err = vmp_stmt_number(store, "SELECT ifnull(min(id), 0) FROM change", BIND_NONE, &first, msg);
	*out = since > 0 && since <= *last && first > 0 && first <= since + 1;
	return err;
}

int vmp_licence_short(struct vmp_store *store, const char *product, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "INSERT INTO change (kind, action, ref, name) VALUES ('licence', 'update', 0, ?1)",
			    BIND_LIST(BIND_TEXT(product)), NULL, msg);
}
