#include "rlm_vmprov.h"

/*
 *	The VM's facts for other modules that log accounting; nothing depends on them.
 */
static void export_facts(rlm_vmprov_t *inst, REQUEST *request, report_t const *report)
{
	struct vmp_request req = { .method = VMP_METHOD_MAB, .port = report->vmp.place.nas_port, .now = request->timestamp };
	struct vmp_decision decision;
	vmprov_conn_t *conn;
	answer_t answer;

	if (vmp_addr_parse(report->nas, &req.nas) != VMP_OK) return;
	if (conn_decide(inst, request, report->vmp.mac, &req, &decision, &conn) != VMP_OK) return;
	answer_init(&answer, inst, &decision);
	answer.token = report->vmp.token;
	if (decision.vm) facts_export(request, &answer);
	conn_done(conn);
}

/*
 *	Whether it is ours, and whole.
 */
rlm_rcode_t mod_preacct(void *instance, REQUEST *request)
{
	rlm_vmprov_t *inst = instance;
	report_t report;
	rlm_rcode_t rcode;

	if (!inst->writer) return RLM_MODULE_NOOP;
	rcode = report_accounting(inst, request, &report);
	if ((rcode == RLM_MODULE_OK) && inst->export && report.vmp.mac) export_facts(inst, request, &report);
	return rcode;
}

/*
 *	Whoever sets one of these wants the request proxied, or another answer than ours.
 */
static unsigned int const others[] = {
	PW_PROXY_TO_REALM, PW_HOME_SERVER_POOL, PW_HOME_SERVER_NAME, PW_PACKET_DST_IP_ADDRESS, PW_PACKET_DST_IPV6_ADDRESS,
	PW_RESPONSE_PACKET_TYPE,
};

static bool is_others(REQUEST *request)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (fr_pair_find_by_num(request->config, others[i], 0, TAG_ANY)) return true;
	}
	return false;
}

/*
 *	The response, ready to be sent by the writer; NULL where the server itself must send it: over TCP and TLS, to a
 *	detail file's reader, after it has proxied the request.
 */
static RADIUS_PACKET *response_make(REQUEST *request)
{
	RADIUS_PACKET *packet = request->packet, *reply;
	VALUE_PAIR *vp;

	if ((request->listener->type != RAD_LISTEN_ACCT) || (packet->proto == IPPROTO_TCP) || (packet->dst_port == 0) ||
	    is_others(request)) return NULL;

	reply = rad_alloc_reply(NULL, packet);
	if (!reply) return NULL;
	reply->code = PW_CODE_ACCOUNTING_RESPONSE;
	vp = fr_pair_list_copy_by_num(reply, packet->vps, PW_PROXY_STATE, 0, TAG_ANY);
	if (vp) fr_pair_add(&reply->vps, vp);
	if ((rad_encode(reply, packet, request->client->secret) < 0) ||
	    (rad_sign(reply, packet, request->client->secret) < 0)) {
		rad_free(&reply);
		return NULL;
	}
	return reply;
}

/*
 *	The last in its section: `handled` says that the response comes later, from the writer.  A worker that waited for
 *	the disk would keep authorizations waiting behind it, and with as many workers as cores no group of commits
 *	would be larger than that.
 */
rlm_rcode_t mod_accounting(void *instance, REQUEST *request)
{
	rlm_vmprov_t *inst = instance;
	RADIUS_PACKET *reply;
	report_t report;
	rlm_rcode_t rcode;

	if (!inst->writer) return RLM_MODULE_NOOP;
	rcode = report_accounting(inst, request, &report);
	if (rcode != RLM_MODULE_OK) return rcode;

	reply = response_make(request);
	if (writer_put(inst->writer, &report.vmp, reply)) {
		if (reply) return RLM_MODULE_HANDLED;
		count(inst, STAT_ACCOUNTED);
		return RLM_MODULE_OK;
	}

	count(inst, STAT_NOT_ACCOUNTED);
	module_failure_msg(request, "rlm_vmprov (%s): accounting cannot be written", inst->name);
	return RLM_MODULE_FAIL;
}
