#include "store_whom.h"
#include "mac.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {
	[VMP_CERT_VM] = "vm",	      [VMP_CERT_GATEWAY] = "gateway", [VMP_CERT_HOST] = "host",
	[VMP_CERT_SERVER] = "server", [VMP_CERT_SIGNER] = "signer",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *vmp_kind_word(enum vmp_cert_kind kind)
{
	return (size_t)kind < KINDS && kinds[kind] ? kinds[kind] : "";
}

enum vmp_cert_kind vmp_kind_of(const char *word)
{
	size_t i;

	for (i = 1; i < KINDS && word; i++) {
		if (strcmp(kinds[i], word) == 0)
			return (enum vmp_cert_kind)i;
	}
	return (enum vmp_cert_kind)0;
}

/* The order of WHOM_COLUMNS. */
enum {
	MAC,
	HOST_ID,
	UUID,
	NAME,
	DNS,
	TEMPLATE,
	LIFE,
	NEXT_KIND,
	STANDING,
	TENANT = STANDING + 5,
	ENCLAVE,
	LICENCE,
	GATEWAY,
	BROKER
};

void vmp_whom_read(sqlite3_stmt *stmt, int col, struct vmp_identity *out)
{
	memset(out, 0, sizeof(*out));
	out->mac = (uint64_t)sqlite3_column_int64(stmt, col + MAC);
	out->host_id = sqlite3_column_int64(stmt, col + HOST_ID);
	out->life_s = sqlite3_column_int64(stmt, col + LIFE);
	out->next_kind = out->host_id ? VMP_CERT_HOST
				      : vmp_kind_of((const char *)sqlite3_column_text(stmt, col + NEXT_KIND));
	vmp_stmt_text(stmt, col + UUID, out->uuid, sizeof(out->uuid));
	vmp_stmt_text(stmt, col + NAME, out->name, sizeof(out->name));
	vmp_stmt_text(stmt, col + DNS, out->dns, sizeof(out->dns));
	vmp_stmt_text(stmt, col + TEMPLATE, out->template_name, sizeof(out->template_name));
	out->tenant_id = sqlite3_column_int64(stmt, col + TENANT);
	out->enclave_id = sqlite3_column_int64(stmt, col + ENCLAVE);
	vmp_stmt_text(stmt, col + LICENCE, out->licence, sizeof(out->licence));
	vmp_stmt_text(stmt, col + GATEWAY, out->gateway, sizeof(out->gateway));
	out->broker = sqlite3_column_int(stmt, col + BROKER);
}

/* NULL: no bound, no tenant. */
static bool is_off(sqlite3_stmt *stmt, int col)
{
	return sqlite3_column_type(stmt, col) != SQLITE_NULL && !sqlite3_column_int(stmt, col);
}

const char *vmp_standing_refusal(sqlite3_stmt *stmt, int col, int64_t now)
{
	if (sqlite3_column_type(stmt, col) == SQLITE_NULL)
		return "not there any more";
	if (is_off(stmt, col))
		return "disabled";
	if (sqlite3_column_int64(stmt, col + 1) > now)
		return "not valid yet";
	if (sqlite3_column_type(stmt, col + 2) != SQLITE_NULL && sqlite3_column_int64(stmt, col + 2) <= now)
		return "expired";
	if (is_off(stmt, col + 3))
		return "its tenant is disabled";
	return is_off(stmt, col + 4) ? "its enclave is disabled" : NULL;
}

const char *vmp_whom_refusal(sqlite3_stmt *stmt, int col, int64_t now)
{
	return vmp_standing_refusal(stmt, col + STANDING, now);
}

const char *vmp_whom_text(const struct vmp_identity *who, char out[WHOM_TEXT])
{
	char mac[VMP_MAC_TEXT];

	if (who->mac) {
		vmp_mac_format(who->mac, mac);
		snprintf(out, WHOM_TEXT, "vm %s", mac);
	} else if (who->host_id) {
		snprintf(out, WHOM_TEXT, "host %s", who->name);
	} else {
		snprintf(out, WHOM_TEXT, "policyd");
	}
	return out;
}

int vmp_cert_insert(struct vmp_store *store, const struct vmp_identity *who, const struct vmp_cert_row *row,
		    struct vmp_msg *msg)
{
	char serial[2 * VMP_SERIAL + 1];

	vmp_hex(row->who.serial, VMP_SERIAL, serial);
	return vmp_stmt_run(store,
			    "INSERT INTO certificate (serial, kind, mac, host_id, template_id, subject, not_before, "
			    "not_after, issued_at, key_digest, der) VALUES (?1, ?2, ?3, ?4, "
			    "(SELECT template_id FROM guest WHERE mac = ?3), ?5, ?6, ?7, ?8, ?9, ?10)",
			    BIND_LIST(BIND_TEXT(serial), BIND_TEXT(vmp_kind_word(row->who.kind)),
				      BIND_NONZERO(who->mac), BIND_NONZERO(who->host_id), BIND_TEXT(row->subject),
				      BIND_INT(row->who.not_before), BIND_INT(row->who.not_after),
				      BIND_INT(row->issued_at), BIND_BLOB(row->key_digest, VMP_DIGEST),
				      BIND_BLOB(row->der, row->der_len)),
			    NULL, msg);
}
