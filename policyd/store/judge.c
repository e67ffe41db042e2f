/* What the policy says now of a session that lasts, and whether the NAS was told so. */
#include "network.h"

#include <string.h>

/* Of a MAC that no VM had: as it was answered, unless the NAS has got another quarantine VLAN of its own since. */
static bool quarantine_stands(const struct vmp_session *session, const struct vmp_decision *d)
{
	return session->quarantined &&
	       (!d->nas || !d->nas->quarantine_vlan || d->nas->quarantine_vlan == session->vlan);
}

/* Known from accounting alone, and of no VM: perhaps none of ours. */
static bool is_stranger(const struct vmp_session *session, enum judge_why why)
{
	return session->token == 0 && !session->quarantined && why != JUDGE_NAMED;
}

static void compare(const struct vmp_session *session, enum judge_why why, const struct vmp_decision *d,
		    struct judgement *out)
{
	bool unknown = d->verdict == VMP_UNKNOWN;

	if (unknown && (quarantine_stands(session, d) || is_stranger(session, why)))
		return;
	if (d->verdict != VMP_ALLOW && !(unknown && session->quarantined)) {
		out->act = true;
		out->action = VMP_COA_DISCONNECT;
		out->reason = vmp_verdict_name(d->verdict);
		return;
	}
	/* What the NAS was told is not known of a session that only accounting speaks of: a change is told anew.
	 * Another RADIUS server may have answered it: without a change it is left alone. */
	if (!session->policy && !session->quarantined && why == JUDGE_START)
		return;
	if (vmp_policy_was_told(session->policy, d) && !session->quarantined)
		return;
	out->act = true;
	out->action = VMP_COA_REAUTHENTICATE;
	out->reason = "policy";
}

int judge_session(struct state *s, const struct vmp_session *session, enum judge_why why, struct judgement *out,
		  struct vmp_msg *msg)
{
	const struct vmp_place *place = &session->place;
	const char *names[] = { *session->cert_name ? session->cert_name : NULL, NULL };
	/* How it was authorized is not known of a session that only accounting speaks of. */
	struct vmp_request req = { .method = session->authorized_at ? session->method : VMP_METHOD_EAP,
				   .port_id = *place->nas_port_id ? place->nas_port_id : NULL,
				   .port = place->nas_port,
				   .cert_name = names,
				   .now = s->clock.now };
	struct vmp_decision d;
	int err;

	memset(out, 0, sizeof(*out));
	metric_add(METRIC_SESSIONS_COMPARED, 1);
	if (vmp_addr_parse(place->nas, &req.nas) != VMP_OK)
		return VMP_OK; /* nobody could be told */
	err = vmp_store_decide(s->network->reader, session->mac, &req, &d, msg);
	if (err == VMP_OK)
		compare(session, why, &d, out);
	vmp_store_end(s->network->reader);
	return err;
}

int judge_nas(struct state *s, const char *address, struct judge_nas *out, struct vmp_msg *msg)
{
	struct vmp_request req = { .port = -1, .now = s->clock.now };
	struct vmp_decision d;
	int err;

	memset(out, 0, sizeof(*out));
	if (vmp_addr_parse(address, &req.nas) != VMP_OK)
		return VMP_OK;
	err = vmp_store_decide(s->network->reader, 0, &req, &d, msg);
	if (err == VMP_OK && d.nas) {
		snprintf(out->name, sizeof(out->name), "%s", d.nas->name);
		snprintf(out->dialect, sizeof(out->dialect), "%s", d.nas->dialect ? d.nas->dialect : "");
		out->mode = (int)d.nas->coa;
		out->port = d.nas->coa_port;
		out->rate = d.nas->coa_rate;
	}
	vmp_store_end(s->network->reader);
	return err;
}
