#include "store_route.h"
#include "cidr.h"
#include "store_stmt.h"

int vmp_store_route_add(struct vmp_store *store, uint64_t mac, const char *prefix, struct vmp_msg *msg)
{
	char text[VMP_CIDR_TEXT];
	int64_t there;
	int err = vmp_cidr_form(prefix, text, msg);

	if (err != VMP_OK)
		return err;
	err = vmp_stmt_number(store, "SELECT 1 FROM gateway_route WHERE mac = ?1 AND prefix = ?2",
			      BIND_LIST(BIND_INT(mac), BIND_TEXT(text)), &there, msg);
	if (err == VMP_OK)
		return vmp_fail(msg, VMP_EEXIST, "%s: the gateway has this route already", text);
	if (err != VMP_ENOENT)
		return err;
	return vmp_stmt_run(store, "INSERT INTO gateway_route (mac, prefix) VALUES (?1, ?2)",
			    BIND_LIST(BIND_INT(mac), BIND_TEXT(text)), NULL, msg);
}

int vmp_store_route_remove(struct vmp_store *store, uint64_t mac, const char *prefix, struct vmp_msg *msg)
{
	char text[VMP_CIDR_TEXT];
	int n = 0, err = vmp_cidr_form(prefix, text, msg);

	if (err == VMP_OK)
		err = vmp_stmt_run(store, "DELETE FROM gateway_route WHERE mac = ?1 AND prefix = ?2",
				   BIND_LIST(BIND_INT(mac), BIND_TEXT(text)), &n, msg);
	return err == VMP_OK && !n ? vmp_fail(msg, VMP_ENOENT, "%s: the gateway has no such route", text) : err;
}

int vmp_store_route_each(struct vmp_store *store, uint64_t mac,
			 int (*each)(void *ctx, uint64_t mac, const char *name, const char *prefix), void *ctx,
			 struct vmp_msg *msg)
{
	static const char sql[] = "SELECT gateway_route.mac, vm.name, prefix FROM gateway_route "
				  "JOIN vm ON vm.mac = gateway_route.mac WHERE ?1 = 0 OR gateway_route.mac = ?1 "
				  "ORDER BY gateway_route.mac, prefix";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(mac)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = each(ctx, (uint64_t)sqlite3_column_int64(stmt, 0), vmp_stmt_str(stmt, 1), vmp_stmt_str(stmt, 2));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
