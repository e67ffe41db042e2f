/* session.db, which radiusd writes: opened when it can be, and policyd works on without it. */
#include "log.h"
#include "network.h"
#include "store_directory.h"

#include <string.h>
#include <sys/stat.h>

static void let_go(struct network *n)
{
	vmp_store_close(n->sessions);
	n->sessions = NULL;
	n->ending = false;
}

static int open_sessions(struct state *s, struct vmp_msg *msg)
{
	struct network *n = s->network;
	const char *path = s->config->session_path;
	int from = 0, to = 0;
	int err = vmp_store_open(&n->sessions, path, VMP_STORE_SESSION, VMP_STORE_CREATE, (int)s->config->busy_ms, msg);

	if (err == VMP_OK)
		err = vmp_store_migrate(n->sessions, &from, &to, msg);
	if (err == VMP_OK && from != to)
		vmp_log(VMP_LOG_INFO, "store-migrated", "path", path, "before", vmp_log_num(from), "version",
			vmp_log_num(to), NULL);
	if (err == VMP_OK)
		err = vmp_session_store_id(n->sessions, n->session_store, msg);
	if (err != VMP_OK)
		let_go(n);
	return err;
}

static void try_to_open(struct state *s)
{
	struct network *n = s->network;
	bool said = *n->sessions_why.text;
	struct vmp_msg msg = { "" };
	int err = open_sessions(s, &msg);

	if (err == VMP_OK) {
		n->sessions_why.text[0] = '\0';
		n->notices = n->scans = true;
		vmp_log(VMP_LOG_INFO, "sessions-opened", "path", s->config->session_path, NULL);
		return;
	}
	n->sessions_why = msg;
	if (!*msg.text)
		vmp_fail(&n->sessions_why, err, "%s", vmp_strerror(err));
	if (!said)
		vmp_log(VMP_LOG_ERROR, "sessions-unreadable", "why", n->sessions_why.text, NULL);
}

void sessions_tend(struct state *s, bool each_second)
{
	struct network *n = s->network;
	struct vmp_msg msg = { "" };
	bool changed = false;

	if (n->sessions && !vmp_store_is_there(n->sessions)) {
		vmp_log(VMP_LOG_WARNING, "sessions-replaced", "path", s->config->session_path, NULL);
		let_go(n);
		try_to_open(s);
	} else if (!n->sessions && each_second) {
		try_to_open(s);
	}
	if (!n->sessions)
		return;
	if (vmp_store_poll(n->sessions, &changed, &msg) != VMP_OK)
		network_failed(s, msg.text);
	n->notices = n->notices || changed;
}

int sessions_end(struct state *s, const struct network_out *out, uint64_t mac, const char *cause)
{
	struct network *n = s->network;
	struct vmp_msg msg = { "" };
	int err = VMP_OK;

	if (!n->sessions)
		return VMP_OK;
	if (n->locked)
		return VMP_EBUSY;
	if (!n->ending)
		err = vmp_store_begin(n->sessions, &msg);
	n->ending = n->ending || err == VMP_OK;
	n->locked = err == VMP_EBUSY;
	if (err == VMP_OK)
		err = vmp_session_end(n->sessions, mac, out->token, out->past_id, s->clock.now, cause, &msg);
	if (err != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "sessions-failed", "why", msg.text, NULL);
	/* Soft state, but for one that is locked for a while: the NAS, or the session's own time, ends it there too. */
	return err == VMP_EBUSY ? err : VMP_OK;
}

void sessions_commit(struct state *s)
{
	struct network *n = s->network;
	struct vmp_msg msg = { "" };

	if (!n)
		return;
	n->locked = false;
	if (!n->ending)
		return;
	n->ending = false;
	if (vmp_store_commit(n->sessions, &msg) != VMP_OK) {
		vmp_store_rollback(n->sessions);
		vmp_log(VMP_LOG_ERROR, "sessions-failed", "why", msg.text, NULL);
	}
}

const char *sessions_health(const struct state *s)
{
	if (!s->network)
		return NULL;
	return s->network->sessions ? "ok" : s->network->sessions_why.text;
}
