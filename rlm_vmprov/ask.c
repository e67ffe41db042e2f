#include "rlm_vmprov.h"

bool pair_mac(VALUE_PAIR const *vp, uint64_t *mac)
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
 *	The attributes that decide.
 */
typedef struct found {
	VALUE_PAIR *user_name, *user_password, *chap_password, *service_type, *calling_station_id;
	VALUE_PAIR *nas_port, *nas_port_id, *nas_ip_address, *nas_ipv6_address;
	VALUE_PAIR *eap_message, *eap_type, *common_name;
} found_t;

static wanted_t const wanted[] = {
	{ PW_USER_NAME, offsetof(found_t, user_name) },
	{ PW_USER_PASSWORD, offsetof(found_t, user_password) },
	{ PW_CHAP_PASSWORD, offsetof(found_t, chap_password) },
	{ PW_SERVICE_TYPE, offsetof(found_t, service_type) },
	{ PW_CALLING_STATION_ID, offsetof(found_t, calling_station_id) },
	{ PW_NAS_PORT, offsetof(found_t, nas_port) },
	{ PW_NAS_PORT_ID, offsetof(found_t, nas_port_id) },
	{ PW_NAS_IP_ADDRESS, offsetof(found_t, nas_ip_address) },
	{ PW_NAS_IPV6_ADDRESS, offsetof(found_t, nas_ipv6_address) },
	{ PW_EAP_MESSAGE, offsetof(found_t, eap_message) },
	{ PW_EAP_TYPE, offsetof(found_t, eap_type) },
	{ PW_TLS_CLIENT_CERT_COMMON_NAME, offsetof(found_t, common_name) },
};

void pairs_find(REQUEST *request, wanted_t const *list, size_t n, void *out)
{
	VALUE_PAIR *vp;
	size_t i;

	for (vp = request->packet->vps; vp; vp = vp->next) {
		/* Of a wrong length it is octets, whatever its number says. */
		if (vp->da->vendor || vp->da->flags.is_unknown) continue;
		for (i = 0; i < n; i++) {
			VALUE_PAIR **at = (VALUE_PAIR **)((uint8_t *) out + list[i].offset);

			if (list[i].attr == vp->da->attr && !*at) *at = vp;
		}
	}
}

/*
 *	The address that the shared secret belongs to.  NAS-IP-Address is only somebody's claim; behind a
 *	proxy, where it is the only thing to go by, the administrator says so.
 */
void nas_address(rlm_vmprov_t const *inst, REQUEST *request, VALUE_PAIR const *nas_ip_address,
		 VALUE_PAIR const *nas_ipv6_address, struct vmp_addr *out)
{
	address_from(&request->packet->src_ipaddr, out);
	if (!inst->nas_from_attributes) return;

	if (nas_ip_address) {
		struct in_addr in = { .s_addr = nas_ip_address->vp_ipaddr };

		vmp_addr_v4(&in, out);
	} else if (nas_ipv6_address) {
		memcpy(out->octet, &nas_ipv6_address->vp_ipv6addr, sizeof(out->octet));
	}
}

/*
 *	DNS names of the client's certificate; its common name only when it has none (RFC 6125, 6.4.4).
 *	The server puts these into the request itself; no NAS can send them.
 */
static void ask_certificate(REQUEST *request, found_t const *found, ask_t *out)
{
	vp_cursor_t cursor;
	VALUE_PAIR *vp;
	size_t n = 0;

	fr_cursor_init(&cursor, &request->packet->vps);
	while ((n < (sizeof(out->cert_name) / sizeof(out->cert_name[0])) - 1) &&
	       (vp = fr_cursor_next_by_num(&cursor, PW_TLS_CLIENT_CERT_SUBJECT_ALT_NAME_DNS, 0, TAG_ANY))) {
		out->cert_name[n++] = vp->vp_strvalue;
	}
	if ((n == 0) && found->common_name) out->cert_name[n++] = found->common_name->vp_strvalue;
	out->cert_name[n] = NULL;
	out->req.cert_name = out->cert_name;
}

/*
 *	The type is settled in post-auth; in the virtual server that checks a certificate there is one.
 */
static void ask_eap(REQUEST *request, found_t const *found, ask_t *out)
{
	ask_certificate(request, found, out);
	if (out->cert_name[0]) {
		out->req.method = VMP_METHOD_EAP_TLS;
		return;
	}
	out->req.method = VMP_METHOD_EAP;
	if (request->reply->code != PW_CODE_ACCESS_ACCEPT) return;

	switch (found->eap_type ? found->eap_type->vp_integer : 0) {
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
static bool ask_mab(rlm_vmprov_t const *inst, REQUEST *request, found_t const *found, uint64_t mac)
{
	VALUE_PAIR const *name = found->user_name, *vp = found->user_password;

	if (vp) return password_is(mac, vp->vp_strvalue, vp->vp_length, inst, name);
	if (found->chap_password) {
		return (name && chap_is(request, found->chap_password, name->vp_strvalue, name->vp_length)) ||
		       (inst->mab_password &&
			chap_is(request, found->chap_password, inst->mab_password, strlen(inst->mab_password)));
	}
	vp = found->service_type;
	return vp && (vp->vp_integer == 10);	/* Call-Check, RFC 2865 section 5.6 */
}

bool ask_init(rlm_vmprov_t const *inst, REQUEST *request, ask_t *out)
{
	bool from_calling;
	uint64_t other;
	found_t found = { .user_name = NULL };

	pairs_find(request, wanted, sizeof(wanted) / sizeof(wanted[0]), &found);
	from_calling = pair_mac(found.calling_station_id, &out->mac);
	if (!from_calling && !pair_mac(found.user_name, &out->mac)) return false;

	out->mismatch = NULL;
	out->req.now = request->timestamp;
	nas_address(inst, request, found.nas_ip_address, found.nas_ipv6_address, &out->req.nas);
	out->req.port_id = found.nas_port_id ? found.nas_port_id->vp_strvalue : NULL;
	out->req.port = found.nas_port ? (int64_t) found.nas_port->vp_integer : -1;
	if (found.eap_message) {
		ask_eap(request, &found, out);
		return true;
	}
	out->req.method = VMP_METHOD_MAB;
	out->req.cert_name = NULL;
	if (from_calling && pair_mac(found.user_name, &other) && other != out->mac) {
		out->mismatch = "User-Name and Calling-Station-Id are different MAC addresses";
	} else if (!ask_mab(inst, request, &found, out->mac)) {
		out->mismatch = "The password is not that of a MAC authentication";
	}
	return true;
}
