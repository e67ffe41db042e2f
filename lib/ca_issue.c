#include "pki_internal.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <string.h>

#define COMMON_NAME_MAX 64 /* characters: ub-common-name, RFC 5280 A.1 */
#define URL_MAX		1024

/* Extensions' names (RFC 5280 4.2), with tag and length. */
static const uint8_t oid_skid[] = { 0x06, 0x03, 0x55, 0x1d, 0x0e };
static const uint8_t oid_key_usage[] = { 0x06, 0x03, 0x55, 0x1d, 0x0f };
static const uint8_t oid_san[] = { 0x06, 0x03, 0x55, 0x1d, 0x11 };
static const uint8_t oid_constraints[] = { 0x06, 0x03, 0x55, 0x1d, 0x13 };
static const uint8_t oid_crl_points[] = { 0x06, 0x03, 0x55, 0x1d, 0x1f };
static const uint8_t oid_ext_usage[] = { 0x06, 0x03, 0x55, 0x1d, 0x25 };
static const uint8_t oid_aia[] = { 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01 };
static const uint8_t oid_ocsp[] = { 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01 };
static const uint8_t oid_common_name[] = { 0x06, 0x03, 0x55, 0x04, 0x03 };

/* KeyPurposeIds: id-kp and a last octet. */
#define ID_KP	    0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03
#define SERVER_AUTH 1
#define CLIENT_AUTH 2
#define CMC_KGA	    32

static const uint8_t usage_client[] = { DER_SEQUENCE, 10, ID_KP, CLIENT_AUTH };
static const uint8_t usage_server[] = { DER_SEQUENCE, 10, ID_KP, SERVER_AUTH };
static const uint8_t usage_both[] = { DER_SEQUENCE, 20, ID_KP, CLIENT_AUTH, ID_KP, SERVER_AUTH };
static const uint8_t usage_signer[] = { DER_SEQUENCE, 10, ID_KP, CMC_KGA };

static const struct {
	const uint8_t *usage;
	size_t len;
	bool key_exchange; /* the key agrees or encrypts keys, too */
} kinds[] = {
	[VMP_CERT_VM] = { usage_client, sizeof(usage_client), true },
	[VMP_CERT_GATEWAY] = { usage_both, sizeof(usage_both), true },
	[VMP_CERT_HOST] = { usage_client, sizeof(usage_client), true },
	[VMP_CERT_SERVER] = { usage_server, sizeof(usage_server), true },
	[VMP_CERT_SIGNER] = { usage_signer, sizeof(usage_signer), false },
};

/* Characters of UTF-8 without control characters; 0 when it is none. */
static size_t characters(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int left = (int)strnlen(text, 4 * COMMON_NAME_MAX + 1);
	unsigned long c;
	size_t n = 0;

	while (left > 0) {
		int used = UTF8_getc(p, left, &c);

		if (used < 1 || c < ' ' || c == 0x7f)
			return 0;
		p += used;
		left -= used;
		n++;
	}
	return n;
}

/* Printable ASCII without blanks, of 1 to max octets. */
static bool is_plain(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1), i;

	for (i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0 && len <= max;
}

static int check(const struct vmp_cert_order *order, struct vmp_msg *msg)
{
	size_t i, n = characters(order->common_name);

	if (order->kind < VMP_CERT_VM || order->kind > VMP_CERT_SIGNER)
		return vmp_fail(msg, VMP_EINVAL, "certificate: no such kind");
	if (order->serial[0] < 1 || order->serial[0] > 127)
		return vmp_fail(msg, VMP_EINVAL, "certificate: expected a serial number whose first octet is 1 to 127");
	if (n < 1 || n > COMMON_NAME_MAX)
		return vmp_fail(msg, VMP_EINVAL, "certificate: expected a name of 1 to %d characters", COMMON_NAME_MAX);
	for (i = 0; i < sizeof(order->dns) / sizeof(order->dns[0]) && order->dns[i]; i++) {
		if (!is_plain(order->dns[i], 253))
			return vmp_fail(msg, VMP_EINVAL, "certificate: \"%.253s\" is no DNS name", order->dns[i]);
	}
	if ((order->uri && !is_plain(order->uri, URL_MAX)) || (order->crl_url && !is_plain(order->crl_url, URL_MAX)) ||
	    (order->ocsp_url && !is_plain(order->ocsp_url, URL_MAX)))
		return vmp_fail(msg, VMP_EINVAL, "certificate: expected URIs of 1 to %d octets of ASCII", URL_MAX);
	if (!vmp_pubkey_is_sane(&order->key))
		return vmp_fail(msg, VMP_EINVAL, "certificate: the public key is none");
	return VMP_OK;
}

static void add_san(struct vmp_der_out *out, const struct vmp_cert_order *order)
{
	size_t end = out->at, n = 0;
	struct in6_addr ip;

	while (n < sizeof(order->dns) / sizeof(order->dns[0]) && order->dns[n])
		n++;
	if (!n && !order->uri)
		return;
	while (n-- > 0) {
		const char *name = order->dns[n];

		if (inet_pton(AF_INET, name, &ip) == 1)
			vmp_der_add(out, DER_PRIMITIVE_0 + 7, &ip, 4);
		else if (inet_pton(AF_INET6, name, &ip) == 1)
			vmp_der_add(out, DER_PRIMITIVE_0 + 7, &ip, 16);
		else
			vmp_der_add(out, DER_PRIMITIVE_0 + 2, name, strlen(name));
	}
	if (order->uri)
		vmp_der_add(out, DER_PRIMITIVE_0 + 6, order->uri, strlen(order->uri));
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close_ext(out, end, oid_san, sizeof(oid_san), false);
}

static void add_urls(struct vmp_der_out *out, const struct vmp_cert_order *order)
{
	size_t end = out->at;

	if (order->ocsp_url) {
		vmp_der_add(out, DER_PRIMITIVE_0 + 6, order->ocsp_url, strlen(order->ocsp_url));
		vmp_der_put(out, oid_ocsp, sizeof(oid_ocsp));
		vmp_der_close(out, end, DER_SEQUENCE);
		vmp_der_close(out, end, DER_SEQUENCE);
		vmp_der_close_ext(out, end, oid_aia, sizeof(oid_aia), false);
	}
	end = out->at;
	if (order->crl_url) {
		vmp_der_add(out, DER_PRIMITIVE_0 + 6, order->crl_url, strlen(order->crl_url));
		vmp_der_close(out, end, DER_CONTEXT_0); /* fullName */
		vmp_der_close(out, end, DER_CONTEXT_0); /* distributionPoint */
		vmp_der_close(out, end, DER_SEQUENCE);
		vmp_der_close(out, end, DER_SEQUENCE);
		vmp_der_close_ext(out, end, oid_crl_points, sizeof(oid_crl_points), false);
	}
}

/* digitalSignature is bit 0, keyEncipherment 2, keyAgreement 4. */
static void add_usages(struct vmp_der_out *out, const struct vmp_cert_order *order)
{
	static const uint8_t sign[] = { DER_BIT_STRING, 2, 7, 0x80 };
	static const uint8_t sign_encipher[] = { DER_BIT_STRING, 2, 5, 0xa0 };
	static const uint8_t sign_agree[] = { DER_BIT_STRING, 2, 3, 0x88 };
	const uint8_t *usage = sign;
	size_t end = out->at;

	if (kinds[order->kind].key_exchange)
		usage = order->key.type == VMP_KEY_RSA ? sign_encipher : sign_agree;
	vmp_der_put(out, kinds[order->kind].usage, kinds[order->kind].len);
	vmp_der_close_ext(out, end, oid_ext_usage, sizeof(oid_ext_usage), false);
	end = out->at;
	vmp_der_put(out, usage, sizeof(sign));
	vmp_der_close_ext(out, end, oid_key_usage, sizeof(oid_key_usage), true);
}

static void add_extensions(struct vmp_der_out *out, const struct vmp_ca *ca, const struct vmp_cert_order *order)
{
	static const uint8_t not_a_ca[] = { DER_SEQUENCE, 0 };
	size_t end = out->at, one;
	uint8_t id[VMP_KEY_ID];

	add_urls(out, order);
	add_san(out, order);
	vmp_ca_add_key_id(ca, out);
	one = out->at;
	vmp_pubkey_id(order->key.bits, order->key.len, id);
	vmp_der_add(out, DER_OCTET_STRING, id, sizeof(id));
	vmp_der_close_ext(out, one, oid_skid, sizeof(oid_skid), false);
	add_usages(out, order);
	one = out->at;
	vmp_der_put(out, not_a_ca, sizeof(not_a_ca));
	vmp_der_close_ext(out, one, oid_constraints, sizeof(oid_constraints), true);
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close(out, end, DER_CONTEXT_0 + 3);
}

static void add_subject(struct vmp_der_out *out, const char *common_name)
{
	size_t end = out->at;

	vmp_der_add(out, DER_UTF8, common_name, strlen(common_name));
	vmp_der_put(out, oid_common_name, sizeof(oid_common_name));
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close(out, end, DER_SET);
	vmp_der_close(out, end, DER_SEQUENCE);
}

static void add_tbs(struct vmp_der_out *out, const struct vmp_ca *ca, const struct vmp_cert_order *order,
		    int64_t not_after)
{
	static const uint8_t v3[] = { DER_CONTEXT_0, 3, DER_INTEGER, 1, 2 };
	size_t end = out->at, times;

	add_extensions(out, ca, order);
	vmp_pubkey_add(out, &order->key);
	add_subject(out, order->common_name);
	times = out->at;
	vmp_der_add_time(out, DER_UTC_TIME, not_after);
	vmp_der_add_time(out, DER_UTC_TIME, order->not_before);
	vmp_der_close(out, times, DER_SEQUENCE);
	vmp_der_put(out, ca->issuer, ca->issuer_len);
	vmp_der_put(out, ca->alg, ca->alg_len);
	vmp_der_add(out, DER_INTEGER, order->serial, VMP_SERIAL);
	vmp_der_put(out, v3, sizeof(v3));
	vmp_der_close(out, end, DER_SEQUENCE);
}

int vmp_ca_issue(struct vmp_ca *ca, const struct vmp_cert_order *order, uint8_t *out, size_t *len, struct vmp_msg *msg)
{
	int64_t not_after = order->not_after < ca->not_after ? order->not_after : ca->not_after;
	uint8_t buf[VMP_CERT_MAX];
	struct vmp_der_out tbs = vmp_der_begin(buf, sizeof(buf)), cert = vmp_der_begin(out, *len);
	int err = check(order, msg);

	if (err)
		return err;
	if (order->not_before > not_after)
		return vmp_fail(msg, VMP_EINVAL, "certificate: it would end before it begins");
	add_tbs(&tbs, ca, order, not_after);
	if (tbs.full)
		return vmp_fail(msg, VMP_EINVAL, "certificate: it would be longer than %d octets", VMP_CERT_MAX);
	err = vmp_ca_sign(ca, buf + tbs.at, tbs.room - tbs.at, &cert, msg);
	if (err)
		return err;
	if (vmp_der_finish(&cert, len) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "certificate: it would be longer than %zu octets", *len);
	return VMP_OK;
}
