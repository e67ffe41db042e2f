/* Sessions that are over, and how they come to be. */
#include "store_session_internal.h"

#include <string.h>

/* Columns of the search. */
enum { ID, STATE, TOKEN, NAS, NAS_PORT, NAS_PORT_ID, ACCT, AUTHORIZED_AT, ENDED_AT, CLOSED_AT, ALARMED_AT };

static enum vmp_past_state state_of(const char *word)
{
	return *word == 'm' ? VMP_PAST_MOVED : *word == 'e' ? VMP_PAST_EXPIRED : VMP_PAST_STOPPED;
}

/* Are both known, and not the same? */
static bool other_token(uint64_t a, uint64_t b)
{
	return a && b && a != b;
}

static bool other_text(const char *a, const char *b)
{
	return *a && *b && strcmp(a, b) != 0;
}

static enum vmp_past_rank rank_of(sqlite3_stmt *row, const struct vmp_report *report, bool same_place)
{
	const char *acct = report->place.acct_session_id;

	if (report->token && (uint64_t)sqlite3_column_int64(row, TOKEN) == report->token)
		return VMP_PAST_TOKEN;
	if (*acct && strcmp(vmp_stmt_str(row, ACCT), acct) == 0 &&
	    strcmp(vmp_stmt_str(row, NAS), report->place.nas) == 0)
		return VMP_PAST_ACCT;
	return same_place ? VMP_PAST_PLACE : VMP_PAST_NONE;
}

static void take(sqlite3_stmt *row, const struct vmp_report *report, enum vmp_past_rank rank, struct vmp_past *out)
{
	out->rank = rank;
	out->id = sqlite3_column_int64(row, ID);
	out->state = state_of(vmp_stmt_str(row, STATE));
	out->authorized_at = sqlite3_column_int64(row, AUTHORIZED_AT);
	out->ended_at = sqlite3_column_int64(row, ENDED_AT);
	out->closed = sqlite3_column_type(row, CLOSED_AT) != SQLITE_NULL;
	out->over_at = sqlite3_column_int64(row, out->closed ? CLOSED_AT : ENDED_AT);
	out->differs = rank == VMP_PAST_PLACE &&
		       (other_token((uint64_t)sqlite3_column_int64(row, TOKEN), report->token) ||
			other_text(vmp_stmt_str(row, ACCT), report->place.acct_session_id));
}

/* Of the report's place alone.  A row of the report's own token is no other session that came before. */
static void look_at_place(sqlite3_stmt *row, enum vmp_past_rank rank, bool *seen, struct vmp_past *out)
{
	int64_t alarmed_at = sqlite3_column_int64(row, ALARMED_AT);

	if (sqlite3_column_type(row, ALARMED_AT) != SQLITE_NULL && alarmed_at > out->alarmed_at)
		out->alarmed_at = alarmed_at;
	if (*seen || rank == VMP_PAST_TOKEN)
		return;
	*seen = true;
	out->left_id = sqlite3_column_int64(row, ID);
	out->left_at = sqlite3_column_int64(row, ENDED_AT);
	out->left = state_of(vmp_stmt_str(row, STATE)) == VMP_PAST_MOVED &&
		    sqlite3_column_type(row, CLOSED_AT) == SQLITE_NULL;
}

int vmp_past_find(struct vmp_store *store, const struct vmp_report *report, struct vmp_past *out, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT id, state, token, nas, nas_port, nas_port_id, acct_session_id, "
				  "authorized_at, ended_at, closed_at, alarmed_at FROM past WHERE mac = ?1 "
				  "ORDER BY id DESC LIMIT ?2";
	bool seen = false;
	sqlite3_stmt *row;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(report->mac), BIND_INT(VMP_PAST_LOOK)), &row, msg);

	*out = (struct vmp_past){ .alarmed_at = INT64_MIN };
	while (err == VMP_OK && (err = vmp_stmt_next(store, row, msg)) == VMP_OK) {
		const struct vmp_place place = { .nas = vmp_stmt_str(row, NAS),
						 .nas_port = sqlite3_column_int64(row, NAS_PORT),
						 .nas_port_id = vmp_stmt_str(row, NAS_PORT_ID) };
		bool same_place = vmp_place_same(&place, &report->place);
		enum vmp_past_rank rank = rank_of(row, report, same_place);

		if (rank > out->rank)
			take(row, report, rank, out);
		if (same_place)
			look_at_place(row, rank, &seen, out);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_past_copy(struct vmp_store *store, uint64_t mac, const struct vmp_ending *ending, int64_t *past_id,
		  struct vmp_msg *msg)
{
	int err = vmp_stmt_run(store,
			       "INSERT INTO past (" SESSION_COMMON ", state, cause, ended_at, closed_at) "
			       "SELECT " SESSION_COMMON ", ?2, ?3, ?4, iif(?5, ?4, NULL) FROM session WHERE mac = ?1",
			       BIND_LIST(BIND_INT(mac), BIND_TEXT(ending->state), BIND_TEXT(ending->cause),
					 BIND_INT(ending->at), BIND_INT(ending->closed)),
			       NULL, msg);

	if (err == VMP_OK && past_id)
		*past_id = sqlite3_last_insert_rowid(store->db);
	return err;
}

int vmp_past_move(struct vmp_store *store, uint64_t mac, const struct vmp_ending *ending, struct vmp_msg *msg)
{
	int err = vmp_past_copy(store, mac, ending, NULL, msg);

	if (err == VMP_OK)
		err = vmp_stmt_run(store, "DELETE FROM session WHERE mac = ?1", BIND_LIST(BIND_INT(mac)), NULL, msg);
	return err;
}

int vmp_past_close(struct vmp_store *store, int64_t id, int64_t at, const char *cause, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "UPDATE past SET closed_at = ?2, cause = iif(cause = '', ?3, cause) "
			    "WHERE id = ?1 AND closed_at IS NULL",
			    BIND_LIST(BIND_INT(id), BIND_INT(at), BIND_TEXT(cause)), NULL, msg);
}

int vmp_session_end(struct vmp_store *store, uint64_t mac, uint64_t token, int64_t past_id, int64_t now,
		    const char *cause, struct vmp_msg *msg)
{
	const struct vmp_ending ending = { "stopped", cause, now, true };
	int64_t found;
	int err;

	if (past_id)
		return vmp_past_close(store, past_id, now, cause, msg);
	err = vmp_stmt_number(store, "SELECT 1 FROM session WHERE mac = ?1 AND token = ?2",
			      BIND_LIST(BIND_INT(mac), BIND_INT(token)), &found, msg);
	if (err == VMP_OK)
		return vmp_past_move(store, mac, &ending, msg);
	if (err != VMP_ENOENT || !token)
		return err == VMP_ENOENT ? VMP_OK : err;
	/* It has moved in the meantime. */
	return vmp_stmt_run(store,
			    "UPDATE past SET closed_at = ?3, cause = iif(cause = '', ?4, cause) "
			    "WHERE mac = ?1 AND token = ?2 AND closed_at IS NULL",
			    BIND_LIST(BIND_INT(mac), BIND_INT(token), BIND_INT(now), BIND_TEXT(cause)), NULL, msg);
}

/* The MACs, ascending, among at most max rows after *mac whose time is over. @param last  out: the last row; 0: the
 * end. */
static int find_expired(struct vmp_store *store, int64_t now, uint64_t after, int max, uint64_t *expired, int *n,
			uint64_t *last, struct vmp_msg *msg)
{
	sqlite3_stmt *row;
	int err = vmp_stmt_bind(store, "SELECT mac, expires_at FROM session WHERE mac > ?1 ORDER BY mac LIMIT ?2",
				BIND_LIST(BIND_INT(after), BIND_INT(max)), &row, msg),
	    seen = 0;

	*n = 0;
	*last = 0;
	for (; err == VMP_OK && (err = vmp_stmt_next(store, row, msg)) == VMP_OK; seen++) {
		int64_t expires_at = sqlite3_column_int64(row, 1);

		*last = (uint64_t)sqlite3_column_int64(row, 0);
		if (expires_at && expires_at <= now)
			expired[(*n)++] = *last;
	}
	if (seen < max)
		*last = 0;
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* At once: what is found is written down when the search is over. */
#define EXPIRE_STEP 256

int vmp_session_expire(struct vmp_store *store, int64_t now, uint64_t *mac, int max, int *n, struct vmp_msg *msg)
{
	const struct vmp_ending ending = { "expired", "Session-Timeout", now, false };
	uint64_t expired[EXPIRE_STEP];
	int step, found, i, err = VMP_OK;

	for (*n = 0; max > 0 && err == VMP_OK; max -= step) {
		step = max < EXPIRE_STEP ? max : EXPIRE_STEP;
		err = find_expired(store, now, *mac, step, expired, &found, mac, msg);
		for (i = 0; err == VMP_OK && i < found; i++, ++*n)
			err = vmp_past_move(store, expired[i], &ending, msg);
		if (!*mac)
			break;
	}
	return err;
}

/* Times are the NASes', so ids do not quite ascend with them: of the oldest rows all that are old go, and those of a
 * clock that was far ahead. */
int vmp_session_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n, struct vmp_msg *msg)
{
	static const char past[] = "DELETE FROM past WHERE id IN (SELECT id FROM past ORDER BY id LIMIT ?3) "
				   "AND ended_at NOT BETWEEN ?1 AND ?2",
			  notice[] = "DELETE FROM notice WHERE id IN (SELECT id FROM notice ORDER BY id LIMIT ?3) "
				     "AND at NOT BETWEEN ?1 AND ?2";
	int gone = 0, err;

	*n = 0;
	err = vmp_stmt_run(store, past, BIND_LIST(BIND_INT(now - keep_s), BIND_INT(now + keep_s), BIND_INT(max)), n,
			   msg);
	if (err == VMP_OK)
		err = vmp_stmt_run(store, notice,
				   BIND_LIST(BIND_INT(now - keep_s), BIND_INT(now + keep_s), BIND_INT(max)), &gone,
				   msg);
	*n += gone;
	return err;
}
