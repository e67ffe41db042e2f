#include "rlm_vmprov.h"

static int conn_free(vmprov_conn_t *conn)
{
	vmp_store_close(conn->store);
	return 0;
}

/*
 *	Never fails: opening waits for use, because the pool would hold back every request for its
 *	retry_delay, and the store may be back at the next one.
 */
static void *conn_create(TALLOC_CTX *ctx, UNUSED void *opaque)
{
	vmprov_conn_t *conn = talloc_zero(ctx, vmprov_conn_t);

	if (conn) talloc_set_destructor(conn, conn_free);
	return conn;
}

int conn_pool_init(rlm_vmprov_t *inst, CONF_SECTION *conf)
{
	inst->pool = fr_connection_pool_module_init(conf, inst, conn_create, NULL, NULL);
	return inst->pool ? 0 : -1;
}

/*
 *	Once when the file was replaced under us, the second time on the new one.
 */
static int try_decide(rlm_vmprov_t *inst, vmprov_conn_t *conn, uint64_t mac, struct vmp_request const *req,
		      struct vmp_decision *out, struct vmp_msg *msg)
{
	int tries, err = VMP_ENOENT;

	for (tries = 0; tries < 2 && err == VMP_ENOENT; tries++) {
		if (!conn->store) {
			err = vmp_store_open(&conn->store, inst->filename, VMP_STORE_POLICY, VMP_STORE_READ,
					     (int) inst->busy_timeout, msg);
			if (err != VMP_OK) return err;
		}
		err = vmp_store_decide(conn->store, mac, req, out, msg);
		if (err == VMP_OK) return VMP_OK;

		vmp_store_end(conn->store);
		if (err != VMP_EBUSY) {
			vmp_store_close(conn->store);
			conn->store = NULL;
		}
	}
	return err;
}

int conn_decide(rlm_vmprov_t *inst, REQUEST *request, uint64_t mac, struct vmp_request const *req,
		struct vmp_decision *out, vmprov_conn_t **conn)
{
	struct vmp_msg msg = { "" };
	int err;

	*conn = fr_connection_get(inst->pool);
	if (!*conn) {
		module_failure_msg(request, "rlm_vmprov (%s): no free connection to the store", inst->name);
		return VMP_EBUSY;
	}
	err = try_decide(inst, *conn, mac, req, out, &msg);
	if (err == VMP_OK) return VMP_OK;

	fr_connection_release(inst->pool, *conn);
	*conn = NULL;
	RATE_LIMIT(ERROR("rlm_vmprov (%s): %s", inst->name, msg.text));
	module_failure_msg(request, "rlm_vmprov (%s): %s", inst->name, msg.text);
	return err;
}

void conn_done(rlm_vmprov_t *inst, vmprov_conn_t *conn)
{
	vmp_store_end(conn->store);
	fr_connection_release(inst->pool, conn);
}
