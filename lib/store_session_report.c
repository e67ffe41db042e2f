/* What the network says, taken down. */
#include "store_session_internal.h"

#include <stdio.h>
#include <string.h>

/* Of the session that lasts, what a report is compared with. */
struct lasting {
	bool there;
	bool same_place, own_token, own_acct; /* as the report's */
	bool has_acct;
	uint64_t token;
	int64_t authorized_at;
};

/* One report, while it is taken down. */
struct reporting {
	struct vmp_store *store;
	const struct vmp_report *report;
	int64_t window_s;
	struct vmp_report_effect *effect;
	struct lasting lasting;
	struct vmp_past past;
	struct vmp_msg *msg;
};

static int64_t octets(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static void compare(struct reporting *r, sqlite3_stmt *row)
{
	const struct vmp_place place = { .nas = vmp_stmt_str(row, 1),
					 .nas_port = sqlite3_column_int64(row, 2),
					 .nas_port_id = vmp_stmt_str(row, 3) };
	const char *acct = vmp_stmt_str(row, 4);
	struct lasting *l = &r->lasting;

	l->there = true;
	l->token = (uint64_t)sqlite3_column_int64(row, 0);
	l->own_token = l->token && l->token == r->report->token;
	l->same_place = vmp_place_same(&place, &r->report->place);
	l->has_acct = *acct;
	l->own_acct = *acct && strcmp(acct, r->report->place.acct_session_id) == 0 &&
		      strcmp(place.nas, r->report->place.nas) == 0;
	l->authorized_at = sqlite3_column_int64(row, 5);
}

static int read_lasting(struct reporting *r)
{
	sqlite3_stmt *row;
	int err = vmp_stmt_first(r->store,
				 "SELECT token, nas, nas_port, nas_port_id, acct_session_id, authorized_at "
				 "FROM session WHERE mac = ?1",
				 BIND_LIST(BIND_INT(r->report->mac)), &row, r->msg);

	memset(&r->lasting, 0, sizeof(r->lasting));
	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	compare(r, row);
	vmp_stmt_done(row);
	return VMP_OK;
}

/* -- a session begins ------------------------------------------------------------------------------------------ */

/* [s] The NAS asks again at the end of Session-Timeout, and that may take a while. */
static int64_t expires_at(const struct vmp_report *report)
{
	int64_t timeout = report->timeout_s, more = timeout / 10 > 60 ? timeout / 10 : 60;

	return timeout && report->type == VMP_REPORT_AUTHORIZED ? report->at + timeout + more : 0;
}

/* In place of what there was. */
static int put(struct reporting *r, const char *state)
{
	static const char sql[] = "INSERT OR REPLACE INTO session (" SESSION_COMMON
				  ", state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
				  "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18, ?19, ?20, ?21, ?22)";
	const struct vmp_report *rep = r->report;
	const struct vmp_place *p = &rep->place;
	bool authorized = rep->type == VMP_REPORT_AUTHORIZED;

	return vmp_stmt_run(
		r->store, sql,
		BIND_LIST(BIND_INT(rep->mac), BIND_INT(rep->token), BIND_TEXT(p->nas), BIND_INT(p->nas_port),
			  BIND_TEXT(p->nas_port_id), BIND_TEXT(p->nas_ip), BIND_TEXT(p->nas_identifier),
			  BIND_TEXT(p->user_name), BIND_TEXT(p->calling_station_id), BIND_TEXT(p->acct_session_id),
			  BIND_TEXT(p->framed_ip), BIND_INT(authorized ? rep->method : 0),
			  BIND_TEXT(authorized ? vmp_stmt_or_empty(rep->cert_name) : ""),
			  BIND_INT(authorized && rep->quarantined), BIND_INT(authorized ? rep->vlan : 0),
			  BIND_INT(authorized ? rep->policy : 0), BIND_INT(authorized ? rep->at : 0), BIND_INT(rep->at),
			  BIND_INT(expires_at(rep)), BIND_INT(authorized ? 0 : octets(rep->input_octets)),
			  BIND_INT(authorized ? 0 : octets(rep->output_octets)), BIND_TEXT(state)),
		NULL, r->msg);
}

/* Where it is already: the one statement that nearly every re-authentication costs.  It touches no index.
 * @param plain  only if that is so beyond doubt; else nothing changes. @param changes  out: rows; NULL is allowed. */
static int authorize_again(struct reporting *r, bool plain, int *changes)
{
	static const char sql[] =
		"UPDATE session SET token = ?2, nas_port = iif(?3 >= 0, ?3, nas_port), "
		"nas_port_id = iif(?4 <> '', ?4, nas_port_id), nas_ip = iif(?5 <> '', ?5, nas_ip), "
		"nas_identifier = iif(?6 <> '', ?6, nas_identifier), user_name = iif(?7 <> '', ?7, user_name), "
		"calling_station_id = iif(?8 <> '', ?8, calling_station_id), "
		"input_octets = iif(?9 IN ('', acct_session_id), input_octets, 0), "
		"output_octets = iif(?9 IN ('', acct_session_id), output_octets, 0), "
		"acct_session_id = iif(?9 <> '', ?9, acct_session_id), "
		"framed_ip = iif(?10 <> '', ?10, framed_ip), method = ?11, cert_name = ?12, quarantined = ?13, "
		"vlan = ?14, policy = ?15, authorized_at = ?16, updated_at = max(updated_at, ?16), expires_at = ?17 "
		"WHERE mac = ?1 AND (NOT ?18 OR (nas = ?19 AND nas_port = ?3 AND nas_port_id = ?4 AND token <> ?2))";
	const struct vmp_report *rep = r->report;
	const struct vmp_place *p = &rep->place;

	return vmp_stmt_run(r->store, sql,
			    BIND_LIST(BIND_INT(rep->mac), BIND_INT(rep->token), BIND_INT(p->nas_port),
				      BIND_TEXT(p->nas_port_id), BIND_TEXT(p->nas_ip), BIND_TEXT(p->nas_identifier),
				      BIND_TEXT(p->user_name), BIND_TEXT(p->calling_station_id),
				      BIND_TEXT(p->acct_session_id), BIND_TEXT(p->framed_ip), BIND_INT(rep->method),
				      BIND_TEXT(vmp_stmt_or_empty(rep->cert_name)), BIND_INT(rep->quarantined),
				      BIND_INT(rep->vlan), BIND_INT(rep->policy), BIND_INT(rep->at),
				      BIND_INT(expires_at(rep)), BIND_INT(plain), BIND_TEXT(p->nas)),
			    changes, r->msg);
}

/* -- clone alarms ---------------------------------------------------------------------------------------------- */

struct spot {
	char nas[46], port_id[VMP_RAW_MAX];
	int64_t port;
};

static void spot_set(struct spot *out, const char *nas, int64_t port, const char *port_id)
{
	snprintf(out->nas, sizeof(out->nas), "%s", nas);
	snprintf(out->port_id, sizeof(out->port_id), "%s", port_id);
	out->port = port;
}

/* @param key  a MAC or an id, as sql has it. @param out  as it was when there is no such row. */
static int spot_read(struct reporting *r, const char *sql, int64_t key, struct spot *out)
{
	sqlite3_stmt *row;
	int err = vmp_stmt_first(r->store, sql, BIND_LIST(BIND_INT(key)), &row, r->msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	spot_set(out, vmp_stmt_str(row, 0), sqlite3_column_int64(row, 1), vmp_stmt_str(row, 2));
	vmp_stmt_done(row);
	return VMP_OK;
}

static int spot_of_past(struct reporting *r, int64_t id, struct spot *out)
{
	return spot_read(r, "SELECT nas, nas_port, nas_port_id FROM past WHERE id = ?1", id, out);
}

/* "192.0.2.1 port Gi1/0/3", for a person. */
static void spot_write(const struct spot *s, struct vmp_msg *out)
{
	if (!*s->nas)
		vmp_fail(out, VMP_OK, "nowhere");
	else if (*s->port_id)
		vmp_fail(out, VMP_OK, "%s port %.100s", s->nas, s->port_id);
	else if (s->port >= 0)
		vmp_fail(out, VMP_OK, "%s port %lld", s->nas, (long long)s->port);
	else
		vmp_fail(out, VMP_OK, "%s", s->nas);
}

static int note(struct reporting *r, const char *kind, int64_t past_id, const char *detail)
{
	const struct vmp_notice notice = { .at = r->report->at,
					   .kind = kind,
					   .mac = r->report->mac,
					   .past_id = past_id,
					   .nas = r->report->place.nas,
					   .detail = detail };

	return vmp_notice_add(r->store, &notice, r->msg);
}

static void tell(struct vmp_report_effect *effect, const struct spot *newer, const struct spot *older)
{
	effect->clone = true;
	effect->newer_port = newer->port;
	effect->older_port = older->port;
	memcpy(effect->newer_nas, newer->nas, sizeof(effect->newer_nas));
	memcpy(effect->older_nas, older->nas, sizeof(effect->older_nas));
	memcpy(effect->newer_port_id, newer->port_id, sizeof(effect->newer_port_id));
	memcpy(effect->older_port_id, older->port_id, sizeof(effect->older_port_id));
}

/* Raise it, unless the place has alarmed a while ago.
 * @param left  the past session of the report's place, which is marked; older: the one of the place that was left. */
static int alarm_clone(struct reporting *r, int64_t left, int64_t older_id, const char *how)
{
	struct spot newer = { .port = -1 }, older = { .port = -1 };
	struct vmp_msg at_newer, at_older, detail;
	int err = spot_read(r, "SELECT nas, nas_port, nas_port_id FROM session WHERE mac = ?1", (int64_t)r->report->mac,
			    &newer);

	if (err == VMP_OK)
		err = spot_of_past(r, older_id, &older);
	if (err == VMP_OK)
		err = vmp_stmt_run(r->store, "UPDATE past SET alarmed_at = ?2 WHERE id = ?1",
				   BIND_LIST(BIND_INT(left), BIND_INT(r->report->at)), NULL, r->msg);
	if (err != VMP_OK)
		return err;
	spot_write(&newer, &at_newer);
	spot_write(&older, &at_older);
	vmp_fail(&detail, VMP_OK, "authorized %s%s, %s %s", *newer.nas ? "at " : "", at_newer.text, how, at_older.text);
	tell(r->effect, &newer, &older);
	return note(r, "clone", older_id, detail.text);
}

/* Has the report's place been silent for the window? */
static bool may_alarm(const struct reporting *r)
{
	return r->window_s > 0 && r->past.alarmed_at <= r->report->at - r->window_s;
}

/* -- authorization --------------------------------------------------------------------------------------------- */

/* What lasted elsewhere becomes past. */
static int leave(struct reporting *r, int64_t *past_id)
{
	const struct vmp_ending moved = { "moved", "", r->report->at, false };
	const struct vmp_place *p = &r->report->place;
	struct spot from = { .port = -1 }, to = { .port = -1 };
	struct vmp_msg at_from, at_to, detail;
	int err = vmp_past_copy(r->store, r->report->mac, &moved, past_id, r->msg);

	if (err == VMP_OK)
		err = spot_of_past(r, *past_id, &from);
	if (err != VMP_OK)
		return err;
	spot_set(&to, p->nas, p->nas_port, p->nas_port_id);
	spot_write(&from, &at_from);
	spot_write(&to, &at_to);
	vmp_fail(&detail, VMP_OK, "from %s to %s", at_from.text, at_to.text);
	r->effect->moved = true;
	return note(r, "moved", *past_id, detail.text);
}

/* Two that take turns, each of which authenticates again when its NAS has taken it down: how often has it moved?  0
 * when that was told in this window. */
static int count_moves(struct reporting *r, int64_t *n)
{
	return vmp_stmt_number(r->store,
			       "SELECT (coalesce(max(alarmed_at), ?2) <= ?2) * "
			       "count(*) FILTER (WHERE state = 'moved' AND ended_at > ?2) FROM past WHERE mac = ?1",
			       BIND_LIST(BIND_INT(r->report->mac), BIND_INT(r->report->at - r->window_s)), n, r->msg);
}

/* It was here, went there, and is here again though nobody has seen it go; or it never comes to rest. */
static int move(struct reporting *r)
{
	bool back = r->past.left && r->past.left_at > r->report->at - r->window_s;
	int64_t past_id = 0, moves = 0;
	int err = leave(r, &past_id);

	if (err == VMP_OK)
		err = put(r, "authorized");
	if (err != VMP_OK || !may_alarm(r))
		return err;
	err = count_moves(r, &moves);
	if (err == VMP_OK && (back || moves >= VMP_CLONE_MOVES))
		err = alarm_clone(r, r->past.left ? r->past.left_id : past_id, past_id, "just now it was at");
	return err;
}

/* An authorization that this place already had, and that is over: the report is a repeated one.  Accounting that came
 * before its authorization is no reason to think so. */
static bool is_over(const struct vmp_past *past)
{
	return past->rank == VMP_PAST_TOKEN && (past->authorized_at || past->state == VMP_PAST_STOPPED);
}

static int authorize(struct reporting *r)
{
	int err;

	if (r->lasting.own_token && r->lasting.authorized_at)
		return VMP_OK;
	if (r->lasting.there && (r->lasting.same_place || r->lasting.own_token))
		return authorize_again(r, false, NULL);
	err = vmp_past_find(r->store, r->report, &r->past, r->msg);
	if (err != VMP_OK || is_over(&r->past))
		return err;
	/* Its accounting came first, and then it seemed to move. */
	if (r->past.rank == VMP_PAST_TOKEN)
		err = vmp_past_close(r->store, r->past.id, r->report->at, "", r->msg);
	if (err != VMP_OK)
		return err;
	return r->lasting.there ? move(r) : put(r, "authorized");
}

/* -- accounting ------------------------------------------------------------------------------------------------ */

/* Is the report about the session that lasts as it is now, not about one before it in the same place? */
static bool is_fresh(const struct reporting *r)
{
	const struct lasting *l = &r->lasting;

	if (l->own_token || l->own_acct)
		return true;
	if (l->token && r->report->token && l->has_acct && *r->report->place.acct_session_id)
		return false;
	return r->report->at >= l->authorized_at;
}

/* What a report makes of a session; a late Start does not put it back, and a Stop has its own way. */
static const char *const states[] = {
	[VMP_REPORT_START] = "started", [VMP_REPORT_INTERIM] = "interim", [VMP_REPORT_STOP] = ""
};

/* @param plain  only if the report's token is that of the session; else nothing changes. @param changes  out: rows;
 * NULL is allowed. */
static int count_lasting(struct reporting *r, bool plain, int *changes)
{
	static const char sql[] =
		"UPDATE session SET state = CASE WHEN ?2 = '' THEN state WHEN ?2 = 'interim' OR state = 'authorized' "
		"OR (?3 <> '' AND acct_session_id NOT IN ('', ?3)) THEN ?2 ELSE state END, "
		"input_octets = iif(?3 = '' OR acct_session_id IN ('', ?3), max(input_octets, ?4), ?4), "
		"output_octets = iif(?3 = '' OR acct_session_id IN ('', ?3), max(output_octets, ?5), ?5), "
		"acct_session_id = iif(?3 <> '', ?3, acct_session_id), token = iif(token = 0, ?6, token), "
		"nas_port = iif(nas_port < 0, ?7, nas_port), nas_port_id = iif(nas_port_id = '', ?8, nas_port_id), "
		"nas_ip = iif(nas_ip = '', ?9, nas_ip), "
		"nas_identifier = iif(nas_identifier = '', ?10, nas_identifier), "
		"user_name = iif(user_name = '', ?11, user_name), "
		"calling_station_id = iif(calling_station_id = '', ?12, calling_station_id), "
		"framed_ip = iif(?13 <> '', ?13, framed_ip), updated_at = max(updated_at, ?14) "
		"WHERE mac = ?1 AND (NOT ?15 OR token = ?6)";
	const struct vmp_report *rep = r->report;
	const struct vmp_place *p = &rep->place;

	return vmp_stmt_run(r->store, sql,
			    BIND_LIST(BIND_INT(rep->mac), BIND_TEXT(states[rep->type]), BIND_TEXT(p->acct_session_id),
				      BIND_INT(octets(rep->input_octets)), BIND_INT(octets(rep->output_octets)),
				      BIND_INT(rep->token), BIND_INT(p->nas_port), BIND_TEXT(p->nas_port_id),
				      BIND_TEXT(p->nas_ip), BIND_TEXT(p->nas_identifier), BIND_TEXT(p->user_name),
				      BIND_TEXT(p->calling_station_id), BIND_TEXT(p->framed_ip), BIND_INT(rep->at),
				      BIND_INT(plain)),
			    changes, r->msg);
}

/* Of the same Acct-Session-Id; one that the past session lacks is taken over with its own token alone. */
static int count_past(struct reporting *r)
{
	static const char sql[] =
		"UPDATE past SET input_octets = max(input_octets, ?2), output_octets = max(output_octets, ?3), "
		"updated_at = max(updated_at, ?4), acct_session_id = ?5 "
		"WHERE id = ?1 AND ?5 <> '' AND (acct_session_id = ?5 OR (acct_session_id = '' AND ?6))";
	const struct vmp_report *rep = r->report;

	return vmp_stmt_run(r->store, sql,
			    BIND_LIST(BIND_INT(r->past.id), BIND_INT(octets(rep->input_octets)),
				      BIND_INT(octets(rep->output_octets)), BIND_INT(rep->at),
				      BIND_TEXT(rep->place.acct_session_id), BIND_INT(r->past.rank == VMP_PAST_TOKEN)),
			    NULL, r->msg);
}

/* What is known of an authorization lives on when its session does. */
static int begin(struct reporting *r)
{
	static const char sql[] =
		"UPDATE session SET (method, cert_name, quarantined, vlan, policy, authorized_at, expires_at) = "
		"(SELECT method, cert_name, quarantined, vlan, policy, authorized_at, "
		"iif(expires_at, ?3 + expires_at - authorized_at, 0) FROM past WHERE id = ?2) WHERE mac = ?1";
	int err = put(r, states[r->report->type]);

	if (err != VMP_OK || r->past.rank < VMP_PAST_ACCT)
		return err;
	err = vmp_stmt_run(r->store, sql,
			   BIND_LIST(BIND_INT(r->report->mac), BIND_INT(r->past.id), BIND_INT(r->report->at)), NULL,
			   r->msg);
	/* It may have been ended because it is not allowed any more, and its NAS have said that it has none. */
	return err == VMP_OK ? note(r, "late", r->past.id, "active after its end") : err;
}

/* Without a session that lasts: does it speak of one that is over?  Of another in a place that was left it does not. */
static bool is_late(const struct reporting *r)
{
	const struct vmp_past *p = &r->past;

	if (p->rank == VMP_PAST_NONE)
		return false;
	if (p->state == VMP_PAST_MOVED && !p->closed && !p->differs)
		return true;
	return p->rank == VMP_PAST_PLACE ? r->report->at < p->over_at : r->report->at <= p->over_at + VMP_CLONE_SLACK_S;
}

/* Activity where the session that lasts is not. */
static int act_elsewhere(struct reporting *r)
{
	int err = VMP_OK;

	if (!r->lasting.there && !is_late(r))
		return begin(r);
	if (r->past.rank != VMP_PAST_NONE)
		err = count_past(r);
	if (err != VMP_OK || r->past.rank == VMP_PAST_NONE || r->past.state != VMP_PAST_MOVED)
		return err;
	if (r->lasting.same_place || r->report->at <= r->past.ended_at + VMP_CLONE_SLACK_S || !may_alarm(r))
		return VMP_OK;
	return alarm_clone(r, r->past.id, r->past.id, "still active at");
}

/* Does this Stop end the session that lasts? */
static bool is_end(const struct reporting *r)
{
	const struct lasting *l = &r->lasting;

	if (l->token && r->report->token)
		return l->own_token;
	return l->has_acct ? l->own_acct : r->report->at > l->authorized_at;
}

static int stop_lasting(struct reporting *r)
{
	const struct vmp_ending stopped = { "stopped", vmp_stmt_or_empty(r->report->cause), r->report->at, true };
	int err = count_lasting(r, false, NULL);

	return err == VMP_OK ? vmp_past_move(r->store, r->report->mac, &stopped, r->msg) : err;
}

/* The Stop has overtaken all that its session had to say.  It is kept, so that the rest is late when it comes. */
static int stop_unknown(struct reporting *r)
{
	static const char sql[] = "INSERT INTO past (" SESSION_COMMON ", state, cause, ended_at, closed_at) VALUES "
				  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, '', 0, 0, 0, 0, ?12, ?12, 0, ?13, "
				  "?14, 'stopped', ?15, ?12, ?12)";
	const struct vmp_report *rep = r->report;
	const struct vmp_place *p = &rep->place;

	return vmp_stmt_run(r->store, sql,
			    BIND_LIST(BIND_INT(rep->mac), BIND_INT(rep->token), BIND_TEXT(p->nas),
				      BIND_INT(p->nas_port), BIND_TEXT(p->nas_port_id), BIND_TEXT(p->nas_ip),
				      BIND_TEXT(p->nas_identifier), BIND_TEXT(p->user_name),
				      BIND_TEXT(p->calling_station_id), BIND_TEXT(p->acct_session_id),
				      BIND_TEXT(p->framed_ip), BIND_INT(rep->at), BIND_INT(octets(rep->input_octets)),
				      BIND_INT(octets(rep->output_octets)), BIND_TEXT(vmp_stmt_or_empty(rep->cause))),
			    NULL, r->msg);
}

/* Nothing else was authorized there since the guest went, so a Stop from later than that is of the session there. */
static bool is_stop_of_past(const struct reporting *r)
{
	const struct vmp_past *p = &r->past;

	if (p->rank == VMP_PAST_NONE)
		return false;
	return !p->differs || (p->state == VMP_PAST_MOVED && r->report->at >= p->ended_at);
}

static int stop_elsewhere(struct reporting *r)
{
	const struct vmp_report *rep = r->report;
	int err;

	if (!is_stop_of_past(r))
		return rep->token ? stop_unknown(r) : VMP_OK;
	err = count_past(r);
	return err == VMP_OK ? vmp_past_close(r->store, r->past.id, rep->at, vmp_stmt_or_empty(rep->cause), r->msg)
			     : err;
}

static int account_lasting(struct reporting *r)
{
	if (r->report->type == VMP_REPORT_STOP)
		return is_end(r) ? stop_lasting(r) : r->lasting.own_acct ? count_lasting(r, false, NULL) : VMP_OK;
	return is_fresh(r) ? count_lasting(r, false, NULL) : VMP_OK;
}

/* Whose is it?  The session that lasts comes first, unless token or Acct-Session-Id say that it is one before it in the
 * same place. */
static int account(struct reporting *r)
{
	const struct lasting *l = &r->lasting;
	bool stop = r->report->type == VMP_REPORT_STOP, near = l->there && (l->same_place || l->own_acct);
	bool other = l->token && r->report->token && !l->own_token;
	int err;

	if (l->own_token || (near && !other && (stop ? is_end(r) : is_fresh(r))))
		return account_lasting(r);
	err = vmp_past_find(r->store, r->report, &r->past, r->msg);
	if (err != VMP_OK)
		return err;
	if (near && r->past.rank < (l->own_acct ? VMP_PAST_TOKEN : VMP_PAST_ACCT))
		return account_lasting(r);
	return stop ? stop_elsewhere(r) : act_elsewhere(r);
}

/* -- the rest -------------------------------------------------------------------------------------------------- */

/* A restart that is told again must not end what has begun since. */
static int restart(struct reporting *r)
{
	static const char end[] = "INSERT INTO past (" SESSION_COMMON ", state, cause, ended_at, closed_at) "
				  "SELECT " SESSION_COMMON ", 'stopped', 'nas-restart', ?2, ?2 FROM session "
				  "WHERE nas = ?1 AND authorized_at < ?2 AND since < ?2",
			  forget[] = "DELETE FROM session WHERE nas = ?1 AND authorized_at < ?2 AND since < ?2",
			  close[] = "UPDATE past SET closed_at = ?2, cause = 'nas-restart' WHERE nas = ?1 "
				    "AND state = 'moved' AND closed_at IS NULL AND authorized_at < ?2 AND since < ?2",
			  again[] = "SELECT 1 FROM (SELECT kind, nas, at FROM notice ORDER BY id DESC LIMIT 64) "
				    "WHERE kind = 'nas-restart' AND nas = ?1 AND at = ?2";
	static const char *const steps[] = { end, forget, close };
	const struct vmp_bind binds[] = { BIND_TEXT(r->report->place.nas),
					  BIND_INT(r->report->at),
					  { .type = VMP_BIND_END } };
	int64_t found;
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && err == VMP_OK; i++)
		err = vmp_stmt_run(r->store, steps[i], binds, NULL, r->msg);
	if (err == VMP_OK)
		err = vmp_stmt_number(r->store, again, binds, &found, r->msg);
	return err == VMP_ENOENT ? note(r, "nas-restart", 0, "") : err;
}

static int refuse(struct reporting *r)
{
	return note(r, "refused", 0, vmp_stmt_or_empty(r->report->detail));
}

/* What nearly all reports are: of the session that lasts, where it is. */
static int take_plain(struct reporting *r, int *changes)
{
	switch (r->report->type) {
	case VMP_REPORT_AUTHORIZED:
		return authorize_again(r, true, changes);
	case VMP_REPORT_START:
	case VMP_REPORT_INTERIM:
		return r->report->token ? count_lasting(r, true, changes) : VMP_OK;
	default:
		return VMP_OK;
	}
}

int vmp_session_report(struct vmp_store *store, const struct vmp_report *report, int64_t clone_window_s,
		       struct vmp_report_effect *effect, struct vmp_msg *msg)
{
	static int (*const takes[])(struct reporting *) = {
		[VMP_REPORT_AUTHORIZED] = authorize, [VMP_REPORT_START] = account,   [VMP_REPORT_INTERIM] = account,
		[VMP_REPORT_STOP] = account,	     [VMP_REPORT_RESTART] = restart, [VMP_REPORT_REFUSED] = refuse
	};
	struct reporting r = {
		.store = store, .report = report, .window_s = clone_window_s, .effect = effect, .msg = msg
	};
	int changes = 0, err;

	memset(effect, 0, sizeof(*effect));
	effect->newer_port = effect->older_port = -1;
	err = take_plain(&r, &changes);
	if (err != VMP_OK || changes)
		return err;
	if (report->type <= VMP_REPORT_STOP)
		err = read_lasting(&r);
	return err == VMP_OK ? takes[report->type](&r) : err;
}
