/* Sessions and notices, read. */
#include "store_session_internal.h"

#include <stdio.h>
#include <string.h>

bool vmp_place_same(const struct vmp_place *a, const struct vmp_place *b)
{
	if (strcmp(a->nas, b->nas) != 0)
		return false;
	if (*a->nas_port_id && *b->nas_port_id)
		return strcmp(a->nas_port_id, b->nas_port_id) == 0;
	return a->nas_port < 0 || b->nas_port < 0 || a->nas_port == b->nas_port;
}

/* SESSION_COMMON, and what differs. */
#define LASTING "SELECT " SESSION_COMMON ", 0, state, '', 0, 0 FROM session "
#define PAST	"SELECT " SESSION_COMMON ", id, state, cause, ended_at, closed_at FROM past "

enum {
	MAC,
	TOKEN,
	NAS,
	NAS_PORT,
	NAS_PORT_ID,
	NAS_IP,
	NAS_IDENTIFIER,
	USER_NAME,
	CALLING_STATION_ID,
	ACCT_SESSION_ID,
	FRAMED_IP,
	METHOD,
	CERT_NAME,
	QUARANTINED,
	VLAN,
	POLICY,
	AUTHORIZED_AT,
	SINCE,
	UPDATED_AT,
	EXPIRES_AT,
	INPUT_OCTETS,
	OUTPUT_OCTETS,
	PAST_ID,
	STATE,
	CAUSE,
	ENDED_AT,
	CLOSED_AT
};

static void read_place(sqlite3_stmt *row, struct vmp_place *out)
{
	out->nas = vmp_stmt_str(row, NAS);
	out->nas_port = sqlite3_column_int64(row, NAS_PORT);
	out->nas_port_id = vmp_stmt_str(row, NAS_PORT_ID);
	out->nas_ip = vmp_stmt_str(row, NAS_IP);
	out->nas_identifier = vmp_stmt_str(row, NAS_IDENTIFIER);
	out->user_name = vmp_stmt_str(row, USER_NAME);
	out->calling_station_id = vmp_stmt_str(row, CALLING_STATION_ID);
	out->acct_session_id = vmp_stmt_str(row, ACCT_SESSION_ID);
	out->framed_ip = vmp_stmt_str(row, FRAMED_IP);
}

static void read_session(sqlite3_stmt *row, struct vmp_session *out)
{
	out->past_id = sqlite3_column_int64(row, PAST_ID);
	out->mac = (uint64_t)sqlite3_column_int64(row, MAC);
	out->token = (uint64_t)sqlite3_column_int64(row, TOKEN);
	out->state = vmp_stmt_str(row, STATE);
	out->cause = vmp_stmt_str(row, CAUSE);
	read_place(row, &out->place);
	out->method = (enum vmp_method)sqlite3_column_int(row, METHOD);
	out->cert_name = vmp_stmt_str(row, CERT_NAME);
	out->quarantined = sqlite3_column_int(row, QUARANTINED);
	out->vlan = (uint16_t)sqlite3_column_int(row, VLAN);
	out->policy = (uint64_t)sqlite3_column_int64(row, POLICY);
	out->authorized_at = sqlite3_column_int64(row, AUTHORIZED_AT);
	out->since = sqlite3_column_int64(row, SINCE);
	out->updated_at = sqlite3_column_int64(row, UPDATED_AT);
	out->expires_at = sqlite3_column_int64(row, EXPIRES_AT);
	out->ended_at = sqlite3_column_int64(row, ENDED_AT);
	out->closed_at = sqlite3_column_int64(row, CLOSED_AT);
	out->input_octets = (uint64_t)sqlite3_column_int64(row, INPUT_OCTETS);
	out->output_octets = (uint64_t)sqlite3_column_int64(row, OUTPUT_OCTETS);
}

void vmp_session_done(struct vmp_store *store)
{
	vmp_stmt_done(store->session);
	store->session = NULL;
}

static int get(struct vmp_store *store, const char *sql, int64_t key, struct vmp_session *out, struct vmp_msg *msg)
{
	sqlite3_stmt *row;
	int err;

	vmp_session_done(store);
	err = vmp_stmt_first(store, sql, BIND_LIST(BIND_INT(key)), &row, msg);
	if (err != VMP_OK)
		return err;
	store->session = row;
	read_session(row, out);
	return VMP_OK;
}

int vmp_session_get(struct vmp_store *store, uint64_t mac, struct vmp_session *out, struct vmp_msg *msg)
{
	static const char sql[] = LASTING "WHERE mac = ?1";

	return get(store, sql, (int64_t)mac, out, msg);
}

int vmp_session_get_past(struct vmp_store *store, int64_t past_id, struct vmp_session *out, struct vmp_msg *msg)
{
	static const char sql[] = PAST "WHERE id = ?1";

	return get(store, sql, past_id, out, msg);
}

/* One text for each way through the tables, so that each finds its index. */
#define BY_MAC	    "mac = ?2 "
#define BY_NAS	    "nas = ?3 "
#define OTHERS	    "AND (?2 IS NULL OR mac = ?2) AND (?3 IS NULL OR nas = ?3) AND (?4 IS NULL OR cert_name = ?4) "
#define LASTING_END "AND mac > ?1 " OTHERS "ORDER BY mac LIMIT ?5"
#define PAST_END    "AND id > ?1 " OTHERS "ORDER BY id LIMIT ?5"

static const char *sql_of(const struct vmp_session_filter *filter)
{
	static const char lasting_mac[] = LASTING "WHERE " BY_MAC LASTING_END,
			  lasting_nas[] = LASTING "WHERE " BY_NAS LASTING_END,
			  lasting_all[] = LASTING "WHERE mac > ?1 " LASTING_END,
			  past_mac[] = PAST "WHERE " BY_MAC PAST_END, past_all[] = PAST "WHERE id > ?1 " PAST_END;

	if (filter->past)
		return filter->mac ? past_mac : past_all;
	return filter->mac ? lasting_mac : filter->nas ? lasting_nas : lasting_all;
}

int vmp_session_each(struct vmp_store *store, const struct vmp_session_filter *filter,
		     int (*each)(void *ctx, const struct vmp_session *session), void *ctx, struct vmp_msg *msg)
{
	struct vmp_session session;
	sqlite3_stmt *row;
	int err = vmp_stmt_bind(store, sql_of(filter),
				BIND_LIST(BIND_INT(filter->after), BIND_NONZERO(filter->mac), BIND_TEXT(filter->nas),
					  BIND_TEXT(filter->cert_name), BIND_INT(filter->max > 0 ? filter->max : -1)),
				&row, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, row, msg)) == VMP_OK) {
		read_session(row, &session);
		err = each(ctx, &session);
		if (err != VMP_OK) {
			vmp_stmt_done(row);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_session_notice_each(struct vmp_store *store, int64_t since, int max,
			    int (*each)(void *ctx, const struct vmp_notice *notice), void *ctx, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT id, at, past_id, mac, kind, nas, detail FROM notice WHERE id > ?1 "
				  "ORDER BY id LIMIT ?2";
	char detail[VMP_MSG_MAX];
	sqlite3_stmt *row;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(since), BIND_INT(max)), &row, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, row, msg)) == VMP_OK) {
		const struct vmp_notice notice = { .id = sqlite3_column_int64(row, 0),
						   .at = sqlite3_column_int64(row, 1),
						   .past_id = sqlite3_column_int64(row, 2),
						   .mac = (uint64_t)sqlite3_column_int64(row, 3),
						   .kind = vmp_stmt_str(row, 4),
						   .nas = vmp_stmt_str(row, 5),
						   .detail = detail };

		/* It goes to people, and may speak of what a NAS has sent. */
		vmp_stmt_text(row, 6, detail, sizeof(detail));
		err = each(ctx, &notice);
		if (err != VMP_OK) {
			vmp_stmt_done(row);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_notice_add(struct vmp_store *store, const struct vmp_notice *what, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "INSERT INTO notice (at, kind, mac, past_id, nas, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			    BIND_LIST(BIND_INT(what->at), BIND_TEXT(what->kind), BIND_INT(what->mac),
				      BIND_INT(what->past_id), BIND_TEXT(what->nas), BIND_TEXT(what->detail)),
			    NULL, msg);
}

int vmp_session_store_id(struct vmp_store *store, char out[33], struct vmp_msg *msg)
{
	sqlite3_stmt *row;
	int err = vmp_stmt_first(store, "SELECT store_id FROM site", BIND_NONE, &row, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_ECORRUPT, "session store: it has no id") : err;
	vmp_stmt_text(row, 0, out, 33);
	vmp_stmt_done(row);
	return VMP_OK;
}
