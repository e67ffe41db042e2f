#include "rlm_vmprov.h"

typedef struct named {
	VALUE_PAIR *nas_ip_address, *nas_ipv6_address, *nas_identifier, *nas_port, *nas_port_id;
	VALUE_PAIR *user_name, *calling_station_id, *acct_session_id, *framed_ip_address, *framed_ipv6_address;
	VALUE_PAIR *status_type, *delay_time, *event_timestamp, *terminate_cause;
	VALUE_PAIR *input_octets, *output_octets, *input_gigawords, *output_gigawords;
} named_t;

#define WANTED(_attr, _member) { _attr, offsetof(named_t, _member) }

static wanted_t const wanted[] = {
	WANTED(PW_NAS_IP_ADDRESS, nas_ip_address),
	WANTED(PW_NAS_IPV6_ADDRESS, nas_ipv6_address),
	WANTED(PW_NAS_IDENTIFIER, nas_identifier),
	WANTED(PW_NAS_PORT, nas_port),
	WANTED(PW_NAS_PORT_ID, nas_port_id),
	WANTED(PW_USER_NAME, user_name),
	WANTED(PW_CALLING_STATION_ID, calling_station_id),
	WANTED(PW_ACCT_SESSION_ID, acct_session_id),
	WANTED(PW_FRAMED_IP_ADDRESS, framed_ip_address),
	WANTED(PW_FRAMED_IPV6_ADDRESS, framed_ipv6_address),
	/* accounting alone from here on */
	WANTED(PW_ACCT_STATUS_TYPE, status_type),
	WANTED(PW_ACCT_DELAY_TIME, delay_time),
	WANTED(PW_EVENT_TIMESTAMP, event_timestamp),
	WANTED(PW_ACCT_TERMINATE_CAUSE, terminate_cause),
	WANTED(PW_ACCT_INPUT_OCTETS, input_octets),
	WANTED(PW_ACCT_OUTPUT_OCTETS, output_octets),
	WANTED(PW_ACCT_INPUT_GIGAWORDS, input_gigawords),
	WANTED(PW_ACCT_OUTPUT_GIGAWORDS, output_gigawords),
};
#define N_WANTED (sizeof(wanted) / sizeof(wanted[0]))
#define N_WANTED_AUTH 10

static char const *text_of(VALUE_PAIR const *vp)
{
	return vp ? vp->vp_strvalue : "";
}

static char const *address_of(VALUE_PAIR const *v4, VALUE_PAIR const *v6, char out[VMP_ADDR_TEXT])
{
	struct vmp_addr addr;

	out[0] = '\0';
	if (v4) {
		struct in_addr in = { .s_addr = v4->vp_ipaddr };

		vmp_addr_v4(&in, &addr);
		vmp_addr_format(&addr, out);
	} else if (v6) {
		memcpy(addr.octet, &v6->vp_ipv6addr, sizeof(addr.octet));
		vmp_addr_format(&addr, out);
	}
	return out;
}

static void place_init(rlm_vmprov_t const *inst, REQUEST *request, named_t const *named, report_t *out)
{
	struct vmp_place *place = &out->vmp.place;
	struct vmp_addr addr;

	nas_address(inst, request, named->nas_ip_address, named->nas_ipv6_address, &addr);
	vmp_addr_format(&addr, out->nas);
	place->nas = out->nas;
	place->nas_ip = address_of(named->nas_ip_address, named->nas_ipv6_address, out->nas_ip);
	place->framed_ip = address_of(named->framed_ip_address, named->framed_ipv6_address, out->framed_ip);
	place->nas_port = named->nas_port ? (int64_t) named->nas_port->vp_integer : -1;
	place->nas_port_id = text_of(named->nas_port_id);
	place->nas_identifier = text_of(named->nas_identifier);
	place->user_name = text_of(named->user_name);
	place->calling_station_id = text_of(named->calling_station_id);
	place->acct_session_id = text_of(named->acct_session_id);
}

static void report_init(rlm_vmprov_t const *inst, REQUEST *request, size_t n_wanted, named_t *named, report_t *out)
{
	memset(named, 0, sizeof(*named));
	pairs_find(request, wanted, n_wanted, named);
	memset(&out->vmp, 0, sizeof(out->vmp));
	place_init(inst, request, named, out);
	out->vmp.at = request->timestamp;
	out->vmp.cert_name = out->vmp.cause = out->vmp.detail = "";
}

void answered_init(answered_t *out, ask_t const *ask, answer_t *answer)
{
	struct vmp_decision const *d = answer->decision;
	struct vmp_policy const *p = &d->effective;
	bool known = d->verdict == VMP_ALLOW;

	out->mac = ask->mac;
	out->token = answer_token(answer);
	out->method = ask->req.method;
	out->quarantined = !known;
	out->policy = known ? vmp_policy_digest(d) : 0;
	out->vlan = (uint16_t) (known ? (p->set >> VMP_F_VLAN & 1 ? p->value[VMP_F_VLAN].num : 0)
				      : answer->quarantine_vlan);
	out->timeout_s = known && (p->set >> VMP_F_TIMEOUT & 1) ? p->value[VMP_F_TIMEOUT].num : 0;
	strlcpy(out->cert_name, known && d->host ? d->host->cert_name : "", sizeof(out->cert_name));
}

void report_authorized(rlm_vmprov_t const *inst, REQUEST *request, answered_t const *answered, report_t *out)
{
	named_t named;

	report_init(inst, request, N_WANTED_AUTH, &named, out);
	out->vmp.type = VMP_REPORT_AUTHORIZED;
	out->vmp.mac = answered->mac;
	out->vmp.token = answered->token;
	out->vmp.method = answered->method;
	out->vmp.cert_name = answered->cert_name;
	out->vmp.quarantined = answered->quarantined;
	out->vmp.vlan = answered->vlan;
	out->vmp.policy = answered->policy;
	out->vmp.timeout_s = answered->timeout_s;
}

void report_refused(rlm_vmprov_t const *inst, REQUEST *request, uint64_t mac, report_t *out)
{
	named_t named;

	report_init(inst, request, N_WANTED_AUTH, &named, out);
	out->vmp.type = VMP_REPORT_REFUSED;
	out->vmp.mac = mac;
	out->vmp.detail = out->detail;
}

static struct {
	unsigned status;
	enum vmp_report_type type;
} const types[] = {
	{ PW_STATUS_START, VMP_REPORT_START },
	{ PW_STATUS_ALIVE, VMP_REPORT_INTERIM },
	{ PW_STATUS_STOP, VMP_REPORT_STOP },
	{ PW_STATUS_ACCOUNTING_ON, VMP_REPORT_RESTART },
	{ PW_STATUS_ACCOUNTING_OFF, VMP_REPORT_RESTART },
};

static bool type_of(VALUE_PAIR const *status, enum vmp_report_type *out)
{
	size_t i;

	for (i = 0; status && (i < sizeof(types) / sizeof(types[0])); i++) {
		if (types[i].status != status->vp_integer) continue;
		*out = types[i].type;
		return true;
	}
	return false;
}

/*
 *	Of several Class attributes one is ours: some NASes send all that they were ever given, the latest first or
 *	last, and the highest token is the latest.
 */
static bool class_of(REQUEST *request, uint64_t *mac, uint64_t *token)
{
	vp_cursor_t cursor;
	VALUE_PAIR *vp;
	uint64_t m, t;
	bool found = false;

	*token = 0;
	fr_cursor_init(&cursor, &request->packet->vps);
	while ((vp = fr_cursor_next_by_num(&cursor, PW_CLASS, 0, TAG_ANY))) {
		if (vmp_class_parse((char const *) vp->vp_octets, vp->vp_length, &m, &t) != VMP_OK || t <= *token) continue;
		*mac = m;
		*token = t;
		found = true;
	}
	return found;
}

/*
 *	How long the NAS has been trying to send it, on our own clock; only where it does not say, its own clock counts
 *	(Event-Timestamp, RFC 2869 section 5.3), unless that is a day off or ahead.
 */
static int64_t time_of(REQUEST *request, named_t const *named)
{
	int64_t now = request->timestamp;
	int64_t delay = named->delay_time ? (int64_t) named->delay_time->vp_integer : -1;
	int64_t stamp = named->event_timestamp ? (int64_t) named->event_timestamp->vp_date : 0;

	if (delay >= 0 && delay <= 86400) return now - delay;
	return stamp > now - 86400 && stamp < now ? stamp : now;
}

static uint64_t octets_of(VALUE_PAIR const *octets, VALUE_PAIR const *gigawords)
{
	return (uint64_t) (gigawords ? gigawords->vp_integer : 0) << 32 | (octets ? octets->vp_integer : 0);
}

static rlm_rcode_t invalid(REQUEST *request, char const *why)
{
	REDEBUG("%s", why);
	return RLM_MODULE_INVALID;
}

/*
 *	Class is what we said ourselves; still, one that names another guest was mixed up by the NAS.
 */
static bool guest_of(REQUEST *request, named_t const *named, struct vmp_report *out)
{
	uint64_t mac = 0;
	bool ours = class_of(request, &mac, &out->token);

	if (!pair_mac(named->calling_station_id, &out->mac) && !pair_mac(named->user_name, &out->mac)) {
		out->mac = mac;
		return ours;
	}
	if (ours && mac != out->mac) {
		RWDEBUG("Class is another guest's: ignored");
		out->token = 0;
	}
	return true;
}

rlm_rcode_t report_accounting(rlm_vmprov_t const *inst, REQUEST *request, report_t *out)
{
	named_t named;

	report_init(inst, request, N_WANTED, &named, out);
	if (!named.status_type) return invalid(request, "Acct-Status-Type is missing (RFC 2866 section 5.1)");
	if (!type_of(named.status_type, &out->vmp.type)) return RLM_MODULE_NOOP;
	out->vmp.at = time_of(request, &named);
	if (out->vmp.type == VMP_REPORT_RESTART) return RLM_MODULE_OK;

	if (!guest_of(request, &named, &out->vmp)) return RLM_MODULE_NOOP;
	if (!named.acct_session_id) return invalid(request, "Acct-Session-Id is missing (RFC 2866 section 5.5)");
	out->vmp.input_octets = octets_of(named.input_octets, named.input_gigawords);
	out->vmp.output_octets = octets_of(named.output_octets, named.output_gigawords);
	if (named.terminate_cause) {
		char const *cause = dict_valnamebyattr(PW_ACCT_TERMINATE_CAUSE, 0, (int) named.terminate_cause->vp_integer);

		out->vmp.cause = cause ? cause : "";
	}
	return RLM_MODULE_OK;
}
