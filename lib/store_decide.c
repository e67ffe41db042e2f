/* The look-up of radiusd's hot path: one read transaction, one row, one decision. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

/* enabled to mab: the order that vm_from_row() reads. */
static const char *const look_sql[LOOKS] = {
	[LOOK_BEGIN] = "BEGIN",
	[LOOK_COMMIT] = "COMMIT",
	[LOOK_VM] = "SELECT enabled, not_before, not_after, tenant_id, enclave_id, coi_ids, links, name, "
		    "vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab "
		    "FROM vm WHERE mac = ?1",
	[LOOK_GENERATION] = "SELECT n, (SELECT user_version FROM pragma_user_version) FROM generation",
	[LOOK_MEMBERS] = "SELECT member_count FROM coi WHERE id = ?1",
	[LOOK_HOSTS] = "SELECT host_id FROM vm_host WHERE mac = ?1 LIMIT 64",
	[LOOK_NASES] = "SELECT nas_id FROM vm_nas WHERE mac = ?1 LIMIT 64",
	[LOOK_EAP_MD5] = "SELECT password FROM eap_md5 WHERE mac = ?1",
};

enum { LINK_HOST = 1, LINK_NAS = 2, LINK_EAP_MD5 = 4 };

int vmp_store_look(struct vmp_store *store, enum look which, struct vmp_msg *msg)
{
	int rc;

	if (store->look[which])
		return VMP_OK;
	rc = sqlite3_prepare_v3(store->db, look_sql[which], -1, SQLITE_PREPARE_PERSISTENT, &store->look[which], NULL);
	return rc == SQLITE_OK ? VMP_OK : vmp_store_error(store, rc, "cannot prepare", msg);
}

void vmp_store_look_clear(struct vmp_store *store)
{
	size_t i;

	for (i = 0; i < LOOKS; i++) {
		sqlite3_finalize(store->look[i]);
		store->look[i] = NULL;
	}
	vmp_store_catalog_free(store->box);
	store->box = NULL;
}

/* Run a statement with one number bound to its first row.
 * @return VMP_OK with a row; VMP_ENOENT without. */
static int step(struct vmp_store *store, enum look which, int64_t bind, struct vmp_msg *msg)
{
	int err = vmp_store_look(store, which, msg), rc;

	if (err != VMP_OK)
		return err;
	if (sqlite3_bind_parameter_count(store->look[which]))
		sqlite3_bind_int64(store->look[which], 1, bind);
	rc = sqlite3_step(store->look[which]);
	if (rc == SQLITE_ROW)
		return VMP_OK;
	if (rc == SQLITE_DONE)
		return VMP_ENOENT;
	return vmp_store_error(store, rc, "cannot read", msg);
}

/* Does the path still name the file that is open?  Two stat calls are a tenth of a look-up, so under
 * load only some look-ups ask. */
static bool still_there(struct vmp_store *store)
{
	int64_t now_ms = vmp_store_now_ms();

	if (now_ms - store->checked_ms < VMP_STORE_REPLACED_MS)
		return true;
	store->checked_ms = now_ms;
	return vmp_store_is_there(store);
}

static void ids_from_text(const char *text, int64_t *list, size_t *n)
{
	*n = 0;
	while (text && *text && *n < VMP_LINK_MAX) {
		int64_t v = 0;

		while (*text >= '0' && *text <= '9')
			v = v * 10 + (*text++ - '0');
		list[(*n)++] = v;
		if (*text)
			text++;
	}
}

static void vm_from_row(sqlite3_stmt *s, uint64_t mac, struct vmp_vm *vm, int *links)
{
	vm->mac = mac;
	vm->enabled = sqlite3_column_int(s, 0);
	vm->not_before = sqlite3_column_int64(s, 1); /* NULL reads as 0 */
	vm->not_after = sqlite3_column_type(s, 2) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(s, 2);
	vm->tenant_id = sqlite3_column_int64(s, 3);
	vm->enclave_id = sqlite3_column_int64(s, 4);
	ids_from_text((const char *)sqlite3_column_text(s, 5), vm->coi_id, &vm->n_coi);
	*links = sqlite3_column_int(s, 6);
	vm->name = (const char *)sqlite3_column_text(s, 7);
	vm->has_eap_md5 = *links & LINK_EAP_MD5;
	vm->n_host = vm->n_nas = 0;
	vmp_store_policy_columns(s, 8, &vm->policy);
}

static int read_links(struct vmp_store *store, enum look which, int64_t *list, size_t *n, struct vmp_msg *msg)
{
	int err = step(store, which, (int64_t)store->vm.mac, msg);

	while (err == VMP_OK && *n < VMP_LINK_MAX) {
		int rc;

		list[(*n)++] = sqlite3_column_int64(store->look[which], 0);
		rc = sqlite3_step(store->look[which]);
		if (rc == SQLITE_DONE)
			break;
		if (rc != SQLITE_ROW)
			err = vmp_store_error(store, rc, "cannot read", msg);
	}
	sqlite3_reset(store->look[which]);
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* Every commit by another connection changes SQLite's data version; only then is the generation row
 * asked, and only when that has moved are the small tables read again. */
static int reread_catalog(struct vmp_store *store, struct vmp_msg *msg)
{
	struct vmp_catalog_box *box;
	int64_t generation = 0;
	int version, err;

	err = step(store, LOOK_GENERATION, 0, msg);
	if (err == VMP_OK) {
		generation = sqlite3_column_int64(store->look[LOOK_GENERATION], 0);
		version = sqlite3_column_int(store->look[LOOK_GENERATION], 1);
		if (version != store->version)
			err = vmp_fail(msg, VMP_EVERSION, "store %s: schema version became %d, this program knows %d",
				       store->path, version, vmp_store_version_known(store->kind));
	}
	sqlite3_reset(store->look[LOOK_GENERATION]);
	if (err == VMP_ENOENT)
		err = vmp_fail(msg, VMP_ECORRUPT, "store %s: table generation is empty", store->path);
	if (err == VMP_OK && (!store->box || store->box->cat.generation != generation)) {
		err = vmp_store_catalog_load(store, generation, &box, msg);
		if (err == VMP_OK) {
			vmp_store_catalog_free(store->box);
			store->box = box;
		}
	}
	return err;
}

static int refresh_catalog(struct vmp_store *store, unsigned data_version, struct vmp_msg *msg)
{
	int err;

	if (store->box && data_version == store->data_version)
		return VMP_OK;
	err = reread_catalog(store, msg);
	if (err == VMP_OK)
		store->data_version = data_version;
	return err;
}

/* Member counts decide only between COIs of one VM, and change with every new member without a new
 * generation: read those that this VM needs, once for each version of the file. */
static int refresh_counts(struct vmp_store *store, struct vmp_msg *msg)
{
	struct vmp_catalog_box *box = store->box;
	size_t i;

	for (i = 0; i < store->vm.n_coi && store->vm.n_coi > 1; i++) {
		const struct vmp_coi *found = vmp_catalog_coi(&box->cat, store->vm.coi_id[i]);
		size_t at = found ? (size_t)(found - box->cat.coi) : 0;
		int err;

		if (!found || box->count_version[at] == store->data_version + 1)
			continue;
		err = step(store, LOOK_MEMBERS, found->id, msg);
		if (err == VMP_OK)
			box->cat.coi[at].member_count = sqlite3_column_int64(store->look[LOOK_MEMBERS], 0);
		sqlite3_reset(store->look[LOOK_MEMBERS]);
		if (err != VMP_OK)
			return err;
		box->count_version[at] = store->data_version + 1; /* 0 is "never" */
	}
	return VMP_OK;
}

/* Everything below happens inside one read transaction. */
static int decide(struct vmp_store *store, uint64_t mac, const struct vmp_request *req, struct vmp_decision *out,
		  struct vmp_msg *msg)
{
	struct vmp_vm *vm = &store->vm;
	unsigned data_version = 0;
	int err, found, links = 0;

	vm->mac = mac;
	found = step(store, LOOK_VM, (int64_t)mac, msg);
	if (found != VMP_OK && found != VMP_ENOENT)
		return found;
	vmp_store_snapshot_taken(store);
	if (found == VMP_OK)
		vm_from_row(store->look[LOOK_VM], mac, vm, &links);
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_DATA_VERSION, &data_version);
	err = refresh_catalog(store, data_version, msg);
	if (err == VMP_OK && found == VMP_OK)
		err = refresh_counts(store, msg);
	if (err == VMP_OK && links & LINK_HOST)
		err = read_links(store, LOOK_HOSTS, vm->host_id, &vm->n_host, msg);
	if (err == VMP_OK && links & LINK_NAS)
		err = read_links(store, LOOK_NASES, vm->nas_id, &vm->n_nas, msg);
	if (err == VMP_OK)
		vmp_policy_decide(&store->box->cat, found == VMP_OK ? vm : NULL, req, out);
	return err;
}

int vmp_store_decide(struct vmp_store *store, uint64_t mac, const struct vmp_request *req, struct vmp_decision *out,
		     struct vmp_msg *msg)
{
	int err;

	if (!still_there(store))
		return vmp_fail(msg, VMP_ENOENT, "store %s: the file was replaced or removed", store->path);
	err = vmp_store_snapshot_enter(store, msg);
	if (err == VMP_OK)
		err = decide(store, mac, req, out, msg);
	return err;
}

int vmp_store_eap_md5(struct vmp_store *store, char out[129], struct vmp_msg *msg)
{
	int err = step(store, LOOK_EAP_MD5, (int64_t)store->vm.mac, msg);

	if (err == VMP_OK) {
		const char *text = (const char *)sqlite3_column_text(store->look[LOOK_EAP_MD5], 0);
		size_t n = text ? strlen(text) : 0;

		if (n > 0 && n <= 128)
			memcpy(out, text, n + 1);
		else
			err = VMP_ENOENT;
	}
	if (store->look[LOOK_EAP_MD5])
		sqlite3_reset(store->look[LOOK_EAP_MD5]);
	return err;
}

void vmp_store_end(struct vmp_store *store)
{
	if (store->look[LOOK_VM])
		sqlite3_reset(store->look[LOOK_VM]);
	vmp_store_snapshot_leave(store);
}
