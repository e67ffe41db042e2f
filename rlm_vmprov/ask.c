#include "rlm_vmprov.h"

static bool pair_mac(VALUE_PAIR const *vp, uint64_t *mac)
{
	return vp && vmp_mac_parse(vp->vp_strvalue, vp->vp_length, mac) == VMP_OK;
}

static void address_from(fr_ipaddr_t const *ip, struct vmp_addr *out)
{
	if (ip->af == AF_INET) {
		vmp_addr_v4(&ip->ipaddr.ip4addr, out);
	} else {
		memcpy(out->octet, &ip->ipaddr.ip6addr, sizeof(out->octet));
	}
}

/*
 *	The address that the shared secret belongs to.  NAS-IP-Address is only somebody's claim; behind a
 *	proxy, where it is the only thing to go by, the administrator says so.
 */
static void ask_nas(rlm_vmprov_t const *inst, REQUEST *request, struct vmp_addr *out)
{
	VALUE_PAIR *vp;

	address_from(&request->packet->src_ipaddr, out);
	if (!inst->nas_from_attributes) return;

	vp = fr_pair_find_by_num(request->packet->vps, PW_NAS_IP_ADDRESS, 0, TAG_ANY);
	if (vp) {
		struct in_addr in = { .s_addr = vp->vp_ipaddr };

		vmp_addr_v4(&in, out);
		return;
	}
	vp = fr_pair_find_by_num(request->packet->vps, PW_NAS_IPV6_ADDRESS, 0, TAG_ANY);
	if (vp) memcpy(out->octet, &vp->vp_ipv6addr, sizeof(out->octet));
}

static void ask_port(REQUEST *request, ask_t *out)
{
	VALUE_PAIR *vp;

	vp = fr_pair_find_by_num(request->packet->vps, PW_NAS_PORT_ID, 0, TAG_ANY);
	out->req.port[0] = vp ? vp->vp_strvalue : NULL;
	vp = fr_pair_find_by_num(request->packet->vps, PW_NAS_PORT, 0, TAG_ANY);
	if (vp) snprintf(out->port, sizeof(out->port), "%u", vp->vp_integer);
	out->req.port[1] = vp ? out->port : NULL;
}

/*
 *	DNS names of the client's certificate; its common name only when it has none (RFC 6125, 6.4.4).
 *	The server puts these into the request itself; no NAS can send them.
 */
static void ask_certificate(REQUEST *request, ask_t *out)
{
	vp_cursor_t cursor;
	VALUE_PAIR *vp;
	size_t n = 0;

	fr_cursor_init(&cursor, &request->packet->vps);
	while ((vp = fr_cursor_next_by_num(&cursor, PW_TLS_CLIENT_CERT_SUBJECT_ALT_NAME_DNS, 0, TAG_ANY)) &&
	       (n < (sizeof(out->cert_name) / sizeof(out->cert_name[0])) - 1)) out->cert_name[n++] = vp->vp_strvalue;
	if (n == 0) {
		vp = fr_pair_find_by_num(request->packet->vps, PW_TLS_CLIENT_CERT_COMMON_NAME, 0, TAG_ANY);
		if (vp) out->cert_name[n++] = vp->vp_strvalue;
	}
	out->cert_name[n] = NULL;
	out->req.cert_name = out->cert_name;
}

/*
 *	The type is settled in post-auth; in the virtual server that checks a certificate there is one.
 */
static void ask_eap(REQUEST *request, ask_t *out)
{
	VALUE_PAIR *type = fr_pair_find_by_num(request->packet->vps, PW_EAP_TYPE, 0, TAG_ANY);

	ask_certificate(request, out);
	if (out->cert_name[0]) {
		out->req.method = VMP_METHOD_EAP_TLS;
		return;
	}
	out->req.method = VMP_METHOD_EAP;
	if (request->reply->code != PW_CODE_ACCESS_ACCEPT) return;

	switch (type ? type->vp_integer : 0) {
	case 4:		/* MD5-Challenge, RFC 3748 section 5.4 */
		out->req.method = VMP_METHOD_EAP_MD5;
		break;

	case 13:	/* EAP-TLS: certificate without a name */
		out->req.method = VMP_METHOD_EAP_TLS;
		break;

	default:
		out->req.method = VMP_METHOD_EAP_OTHER;
		break;
	}
}

static bool password_is(uint64_t mac, char const *given, size_t len, rlm_vmprov_t const *inst, VALUE_PAIR const *name)
{
	uint64_t as_mac;

	if (vmp_mac_parse(given, len, &as_mac) == VMP_OK && as_mac == mac) return true;
	/* Some NASes send the user name's own spelling, whatever it is. */
	if (name && name->vp_length == len && rad_digest_cmp((uint8_t const *) name->vp_strvalue,
							      (uint8_t const *) given, len) == 0) return true;
	return inst->mab_password && *inst->mab_password && strlen(inst->mab_password) == len &&
	       rad_digest_cmp((uint8_t const *) inst->mab_password, (uint8_t const *) given, len) == 0;
}

/*
 *	CHAP over the user name as it was sent, which is the password that a NAS uses for MAB, or over the
 *	configured one.
 */
static bool chap_is(REQUEST *request, VALUE_PAIR *chap, char const *password, size_t len)
{
	uint8_t digest[1 + CHAP_VALUE_LENGTH];
	VALUE_PAIR *vp;
	bool same;

	if (!len || (chap->vp_length != sizeof(digest))) return false;

	vp = fr_pair_afrom_num(request, PW_CLEARTEXT_PASSWORD, 0);
	if (!vp) return false;
	fr_pair_value_bstrncpy(vp, password, len);
	rad_chap_encode(request->packet, digest, chap->vp_octets[0], vp);
	same = rad_digest_cmp(digest + 1, chap->vp_octets + 1, CHAP_VALUE_LENGTH) == 0;
	talloc_free(vp);
	return same;
}

/*
 *	MAB proves nothing but that the NAS saw the MAC; still, a request whose password is something else
 *	is not MAB but somebody's login, and no ground to open the port.
 */
static bool ask_mab(rlm_vmprov_t const *inst, REQUEST *request, ask_t const *ask)
{
	VALUE_PAIR *name = fr_pair_find_by_num(request->packet->vps, PW_USER_NAME, 0, TAG_ANY);
	VALUE_PAIR *vp;

	vp = fr_pair_find_by_num(request->packet->vps, PW_USER_PASSWORD, 0, TAG_ANY);
	if (vp) return password_is(ask->mac, vp->vp_strvalue, vp->vp_length, inst, name);

	vp = fr_pair_find_by_num(request->packet->vps, PW_CHAP_PASSWORD, 0, TAG_ANY);
	if (vp) {
		return (name && chap_is(request, vp, name->vp_strvalue, name->vp_length)) ||
		       (inst->mab_password && chap_is(request, vp, inst->mab_password, strlen(inst->mab_password)));
	}

	vp = fr_pair_find_by_num(request->packet->vps, PW_SERVICE_TYPE, 0, TAG_ANY);
	return vp && (vp->vp_integer == 10 /* Call-Check, RFC 2865 section 5.6 */);
}

bool ask_init(rlm_vmprov_t const *inst, REQUEST *request, ask_t *out)
{
	VALUE_PAIR *name = fr_pair_find_by_num(request->packet->vps, PW_USER_NAME, 0, TAG_ANY);
	VALUE_PAIR *calling = fr_pair_find_by_num(request->packet->vps, PW_CALLING_STATION_ID, 0, TAG_ANY);
	uint64_t other;
	bool from_calling = pair_mac(calling, &out->mac);

	if (!from_calling && !pair_mac(name, &out->mac)) return false;

	out->mismatch = false;
	out->why = NULL;
	out->req.now = request->timestamp;
	ask_nas(inst, request, &out->req.nas);
	ask_port(request, out);
	if (fr_pair_find_by_num(request->packet->vps, PW_EAP_MESSAGE, 0, TAG_ANY)) {
		ask_eap(request, out);
		return true;
	}
	out->req.method = VMP_METHOD_MAB;
	out->req.cert_name = NULL;
	if (from_calling && pair_mac(name, &other) && other != out->mac) {
		out->mismatch = true;
		out->why = "User-Name and Calling-Station-Id are different MAC addresses";
	} else if (!ask_mab(inst, request, out)) {
		out->mismatch = true;
		out->why = "The password is not that of a MAC authentication";
	}
	return true;
}
