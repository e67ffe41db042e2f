/* Jobs of CoA and Disconnect: made, read, and brought to their end. */
#include "store_coa.h"
#include "store_stmt.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define OUTCOME	      400 /* octets, as the schema has it */

static const char *const actions[] = {
	[VMP_COA_REAUTHENTICATE] = "coa",
	[VMP_COA_DISCONNECT] = "disconnect",
	[VMP_COA_TEST] = "test",
};

static const char *const states[] = {
	[VMP_COA_PENDING] = "pending",
	[VMP_COA_VERIFY] = "verify",
	[VMP_COA_DONE] = "done",
	[VMP_COA_FAILED] = "failed",
};

const char *vmp_coa_action_name(enum vmp_coa_action action)
{
	return actions[action];
}

const char *vmp_coa_state_name(enum vmp_coa_state state)
{
	return states[state];
}

/* The schema knows no other words. */
static size_t index_of(const char *word, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n && strcmp(words[i], word) != 0; i++)
		;
	return i < n ? i : 0;
}

/* Words of a NAS or of an error, as many as there is room for. */
static const char *cut(const char *text, char out[OUTCOME + 1])
{
	size_t len = text ? vmp_stmt_cut(text, strlen(text), OUTCOME) : 0;

	if (len)
		memcpy(out, text, len);
	out[len] = '\0';
	return out;
}

#define OPEN	"finished_at IS NULL"
#define SESSION "mac = ?1 AND nas = ?2 AND past_id = ?3 AND " OPEN " AND action <> 'test'" /* index coa_job_open */

/* Both are given the same parameters.  Their order is that of save(). */
static const char insert_sql[] =
	"INSERT INTO coa_job (id, action, reason, actor, mac, nas, past_id, token, nas_port, nas_port_id, nas_ip, "
	"nas_identifier, user_name, calling_station_id, acct_session_id, framed_ip) "
	"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
/* What is to be done whatever the policy says must not become a job that is dropped when the policy changes back: the
 * same reasons for C and for SQL. */
static const char *const standing[] = { "administrator", "certificate-revoked", "clone" };
#define STANDS(reason) reason " IN ('administrator', 'certificate-revoked', 'clone')"

bool vmp_coa_reason_stands(const char *reason)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(standing); i++) {
		if (strcmp(reason, standing[i]) == 0)
			return true;
	}
	return false;
}

#define KEPT "(action = 'disconnect' OR ?2 = 'coa') AND " STANDS("reason") " AND NOT " STANDS("?3")
/* created_at too: whoever ends what is older must not end this.  A CoA that its NAS has acknowledged for this very
 * session is not asked for again while its effect is awaited: what the guest then gets is the latest anyway. */
static const char renew_sql[] =
	"UPDATE coa_job SET action = iif(action = 'disconnect', action, ?2), reason = iif(" KEPT ", reason, ?3), "
	"actor = iif(" KEPT ", actor, ?4), token = ?8, "
	"nas_port = ?9, nas_port_id = ?10, nas_ip = ?11, nas_identifier = ?12, user_name = ?13, "
	"calling_station_id = ?14, acct_session_id = ?15, framed_ip = ?16, "
	"created_at = CAST(strftime('%s', 'now') AS INTEGER), state = 'pending', attempts = 0, not_before = 0, "
	"error_cause = 0, outcome = '' WHERE id = ?1 AND NOT (state = 'verify' AND ?2 = 'coa' AND token = ?8)";

static int save(struct vmp_store *store, const char *sql, int64_t id, const struct vmp_coa_job *job,
		struct vmp_msg *msg)
{
	const struct vmp_place *place = &job->place;

	return vmp_stmt_run(
		store, sql,
		BIND_LIST(BIND_NONZERO(id), BIND_TEXT(actions[job->action]), BIND_TEXT(vmp_stmt_or_empty(job->reason)),
			  BIND_TEXT(job->actor ? job->actor : "policyd"), BIND_INT(job->mac),
			  BIND_TEXT(vmp_stmt_or_empty(place->nas)), BIND_INT(job->past_id), BIND_INT(job->token),
			  BIND_INT(place->nas_port), BIND_TEXT(vmp_stmt_or_empty(place->nas_port_id)),
			  BIND_TEXT(vmp_stmt_or_empty(place->nas_ip)),
			  BIND_TEXT(vmp_stmt_or_empty(place->nas_identifier)),
			  BIND_TEXT(vmp_stmt_or_empty(place->user_name)),
			  BIND_TEXT(vmp_stmt_or_empty(place->calling_station_id)),
			  BIND_TEXT(vmp_stmt_or_empty(place->acct_session_id)),
			  BIND_TEXT(vmp_stmt_or_empty(place->framed_ip))),
		NULL, msg);
}

int vmp_coa_add(struct vmp_store *store, const struct vmp_coa_job *job, int64_t *id, struct vmp_msg *msg)
{
	int64_t open = 0;
	int err = VMP_ENOENT;

	if (job->action != VMP_COA_TEST)
		err = vmp_stmt_number(store, "SELECT id FROM coa_job WHERE " SESSION,
				      BIND_LIST(BIND_INT(job->mac), BIND_TEXT(vmp_stmt_or_empty(job->place.nas)),
						BIND_INT(job->past_id)),
				      &open, msg);
	if (err != VMP_OK && err != VMP_ENOENT)
		return err;
	err = save(store, open ? renew_sql : insert_sql, open, job, msg);
	if (err == VMP_OK && id)
		*id = open ? open : sqlite3_last_insert_rowid(store->db);
	return err;
}

#define JOB                                                                                                            \
	"SELECT id, action, reason, actor, mac, token, past_id, nas, nas_port, nas_port_id, nas_ip, nas_identifier, "  \
	"user_name, calling_station_id, acct_session_id, framed_ip, state, created_at, not_before, finished_at, "      \
	"attempts, error_cause, outcome FROM coa_job "

static void read_place(sqlite3_stmt *stmt, int col, struct vmp_place *out)
{
	out->nas = vmp_stmt_str(stmt, col);
	out->nas_port = sqlite3_column_int64(stmt, col + 1);
	out->nas_port_id = vmp_stmt_str(stmt, col + 2);
	out->nas_ip = vmp_stmt_str(stmt, col + 3);
	out->nas_identifier = vmp_stmt_str(stmt, col + 4);
	out->user_name = vmp_stmt_str(stmt, col + 5);
	out->calling_station_id = vmp_stmt_str(stmt, col + 6);
	out->acct_session_id = vmp_stmt_str(stmt, col + 7);
	out->framed_ip = vmp_stmt_str(stmt, col + 8);
}

/* The columns of JOB. */
static void read_job(sqlite3_stmt *stmt, struct vmp_coa_job *out)
{
	out->id = sqlite3_column_int64(stmt, 0);
	out->action = (enum vmp_coa_action)index_of(vmp_stmt_str(stmt, 1), actions, ARRAY_SIZE(actions));
	out->reason = vmp_stmt_str(stmt, 2);
	out->actor = vmp_stmt_str(stmt, 3);
	out->mac = (uint64_t)sqlite3_column_int64(stmt, 4);
	out->token = (uint64_t)sqlite3_column_int64(stmt, 5);
	out->past_id = sqlite3_column_int64(stmt, 6);
	read_place(stmt, 7, &out->place);
	out->state = (enum vmp_coa_state)index_of(vmp_stmt_str(stmt, 16), states, ARRAY_SIZE(states));
	out->created_at = sqlite3_column_int64(stmt, 17);
	out->not_before = sqlite3_column_int64(stmt, 18);
	out->finished_at = sqlite3_column_int64(stmt, 19);
	out->attempts = sqlite3_column_int(stmt, 20);
	out->error_cause = (uint32_t)sqlite3_column_int64(stmt, 21);
	out->outcome = vmp_stmt_str(stmt, 22);
}

static int each_job(struct vmp_store *store, const char *sql, const struct vmp_bind *binds,
		    int (*each)(void *ctx, const struct vmp_coa_job *job), void *ctx, struct vmp_msg *msg)
{
	struct vmp_coa_job job;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, binds, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		read_job(stmt, &job);
		err = each(ctx, &job);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* From one to the next, so that the cost is that of the NASes, not of their jobs. */
int vmp_coa_nas_each(struct vmp_store *store, int (*each)(void *ctx, const char *nas), void *ctx, struct vmp_msg *msg)
{
	static const char sql[] = "WITH RECURSIVE step (nas) AS (SELECT min(nas) FROM coa_job WHERE " OPEN
				  " UNION ALL SELECT (SELECT min(nas) FROM coa_job WHERE " OPEN " AND nas > step.nas) "
				  "FROM step WHERE step.nas IS NOT NULL) SELECT nas FROM step WHERE nas IS NOT NULL";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_NONE, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = each(ctx, vmp_stmt_str(stmt, 0));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_coa_due_each(struct vmp_store *store, const char *nas, int64_t now, int64_t after, int max,
		     int (*each)(void *ctx, const struct vmp_coa_job *job), void *ctx, struct vmp_msg *msg)
{
	static const char sql[] = JOB "WHERE nas = ?1 AND id > ?2 AND " OPEN
				      " AND (not_before <= ?3 OR not_before > ?3 + iif(state = 'verify', 3601, 120)) "
				      "ORDER BY id LIMIT ?4";

	return each_job(store, sql, BIND_LIST(BIND_TEXT(nas), BIND_INT(after), BIND_INT(now), BIND_INT(max)), each, ctx,
			msg);
}

static const char get_sql[] = JOB "WHERE id = ?1";

int vmp_coa_get(struct vmp_store *store, int64_t id, struct vmp_coa_job *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, get_sql, BIND_LIST(BIND_INT(id)), &stmt, msg);

	if (err == VMP_OK)
		read_job(stmt, out);
	return err;
}

void vmp_coa_done(struct vmp_store *store)
{
	sqlite3_stmt *stmt;

	if (vmp_stmt_bind(store, get_sql, BIND_NONE, &stmt, NULL) == VMP_OK)
		vmp_stmt_done(stmt);
}

#define WITHIN "(?1 = 0 OR mac = ?1) AND (?2 IS NULL OR nas = ?2) AND id > ?3 ORDER BY id LIMIT ?4"

int vmp_coa_each(struct vmp_store *store, const struct vmp_coa_filter *filter,
		 int (*each)(void *ctx, const struct vmp_coa_job *job), void *ctx, struct vmp_msg *msg)
{
	/* Open ones are few among those that are kept: each way to ask for them has its index. */
	static const char all[] = JOB "WHERE " WITHIN, open[] = JOB "INDEXED BY coa_job_due WHERE " OPEN " AND " WITHIN,
			  of_nas[] = JOB "WHERE nas = ?2 AND " OPEN " AND " WITHIN,
			  of_mac[] = JOB "WHERE mac = ?1 AND " OPEN " AND action <> 'test' AND " WITHIN;
	const char *sql = filter->nas ? of_nas : open;

	if (filter->finished)
		sql = all;
	else if (filter->mac)
		sql = of_mac;
	return each_job(store, sql,
			BIND_LIST(BIND_INT(filter->mac), BIND_TEXT(filter->nas), BIND_INT(filter->after),
				  BIND_INT(filter->max ? filter->max : -1)),
			each, ctx, msg);
}

int vmp_coa_count(struct vmp_store *store, int64_t *open, struct vmp_msg *msg)
{
	return vmp_stmt_number(store, "SELECT count(*) FROM coa_job WHERE " OPEN, BIND_NONE, open, msg);
}

int vmp_coa_later(struct vmp_store *store, int64_t id, int64_t not_before, bool count, uint32_t error_cause,
		  const char *why, struct vmp_msg *msg)
{
	char words[OUTCOME + 1];

	return vmp_stmt_run(store,
			    "UPDATE coa_job SET state = 'pending', not_before = ?2, attempts = attempts + ?3, "
			    "error_cause = ?4, outcome = ?5 WHERE id = ?1 AND " OPEN,
			    BIND_LIST(BIND_INT(id), BIND_INT(not_before), BIND_INT(count), BIND_INT(error_cause),
				      BIND_TEXT(cut(why, words))),
			    NULL, msg);
}

int vmp_coa_verify(struct vmp_store *store, int64_t id, int64_t not_before, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "UPDATE coa_job SET state = 'verify', not_before = ?2, error_cause = 0, outcome = '' "
			    "WHERE id = ?1 AND action = 'coa' AND " OPEN,
			    BIND_LIST(BIND_INT(id), BIND_INT(not_before)), NULL, msg);
}

int vmp_coa_escalate(struct vmp_store *store, int64_t id, uint32_t error_cause, const char *why, struct vmp_msg *msg)
{
	char words[OUTCOME + 1];

	return vmp_stmt_run(
		store,
		"UPDATE coa_job SET action = 'disconnect', state = 'pending', attempts = 0, "
		"not_before = 0, error_cause = ?2, outcome = ?3 WHERE id = ?1 AND action <> 'test' AND " OPEN,
		BIND_LIST(BIND_INT(id), BIND_INT(error_cause), BIND_TEXT(cut(why, words))), NULL, msg);
}

#define FINISH                                                                                                         \
	"UPDATE coa_job SET state = iif(?2, 'done', 'failed'), outcome = ?3, finished_at = ?4, "                       \
	"error_cause = ?5 WHERE " OPEN " AND "

int vmp_coa_finish(struct vmp_store *store, int64_t id, bool done, uint32_t error_cause, const char *outcome,
		   int64_t now, struct vmp_msg *msg)
{
	char words[OUTCOME + 1];

	return vmp_stmt_run(store, FINISH "id = ?1",
			    BIND_LIST(BIND_INT(id), BIND_INT(done), BIND_TEXT(cut(outcome, words)), BIND_INT(now),
				      BIND_INT(error_cause)),
			    NULL, msg);
}

int vmp_coa_finish_nas(struct vmp_store *store, const char *nas, int64_t created_until, bool done, const char *outcome,
		       int64_t now, int *n, struct vmp_msg *msg)
{
	char words[OUTCOME + 1];

	return vmp_stmt_run(store, FINISH "nas = ?1 AND action <> 'test' AND created_at <= ?6",
			    BIND_LIST(BIND_TEXT(nas), BIND_INT(done), BIND_TEXT(cut(outcome, words)), BIND_INT(now),
				      BIND_INT(0), BIND_INT(created_until)),
			    n, msg);
}

int vmp_coa_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "DELETE FROM coa_job WHERE id IN (SELECT id FROM coa_job WHERE finished_at < ?1 "
			    "ORDER BY finished_at LIMIT ?2)",
			    BIND_LIST(BIND_INT(now - keep_s), BIND_INT(max)), n, msg);
}
