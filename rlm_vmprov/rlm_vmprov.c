#include "rlm_vmprov.h"

#define STAT(_name, _i) { "stat_" _name, FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, stat[_i]), NULL }

/*
 *	The counters stand among the configuration because that is what radmin's
 *	"show module config vmprov" prints; they cannot be set.
 */
static CONF_PARSER const session_config[] = {
	{ "filename", FR_CONF_OFFSET(PW_TYPE_STRING, rlm_vmprov_t, session.filename), "" },
	{ "clone_window", FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, session.clone_window), "60" },
	{ "clone_action", FR_CONF_OFFSET(PW_TYPE_STRING, rlm_vmprov_t, session.clone_action_name), "none" },
	{ "clone_hold", FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, session.clone_hold), "300" },
	{ "keep", FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, session.keep), "604800" },
	CONF_PARSER_TERMINATOR
};

static CONF_PARSER const module_config[] = {
	{ "filename", FR_CONF_OFFSET(PW_TYPE_STRING | PW_TYPE_REQUIRED | PW_TYPE_NOT_EMPTY, rlm_vmprov_t, filename), NULL },
	{ "busy_timeout", FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, busy_timeout), "200" },
	{ "default_dialect", FR_CONF_OFFSET(PW_TYPE_STRING, rlm_vmprov_t, default_dialect), "rfc" },
	{ "quarantine_vlan", FR_CONF_OFFSET(PW_TYPE_INTEGER, rlm_vmprov_t, quarantine_vlan), "0" },
	{ "mab_password", FR_CONF_OFFSET(PW_TYPE_STRING | PW_TYPE_SECRET, rlm_vmprov_t, mab_password), NULL },
	{ "export", FR_CONF_OFFSET(PW_TYPE_BOOLEAN, rlm_vmprov_t, export), "no" },
	{ "nas_from_attributes", FR_CONF_OFFSET(PW_TYPE_BOOLEAN, rlm_vmprov_t, nas_from_attributes), "no" },
	{ "dictionary", FR_CONF_OFFSET(PW_TYPE_STRING, rlm_vmprov_t, dictionary), "${confdir}/dictionary.vmprov" },
	{ "session", FR_CONF_POINTER(PW_TYPE_SUBSECTION, NULL), (void const *) session_config },
	STAT("allow", VMP_ALLOW),
	STAT("unknown", VMP_UNKNOWN),
	STAT("vm_disabled", VMP_VM_DISABLED),
	STAT("not_yet_valid", VMP_NOT_YET),
	STAT("expired", VMP_EXPIRED),
	STAT("tenant_disabled", VMP_TENANT_DISABLED),
	STAT("enclave_disabled", VMP_ENCLAVE_DISABLED),
	STAT("coi_disabled", VMP_COI_DISABLED),
	STAT("wrong_nas", VMP_WRONG_NAS),
	STAT("wrong_host", VMP_WRONG_HOST),
	STAT("host_unknown", VMP_HOST_UNKNOWN),
	STAT("host_disabled", VMP_HOST_DISABLED),
	STAT("host_scope", VMP_HOST_SCOPE),
	STAT("mab_not_allowed", VMP_NO_MAB),
	STAT("eap_md5_not_allowed", VMP_NO_EAP_MD5),
	STAT("eap_type_not_allowed", VMP_NO_EAP_TYPE),
	STAT("not_ours", STAT_NOT_OURS),
	STAT("failed", STAT_FAILED),
	STAT("mismatch", STAT_MISMATCH),
	STAT("clone_refused", STAT_CLONE_REFUSED),
	STAT("accounted", STAT_ACCOUNTED),
	STAT("not_accounted", STAT_NOT_ACCOUNTED),
	STAT("session_written", STAT_SESSION_WRITTEN),
	STAT("session_lost", STAT_SESSION_LOST),
	STAT("moved", STAT_MOVED),
	STAT("clones", STAT_CLONES),
	CONF_PARSER_TERMINATOR
};

int stat_by_name(char const *name)
{
	CONF_PARSER const *item;

	for (item = module_config; item->name; item++) {
		if (strncmp(item->name, "stat_", 5) == 0 && strcmp(item->name + 5, name) == 0)
			return (int)((item->offset - offsetof(rlm_vmprov_t, stat)) / sizeof(uint32_t));
	}
	return -1;
}

/*
 *	The instance that each name's counters live in, so that a reload takes them along.
 */
struct counted {
	struct counted *next;
	char *name;
	rlm_vmprov_t *inst;
};
static counted_t *counted;

/*
 *	An instance that was replaced may yet have something to count.
 */
void count(rlm_vmprov_t *inst, int stat)
{
	rlm_vmprov_t *latest = inst->counted ? __atomic_load_n(&inst->counted->inst, __ATOMIC_ACQUIRE) : NULL;

	__atomic_fetch_add(&(latest ? latest : inst)->stat[stat], 1, __ATOMIC_RELAXED);
}

static void counters_take_over(rlm_vmprov_t *inst)
{
	counted_t *c = counted;

	while (c && strcmp(c->name, inst->name) != 0) c = c->next;
	if (!c) {
		c = talloc_zero(NULL, counted_t);
		c->name = talloc_strdup(c, inst->name);
		c->next = counted;
		counted = c;
	}
	if (c->inst) {
		memcpy(inst->stat, c->inst->stat, sizeof(inst->stat));
		writer_retire(c->inst->writer);
	}
	inst->counted = c;
	__atomic_store_n(&c->inst, inst, __ATOMIC_RELEASE);
}

static void counters_leave(rlm_vmprov_t *inst)
{
	counted_t *c = inst->counted;

	if (c && (c->inst == inst)) __atomic_store_n(&c->inst, NULL, __ATOMIC_RELEASE);
}

static int config_check(rlm_vmprov_t *inst, CONF_SECTION *conf)
{
	CONF_PARSER const *item;

	if (inst->busy_timeout > 10000) {
		cf_log_err_cs(conf, "busy_timeout: expected 0 to 10000 milliseconds, got %u", inst->busy_timeout);
		return -1;
	}
	if (inst->quarantine_vlan > 4094) {
		cf_log_err_cs(conf, "quarantine_vlan: expected a VLAN id 1 to 4094, or 0 for none, got %u",
			      inst->quarantine_vlan);
		return -1;
	}
	if (inst->filename[0] != '/') {
		cf_log_err_cs(conf, "filename: expected an absolute path, got \"%s\"", inst->filename);
		return -1;
	}
	if (*inst->session.filename && inst->session.filename[0] != '/') {
		cf_log_err_cs(conf, "session.filename: expected an absolute path, or \"\" for none, got \"%s\"",
			      inst->session.filename);
		return -1;
	}
	if (inst->session.keep < 3600) {
		cf_log_err_cs(conf, "session.keep: expected 3600 seconds at least, got %u", inst->session.keep);
		return -1;
	}
	for (item = module_config; item->name; item++) {
		if (strncmp(item->name, "stat_", 5) == 0 && cf_pair_find(conf, item->name)) {
			cf_log_err_cs(conf, "%s: is a counter and cannot be set", item->name);
			return -1;
		}
	}
	return 0;
}

/*
 *	A store that cannot be opened is no reason not to start: requests fail until it can, and say so.
 */
static void store_probe(rlm_vmprov_t const *inst)
{
	struct vmp_store *store;
	struct vmp_msg msg;

	if (vmp_store_open(&store, inst->filename, VMP_STORE_POLICY, VMP_STORE_READ, (int) inst->busy_timeout,
			   &msg) != VMP_OK) {
		WARN("rlm_vmprov (%s): %s", inst->name, msg.text);
		return;
	}
	vmp_store_close(store);
}

/*
 *	Everything is done here and nothing in .bootstrap: a module with one is never reloaded on HUP.
 */
static int mod_instantiate(CONF_SECTION *conf, void *instance)
{
	rlm_vmprov_t *inst = instance;

	/* On HUP the server has parsed the old section into inst, and hands over the new one. */
	if (cf_section_parse(conf, inst, module_config) < 0) return -1;

	inst->name = cf_section_name2(conf);
	if (!inst->name) inst->name = cf_section_name1(conf);

	vmp_store_tune_process();
	if (config_check(inst, conf) < 0) return -1;
	if (facts_init(inst, conf) < 0) return -1;
	if (vmprov_xlat_init(inst) < 0) return -1;
	if (dialects_init(inst, conf) < 0) return -1;
	if (clone_init(inst, conf) < 0) return -1;
	if (conn_pool_init(inst) < 0) return -1;
	if (writer_init(inst) < 0) return -1;
	store_probe(inst);
	counters_take_over(inst);
	return 0;
}

static int mod_detach(void *instance)
{
	rlm_vmprov_t *inst = instance;

	writer_free(inst->writer);
	clone_free(inst->bars);
	counters_leave(inst);
	conn_pool_free(inst->pool);
	return 0;
}

static void reply_message(REQUEST *request, char const *text)
{
	VALUE_PAIR *vp = radius_pair_create(request->reply, &request->reply->vps, PW_REPLY_MESSAGE, 0);

	fr_pair_value_strcpy(vp, text);
}

/*
 *	So many alarms in a second go to the audit trail; all of them to the log.
 */
#define MAX_REFUSED 50

static bool refused_too_often(void)
{
	static uint64_t second_and_n;
	uint64_t now = (uint64_t) time(NULL) << 16, was = __atomic_load_n(&second_and_n, __ATOMIC_RELAXED), next;

	do {
		next = (was >> 16 << 16) == now ? was + 1 : now + 1;
		if ((next & 0xffff) > MAX_REFUSED) return true;
	} while (!__atomic_compare_exchange_n(&second_and_n, &was, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return false;
}

/*
 *	Somebody asked from where they must not: one line in the log, whatever the debug level, and a notice for policyd's
 *	audit trail.
 */
static void audit(rlm_vmprov_t const *inst, REQUEST *request, struct vmp_decision const *decision)
{
	char mac[VMP_MAC_TEXT];
	report_t report;

	report_refused(inst, request, decision->vm->mac, &report);
	vmp_mac_format(decision->vm->mac, mac);
	snprintf(report.detail, sizeof(report.detail), "%s: mac %s vm %s host %s nas %s port %s",
		 vmp_verdict_name(decision->verdict), mac, decision->vm->name, decision->host ? decision->host->name : "-",
		 report.nas, *report.vmp.place.nas_port_id ? report.vmp.place.nas_port_id : "-");
	radlog(L_AUTH, "rlm_vmprov (%s): audit: %s", inst->name, report.detail);
	if (inst->writer && !refused_too_often()) (void) writer_put(inst->writer, &report.vmp, NULL);
}

static rlm_rcode_t refuse(rlm_vmprov_t const *inst, REQUEST *request, struct vmp_decision const *decision)
{
	reply_message(request, vmp_verdict_text(decision->verdict));
	module_failure_msg(request, "rlm_vmprov (%s): %s", inst->name, vmp_verdict_text(decision->verdict));
	if (vmp_verdict_is_alarm(decision->verdict)) audit(inst, request, decision);
	return RLM_MODULE_USERLOCK;
}

/*
 *	No attributes are better than another make's: a NAS whose dialect is not configured gets no answer.
 */
static rlm_rcode_t reply_build(REQUEST *request, answer_t *answer)
{
	dialect_t const *dialect = dialect_of(answer);

	if (!dialect) {
		RATE_LIMIT(ERROR("rlm_vmprov (%s): NAS %s: dialect %s is not configured", answer->inst->name,
				 answer->decision->nas->name, answer->decision->nas->dialect));
		return RLM_MODULE_FAIL;
	}
	return dialect_apply(dialect, request, answer) ? RLM_MODULE_UPDATED : RLM_MODULE_FAIL;
}

/*
 *	Leaves &control:VMProv-Quarantine-VLAN where one is configured: the policy decides what to make of it.
 */
static rlm_rcode_t unknown(REQUEST *request, answer_t *answer)
{
	if (answer->quarantine_vlan) facts_export(request, answer);
	reply_message(request, vmp_verdict_text(VMP_UNKNOWN));
	return RLM_MODULE_NOTFOUND;
}

static rlm_rcode_t authorize_eap(REQUEST *request, answer_t *answer, vmprov_conn_t *conn)
{
	char password[129];
	VALUE_PAIR *vp;

	if (!answer->decision->vm->has_eap_md5) return RLM_MODULE_OK;
	if (conn_eap_md5(conn, password) != VMP_OK) return RLM_MODULE_FAIL;

	vp = radius_pair_create(request, &request->config, PW_CLEARTEXT_PASSWORD, 0);
	fr_pair_value_strcpy(vp, password);
	explicit_bzero(password, sizeof(password));
	return RLM_MODULE_OK;
}

/*
 *	Whether the server accepts is known in post-auth: until then the answer is kept, across a reload too.
 */
static void answered_keep(rlm_vmprov_t *inst, REQUEST *request, ask_t const *ask, answer_t *answer)
{
	answered_t *answered;

	if (!inst->writer) return;
	answered = talloc(request, answered_t);
	if (!answered) return;
	answered_init(answered, ask, answer);
	(void) request_data_add(request, inst->counted, 0, answered, false);
}

static void answered_write(rlm_vmprov_t *inst, REQUEST *request, answered_t const *answered)
{
	report_t report;

	report_authorized(inst, request, answered, &report);
	(void) writer_put(inst->writer, &report.vmp, NULL);
}

static rlm_rcode_t authorize_mab(rlm_vmprov_t *inst, REQUEST *request, ask_t const *ask, answer_t *answer)
{
	rlm_rcode_t rcode = reply_build(request, answer);
	VALUE_PAIR *vp;

	if (rcode != RLM_MODULE_UPDATED) return rcode;
	answered_keep(inst, request, ask, answer);
	vp = radius_pair_create(request, &request->config, PW_AUTH_TYPE, 0);
	vp->vp_integer = PW_AUTH_TYPE_ACCEPT;
	return RLM_MODULE_UPDATED;
}

static rlm_rcode_t authorize_answer(rlm_vmprov_t *inst, REQUEST *request, ask_t const *ask, vmprov_conn_t *conn,
				    struct vmp_decision const *decision)
{
	answer_t answer;

	answer_init(&answer, inst, decision);
	if (decision->verdict == VMP_UNKNOWN) return unknown(request, &answer);
	if (inst->export) facts_export(request, &answer);
	if (decision->verdict != VMP_ALLOW) return refuse(inst, request, decision);
	if (ask->req.method == VMP_METHOD_MAB) return authorize_mab(inst, request, ask, &answer);
	return authorize_eap(request, &answer, conn);
}

static rlm_rcode_t mismatch(rlm_vmprov_t *inst, REQUEST *request, ask_t const *ask)
{
	count(inst, STAT_MISMATCH);
	reply_message(request, ask->mismatch);
	module_failure_msg(request, "rlm_vmprov (%s): %s", inst->name, ask->mismatch);
	return RLM_MODULE_REJECT;
}

static rlm_rcode_t barred(rlm_vmprov_t *inst, REQUEST *request)
{
	static char const text[] = "This MAC address is in use in two places.";

	count(inst, STAT_CLONE_REFUSED);
	reply_message(request, text);
	module_failure_msg(request, "rlm_vmprov (%s): %s", inst->name, text);
	return RLM_MODULE_USERLOCK;
}

/*
 *	What could not be answered is a failure, whatever the verdict.
 */
static void count_answer(rlm_vmprov_t *inst, rlm_rcode_t rcode, struct vmp_decision const *decision, bool final)
{
	if (rcode == RLM_MODULE_FAIL) {
		count(inst, STAT_FAILED);
	} else if (final) {
		count(inst, (int) decision->verdict);
	}
}

static rlm_rcode_t CC_HINT(nonnull) mod_authorize(void *instance, REQUEST *request)
{
	rlm_vmprov_t *inst = instance;
	struct vmp_decision decision;
	vmprov_conn_t *conn;
	rlm_rcode_t rcode;
	ask_t ask;

	if (!ask_init(inst, request, &ask)) {
		count(inst, STAT_NOT_OURS);
		return RLM_MODULE_NOOP;
	}
	if (ask.mismatch) return mismatch(inst, request, &ask);
	if (clone_barred(inst, ask.mac, &ask.req)) return barred(inst, request);
	if (conn_decide(inst, request, ask.mac, &ask.req, &decision, &conn) != VMP_OK) {
		count(inst, STAT_FAILED);
		return RLM_MODULE_FAIL;
	}
	rcode = authorize_answer(inst, request, &ask, conn, &decision);
	/* An EAP conversation is one authorization: post-auth counts its success. */
	count_answer(inst, rcode, &decision, decision.verdict != VMP_ALLOW || ask.req.method == VMP_METHOD_MAB);
	conn_done(conn);
	return rcode;
}

/*
 *	MAB got its attributes in authorize; what is left is EAP's end, and a MAC that the policy quarantines.
 */
static rlm_rcode_t post_auth_answer(rlm_vmprov_t *inst, REQUEST *request, ask_t const *ask,
				    struct vmp_decision const *decision, bool quarantined, answered_t *answered)
{
	rlm_rcode_t rcode;
	answer_t answer;

	answer_init(&answer, inst, decision);
	if (decision->verdict == VMP_UNKNOWN) {
		if (!quarantined || !answer.quarantine_vlan) return RLM_MODULE_REJECT;
		fr_pair_delete_by_num(&request->reply->vps, PW_REPLY_MESSAGE, 0, TAG_ANY);
	} else if (quarantined) {
		return RLM_MODULE_REJECT;	/* became known meanwhile: its next request is answered properly */
	}
	if (inst->export && !quarantined) facts_export(request, &answer);
	if (decision->verdict > VMP_UNKNOWN) return refuse(inst, request, decision);
	rcode = reply_build(request, &answer);
	if ((rcode == RLM_MODULE_UPDATED) && inst->writer) answered_init(answered, ask, &answer);
	return rcode;
}

/*
 *	The last request of an EAP conversation, or a MAC that the policy quarantines.
 */
static rlm_rcode_t post_auth_decide(rlm_vmprov_t *inst, REQUEST *request, bool quarantined)
{
	struct vmp_decision decision;
	answered_t answered;
	vmprov_conn_t *conn;
	rlm_rcode_t rcode;
	ask_t ask;

	if (!ask_init(inst, request, &ask)) return RLM_MODULE_NOOP;
	if (conn_decide(inst, request, ask.mac, &ask.req, &decision, &conn) != VMP_OK) {
		count(inst, STAT_FAILED);
		return RLM_MODULE_FAIL;
	}
	rcode = post_auth_answer(inst, request, &ask, &decision, quarantined, &answered);
	count_answer(inst, rcode, &decision, !quarantined);
	conn_done(conn);
	if ((rcode == RLM_MODULE_UPDATED) && inst->writer) answered_write(inst, request, &answered);
	return rcode;
}

static rlm_rcode_t CC_HINT(nonnull) mod_post_auth(void *instance, REQUEST *request)
{
	rlm_vmprov_t *inst = instance;
	answered_t *answered;
	bool quarantined;

	if (request->reply->code != PW_CODE_ACCESS_ACCEPT) return RLM_MODULE_NOOP;
	answered = inst->writer ? request_data_get(request, inst->counted, 0) : NULL;
	if (answered) {
		answered_write(inst, request, answered);
		return RLM_MODULE_OK;
	}
	quarantined = pair_first(request->config, quarantine_da(), TAG_ANY) != NULL;
	if (!quarantined && !fr_pair_find_by_num(request->packet->vps, PW_EAP_MESSAGE, 0, TAG_ANY)) {
		return RLM_MODULE_NOOP;
	}
	return post_auth_decide(inst, request, quarantined);
}

extern module_t rlm_vmprov;
module_t rlm_vmprov = {
	.magic		= RLM_MODULE_INIT,
	.name		= "vmprov",
	.type		= RLM_TYPE_HUP_SAFE,
	.inst_size	= sizeof(rlm_vmprov_t),
	.config		= module_config,
	.instantiate	= mod_instantiate,
	.detach		= mod_detach,
	.methods = {
		[MOD_AUTHORIZE]	= mod_authorize,
		[MOD_POST_AUTH]	= mod_post_auth,
		[MOD_PREACCT]	= mod_preacct,
		[MOD_ACCOUNTING] = mod_accounting,
	},
};
