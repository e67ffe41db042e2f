#include "store_directory.h"
#include "cidr.h"
#include "store_inner.h"
#include "store_whom.h"

#include <stdlib.h>
#include <string.h>

/** After more changes than this, everything is told anew: to sift them costs as much. */
#define CHANGES_MAX 8192

_Static_assert(VMP_LINK_MAX == 64, "one bit of a uint64_t for each COI of a VM");

/* A VM that something happened to. */
struct moved {
	uint64_t mac;
	bool left;		  /* a COI that the viewer is in */
	char uuid[VMP_UUID_TEXT]; /* that it does not have any more; empty: none */
};

/* Who asks, and what is being told. */
struct viewer {
	struct vmp_store *store;
	uint64_t mac;
	int64_t now;
	const struct vmp_dir_calls *calls;
	void *ctx;
	struct vmp_msg *msg;

	struct vmp_inner_prefixes inside;
	size_t n_coi; /* its COIs, in the order in which one is chosen */
	struct vmp_shared_coi coi[VMP_LINK_MAX];
	uint64_t enabled; /* a bit for each */

	struct moved *moved;
	size_t n_moved, room;
	bool full, keys; /* everything must be told; a COI has a new key */
	size_t told;
	struct vmp_dir_peer peer;
};

static int read_cois(struct viewer *v)
{
	static const char sql[] = "SELECT coi.id, coi.name, priority, member_count, enabled, "
				  "(SELECT max(epoch) FROM coi_key WHERE coi_key.coi_id = coi.id) FROM member "
				  "JOIN coi ON coi.id = member.coi_id WHERE mac = ?1 "
				  "ORDER BY priority, member_count, coi.id LIMIT 64";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(v->store, sql, BIND_LIST(BIND_INT(v->mac)), &stmt, v->msg);

	while (err == VMP_OK && (err = vmp_stmt_next(v->store, stmt, v->msg)) == VMP_OK) {
		struct vmp_shared_coi *coi = &v->coi[v->n_coi];

		coi->id = sqlite3_column_int64(stmt, 0);
		vmp_stmt_text(stmt, 1, coi->name, sizeof(coi->name));
		coi->priority = (uint32_t)sqlite3_column_int64(stmt, 2);
		coi->member_count = sqlite3_column_int64(stmt, 3);
		if (sqlite3_column_int(stmt, 4))
			v->enabled |= UINT64_C(1) << v->n_coi;
		coi->epoch = (uint32_t)sqlite3_column_int64(stmt, 5);
		v->n_coi++;
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

static uint64_t bit_of_id(const struct viewer *v, int64_t coi_id)
{
	size_t i;

	for (i = 0; i < v->n_coi; i++) {
		if (v->coi[i].id == coi_id)
			return UINT64_C(1) << i;
	}
	return 0;
}

static uint64_t bit_of_name(const struct viewer *v, const char *name)
{
	size_t i;

	for (i = 0; i < v->n_coi; i++) {
		if (strcmp(v->coi[i].name, name) == 0)
			return UINT64_C(1) << i;
	}
	return 0;
}

/* Which enabled COIs the viewer shares with another. */
static int read_shared(struct viewer *v, uint64_t mac, uint64_t *out)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(v->store, "SELECT coi_id FROM member WHERE mac = ?1", BIND_LIST(BIND_INT(mac)), &stmt,
				v->msg);

	*out = 0;
	while (err == VMP_OK && (err = vmp_stmt_next(v->store, stmt, v->msg)) == VMP_OK)
		*out |= bit_of_id(v, sqlite3_column_int64(stmt, 0));
	*out &= v->enabled;
	return err == VMP_ENOENT ? VMP_OK : err;
}

enum { MAC, UUID, NAME, WG_KEY, ENDPOINT, GATEWAY, REMOTE, INNER4, RUNS, STANDING };
#define PEER                                                                                                           \
	"SELECT guest.mac, guest.uuid, vm.name, guest.wg_key, guest.endpoint, template.kind = 'gateway', "             \
	"template.remote, (SELECT address FROM inner4 WHERE inner4.mac = guest.mac), "                                 \
	"guest.state = 'started' AND guest.wg_key IS NOT NULL, " STANDING_COLUMNS "FROM "
#define PEER_JOIN                                                                                                      \
	" JOIN template ON template.id = guest.template_id JOIN tenant ON tenant.id = vm.tenant_id "                   \
	"JOIN enclave ON enclave.id = vm.enclave_id "

/* @return true: it may be told of.  Its id is filled in either way. */
static bool peer_from_row(struct viewer *v, sqlite3_stmt *stmt)
{
	struct vmp_dir_peer *peer = &v->peer;

	vmp_stmt_text(stmt, UUID, peer->id, sizeof(peer->id));
	vmp_stmt_text(stmt, NAME, peer->name, sizeof(peer->name));
	vmp_stmt_text(stmt, WG_KEY, peer->wg_key, sizeof(peer->wg_key));
	vmp_stmt_text(stmt, ENDPOINT, peer->endpoint, sizeof(peer->endpoint));
	peer->gateway = sqlite3_column_int(stmt, GATEWAY);
	peer->remote = sqlite3_column_int(stmt, REMOTE);
	peer->mac = (uint64_t)sqlite3_column_int64(stmt, MAC);
	vmp_inner_text(&v->inside, peer->mac, peer->inner);
	vmp_inner4_text(&v->inside, sqlite3_column_int64(stmt, INNER4), peer->inner4);
	return sqlite3_column_int(stmt, RUNS) && !vmp_standing_refusal(stmt, STANDING, v->now);
}

/* What is typed past the schema, and no prefix, would have every machine refuse its directory. */
static int read_routes(struct viewer *v)
{
	struct vmp_dir_peer *peer = &v->peer;
	sqlite3_stmt *stmt;
	int err;

	peer->n_route = 0;
	if (!peer->gateway)
		return VMP_OK;
	err = vmp_stmt_bind(v->store, "SELECT prefix FROM gateway_route WHERE mac = ?1 LIMIT 64",
			    BIND_LIST(BIND_INT(peer->mac)), &stmt, v->msg);
	while (err == VMP_OK && (err = vmp_stmt_next(v->store, stmt, v->msg)) == VMP_OK) {
		if (vmp_cidr_form(vmp_stmt_str(stmt, 0), peer->route[peer->n_route], NULL) == VMP_OK)
			peer->n_route++;
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

static int tell_peer(struct viewer *v, uint64_t shared)
{
	int err = read_routes(v);
	size_t i;

	if (err != VMP_OK)
		return err;

	v->peer.n_coi = 0;
	for (i = 0; i < v->n_coi; i++) {
		if (shared >> i & 1)
			v->peer.coi[v->peer.n_coi++] = v->coi[i];
	}
	v->told++;
	return v->calls->peer(v->ctx, &v->peer);
}

static int tell_gone(struct viewer *v, const char *id)
{
	v->told++;
	return v->calls->gone(v->ctx, id);
}

/* One member of COI number at; told when that is the first COI that it shares. */
static int tell_member(struct viewer *v, sqlite3_stmt *stmt, size_t at)
{
	uint64_t mac = (uint64_t)sqlite3_column_int64(stmt, MAC), shared = UINT64_C(1) << at;
	int err = VMP_OK;

	if (mac == v->mac || !peer_from_row(v, stmt))
		return VMP_OK;
	if (v->enabled != shared)
		err = read_shared(v, mac, &shared);
	if (err != VMP_OK || shared & ((UINT64_C(1) << at) - 1))
		return err;
	return tell_peer(v, shared);
}

static int tell_all(struct viewer *v)
{
	static const char sql[] = PEER "member CROSS JOIN guest ON guest.mac = member.mac "
				       "JOIN vm ON vm.mac = member.mac" PEER_JOIN
				       "WHERE coi_id = ?1 AND guest.state = 'started' AND guest.wg_key IS NOT NULL";
	sqlite3_stmt *stmt;
	size_t i;
	int err;

	for (i = 0; i < v->n_coi; i++) {
		if (!(v->enabled >> i & 1))
			continue;
		err = vmp_stmt_bind(v->store, sql, BIND_LIST(BIND_INT(v->coi[i].id)), &stmt, v->msg);
		if (err != VMP_OK)
			return err;
		while ((err = vmp_stmt_next(v->store, stmt, v->msg)) == VMP_OK) {
			err = tell_member(v, stmt, i);
			if (err != VMP_OK) {
				vmp_stmt_done(stmt);
				return err;
			}
		}
		if (err != VMP_ENOENT)
			return err;
	}
	return VMP_OK;
}

/* A row of change. */
struct entry {
	const char *action, *name;
	int64_t ref;
};

static bool is_action(const struct entry *c, const char *action)
{
	return strcmp(c->action, action) == 0;
}

static int add_moved(struct viewer *v, uint64_t mac, bool left, const char *uuid)
{
	struct moved *m;

	if (v->n_moved == v->room) {
		size_t room = v->room ? v->room * 2 : 32;
		struct moved *more = realloc(v->moved, room * sizeof(*more));

		if (!more)
			return vmp_fail(v->msg, VMP_ENOMEM, "out of memory");
		v->moved = more;
		v->room = room;
	}
	m = &v->moved[v->n_moved++];
	memset(m, 0, sizeof(*m));
	m->mac = mac;
	m->left = left;
	memcpy(m->uuid, uuid, strnlen(uuid, sizeof(m->uuid) - 1));
	return VMP_OK;
}

static bool is_own(struct viewer *v, const struct entry *c)
{
	return (uint64_t)c->ref == v->mac;
}

static int on_vm(struct viewer *v, const struct entry *c)
{
	v->full |= is_own(v, c);
	return is_own(v, c) ? VMP_OK : add_moved(v, (uint64_t)c->ref, false, "");
}

/* In other COIs than the viewer's it may come and go. */
static int on_member(struct viewer *v, const struct entry *c)
{
	uint64_t bit = bit_of_name(v, c->name) & v->enabled;

	v->full |= is_own(v, c);
	return is_own(v, c) || !bit ? VMP_OK : add_moved(v, (uint64_t)c->ref, is_action(c, "delete"), "");
}

/* Its own key and endpoint change nothing of what it sees. */
static int on_guest(struct viewer *v, const struct entry *c)
{
	if (!is_own(v, c))
		return add_moved(v, (uint64_t)c->ref, false, is_action(c, "delete") ? c->name : "");
	v->full |= !is_action(c, "update");
	return VMP_OK;
}

/* An epoch that is retired leaves its successor, which every live member has. */
static int on_coi_key(struct viewer *v, const struct entry *c)
{
	v->keys |= is_action(c, "insert") && bit_of_id(v, c->ref) & v->enabled;
	return VMP_OK;
}

/* What stands behind machines, by the word that its change begins with, and whether any member of a COI is of it. */
static const struct {
	const char *word, *sql;
} behind[] = {
	{ "coi ", "SELECT 1 WHERE ?1 = ?2" },
	{ "tenant ", "SELECT 1 FROM member CROSS JOIN vm USING (mac) WHERE coi_id = ?1 AND tenant_id = ?2 LIMIT 1" },
	{ "enclave ", "SELECT 1 FROM member CROSS JOIN vm USING (mac) WHERE coi_id = ?1 AND enclave_id = ?2 LIMIT 1" },
	{ "site", "SELECT 1 WHERE ?1 <> 0 OR ?2 <> 0" },
	{ "template ",
	  "SELECT 1 FROM member CROSS JOIN guest USING (mac) WHERE coi_id = ?1 AND template_id = ?2 LIMIT 1" },
};

/* Does it concern any of the viewer's COIs? */
static int concerns(struct viewer *v, const struct entry *c, const char *sql)
{
	int64_t there;
	size_t i;
	int err;

	for (i = 0; i < v->n_coi; i++) {
		err = vmp_stmt_number(v->store, sql, BIND_LIST(BIND_INT(v->coi[i].id), BIND_INT(c->ref)), &there,
				      v->msg);
		if (err != VMP_ENOENT) {
			v->full |= err == VMP_OK;
			return err;
		}
	}
	return VMP_OK;
}

/* The schema's word that a directory shows the change.  What a VM has of its own is not shown to itself. */
static int on_directory(struct viewer *v, const struct entry *c)
{
	size_t i;

	if (strncmp(c->name, "vm ", 3) == 0)
		return is_own(v, c) ? VMP_OK : add_moved(v, (uint64_t)c->ref, false, "");
	for (i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		if (strncmp(c->name, behind[i].word, strlen(behind[i].word)) == 0)
			return concerns(v, c, behind[i].sql);
	}
	return VMP_OK;
}

static const struct {
	const char *kind;
	int (*on)(struct viewer *v, const struct entry *c);
} kinds[] = {
	{ "vm", on_vm },	   { "member", on_member },	  { "guest", on_guest },
	{ "coi_key", on_coi_key }, { "directory", on_directory },
};

static int on_entry(struct viewer *v, const char *kind, const struct entry *c)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].on(v, c);
	}
	return VMP_OK;
}

static int read_changes(struct viewer *v, int64_t since)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(v->store, "SELECT kind, action, name, ref FROM change WHERE id > ?1 ORDER BY id",
				BIND_LIST(BIND_INT(since)), &stmt, v->msg);

	while (err == VMP_OK && !v->full && (err = vmp_stmt_next(v->store, stmt, v->msg)) == VMP_OK) {
		const struct entry c = { .action = (const char *)sqlite3_column_text(stmt, 1),
					 .name = (const char *)sqlite3_column_text(stmt, 2),
					 .ref = sqlite3_column_int64(stmt, 3) };

		err = on_entry(v, (const char *)sqlite3_column_text(stmt, 0), &c);
	}
	if (err == VMP_ENOENT)
		return VMP_OK;
	vmp_stmt_done(stmt);
	return err;
}

static int moved_order(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;

	return x->mac < y->mac ? -1 : x->mac > y->mac;
}

/* The UUIDs that it had once; not the one that it has, if that has just been told of. */
static int tell_former(struct viewer *v, const struct moved *m, size_t n, const char *id)
{
	size_t i, j;
	int err = VMP_OK;

	for (i = 0; i < n && err == VMP_OK; i++) {
		for (j = 0; j < i && strcmp(m[j].uuid, m[i].uuid) != 0; j++)
			;
		if (j == i && *m[i].uuid && strcmp(m[i].uuid, id) != 0)
			err = tell_gone(v, m[i].uuid);
	}
	return err;
}

/* All that is known of one VM's changes: m and n - 1 more.  What it shares now, or just left, may be told; of others
 * not even that they are there. */
static int tell_moved(struct viewer *v, const struct moved *m, size_t n)
{
	static const char sql[] = PEER "vm JOIN guest ON guest.mac = vm.mac" PEER_JOIN "WHERE vm.mac = ?1";
	bool left = false, visible;
	uint64_t shared;
	sqlite3_stmt *stmt;
	size_t i;
	int err = read_shared(v, m->mac, &shared);

	for (i = 0; i < n; i++)
		left |= m[i].left;
	if (err != VMP_OK || (!shared && !left))
		return err;
	v->peer.id[0] = '\0';
	err = vmp_stmt_first(v->store, sql, BIND_LIST(BIND_INT(m->mac)), &stmt, v->msg);
	if (err == VMP_ENOENT)
		return tell_former(v, m, n, "");
	if (err != VMP_OK)
		return err;
	visible = peer_from_row(v, stmt);
	vmp_stmt_done(stmt);
	err = visible && shared ? tell_peer(v, shared) : tell_gone(v, v->peer.id);
	return err == VMP_OK ? tell_former(v, m, n, v->peer.id) : err;
}

static int tell_differences(struct viewer *v)
{
	size_t at, n;
	int err = VMP_OK;

	if (v->n_moved)
		qsort(v->moved, v->n_moved, sizeof(*v->moved), moved_order);
	for (at = 0; at < v->n_moved && err == VMP_OK; at += n) {
		for (n = 1; at + n < v->n_moved && v->moved[at + n].mac == v->moved[at].mac; n++)
			;
		err = tell_moved(v, v->moved + at, n);
	}
	return err;
}

/* Do the changes after since still say all? */
static int is_covered(struct vmp_store *store, int64_t since, int64_t last, bool *out, struct vmp_msg *msg)
{
	int64_t first = 0;
	int err = vmp_stmt_number(store, "SELECT min(id) FROM change", BIND_NONE, &first, msg);

	*out = since > 0 && since <= last && first > 0 && first <= since + 1 && last - since <= CHANGES_MAX;
	return err;
}

static int look(struct viewer *v, int64_t since, int64_t last, bool *full)
{
	bool covered = since == last && since > 0;
	int err = covered ? VMP_OK : is_covered(v->store, since, last, &covered, v->msg);

	if (err != VMP_OK || (since == last && covered))
		return err == VMP_OK ? VMP_ENOENT : err;
	err = vmp_store_inner_prefixes(v->store, &v->inside, v->msg);
	if (err == VMP_OK)
		err = read_cois(v);
	if (err == VMP_OK && covered)
		err = read_changes(v, since);
	*full = !covered || v->full;
	if (err == VMP_OK)
		err = *full ? tell_all(v) : tell_differences(v);
	return err == VMP_OK && !*full && !v->keys && !v->told ? VMP_ENOENT : err;
}

int vmp_store_directory(struct vmp_store *store, uint64_t mac, int64_t since, int64_t now,
			const struct vmp_dir_calls *calls, void *ctx, int64_t *version, bool *full, struct vmp_msg *msg)
{
	struct viewer v = { .store = store, .mac = mac, .now = now, .calls = calls, .ctx = ctx, .msg = msg };
	bool opened;
	int err;

	*full = false;
	err = vmp_stmt_read_begin(store, &opened, msg);
	if (err != VMP_OK)
		return err;
	err = vmp_store_change_last(store, version, msg);
	if (err == VMP_OK)
		err = look(&v, since, *version, full);
	vmp_stmt_read_end(store, opened);
	free(v.moved);
	return err;
}
