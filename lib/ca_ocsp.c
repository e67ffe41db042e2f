#include "pki_internal.h"

#include <openssl/sha.h>
#include <string.h>

/* [octets] Of responses; each of eight has at most 128 + 60. */
#define RESPONSE_MAX 8192

static const uint8_t oid_basic[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
static const uint8_t oid_nonce[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };
static const uint8_t sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a };
static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };

/* -- the request -- */

/* Are these the hashes of the issuer's name and key (RFC 6960 4.1.1)?  SHA-1 only names the issuer here. */
static bool is_issuer(const struct vmp_der *alg, const struct vmp_der *name, const struct vmp_der *key,
		      const struct vmp_cert_parts *issuer)
{
	size_t name_len = vmp_der_left(&issuer->subject), key_len = vmp_der_left(&issuer->bits), size;
	uint8_t names[SHA256_DIGEST_LENGTH], keys[SHA256_DIGEST_LENGTH];

	if (vmp_der_is(alg, sha1, sizeof(sha1))) {
		size = SHA_DIGEST_LENGTH;
		SHA1(issuer->subject.p, name_len, names);
		SHA1(issuer->bits.p, key_len, keys);
	} else if (vmp_der_is(alg, sha256, sizeof(sha256))) {
		size = SHA256_DIGEST_LENGTH;
		SHA256(issuer->subject.p, name_len, names);
		SHA256(issuer->bits.p, key_len, keys);
	} else {
		return false;
	}
	return vmp_der_is(name, names, size) && vmp_der_is(key, keys, size);
}

static bool read_item(struct vmp_der *list, const struct vmp_cert_parts *issuer, struct vmp_ocsp *out)
{
	struct vmp_der one = vmp_der_enter(list, DER_SEQUENCE), raw = vmp_der_take(&one, DER_SEQUENCE), in = raw;
	struct vmp_der id = vmp_der_enter(&in, DER_SEQUENCE), alg = vmp_der_enter(&id, DER_SEQUENCE);
	struct vmp_der oid = vmp_der_enter(&alg, DER_OID), name = vmp_der_enter(&id, DER_OCTET_STRING);
	struct vmp_der key = vmp_der_enter(&id, DER_OCTET_STRING), serial = vmp_der_enter(&id, DER_INTEGER);
	size_t len = vmp_der_left(&raw), serial_len = vmp_der_left(&serial);

	vmp_der_skip(&one, DER_CONTEXT_0);
	if (!vmp_der_done(&one) || !vmp_der_done(&id) || oid.bad || name.bad || key.bad || serial.bad || !serial_len ||
	    len > sizeof(out->item[0].cert_id) || out->n == VMP_OCSP_SERIALS)
		return false;
	memcpy(out->item[out->n].cert_id, raw.p, len);
	out->item[out->n].cert_id_len = (uint8_t)len;
	out->item[out->n].status = VMP_OCSP_UNKNOWN;
	if (serial_len == VMP_SERIAL && *serial.p >= 1 && *serial.p <= 127 && is_issuer(&oid, &name, &key, issuer)) {
		out->item[out->n].ours = true;
		memcpy(out->item[out->n].serial, serial.p, VMP_SERIAL);
	}
	out->n++;
	return true;
}

/* Extensions: of those, only the nonce means anything here. */
static bool read_extensions(struct vmp_der *tbs, struct vmp_ocsp *out)
{
	struct vmp_der box = vmp_der_enter(tbs, DER_CONTEXT_0 + 2), list = vmp_der_enter(&box, DER_SEQUENCE);

	while (!list.bad && list.p < list.end) {
		struct vmp_der ext = vmp_der_enter(&list, DER_SEQUENCE), oid = vmp_der_take(&ext, DER_OID);
		bool flagged = vmp_der_at(&ext, DER_BOOLEAN), critical;
		struct vmp_der flag = ext, value, nonce;

		vmp_der_skip(&ext, DER_BOOLEAN);
		flag = flagged ? vmp_der_enter(&flag, DER_BOOLEAN) : vmp_der_of(NULL, 0);
		critical = flagged && !vmp_der_is(&flag, "", 1);
		value = vmp_der_enter(&ext, DER_OCTET_STRING);
		if (!vmp_der_done(&ext) || oid.bad || value.bad)
			return false;
		if (!vmp_der_is(&oid, oid_nonce, sizeof(oid_nonce))) {
			if (critical)
				return false;
			continue;
		}
		nonce = vmp_der_enter(&value, DER_OCTET_STRING);
		if (!vmp_der_done(&value) || nonce.bad || nonce.p == nonce.end || out->nonce_len ||
		    vmp_der_left(&nonce) > VMP_OCSP_NONCE_MAX)
			return false;
		out->nonce_len = (uint8_t)vmp_der_left(&nonce);
		memcpy(out->nonce, nonce.p, out->nonce_len);
	}
	return !list.bad && vmp_der_done(&box);
}

static bool read_request(const uint8_t *der, size_t len, const struct vmp_cert_parts *issuer, struct vmp_ocsp *out)
{
	struct vmp_der in = vmp_der_of(der, len), req = vmp_der_enter(&in, DER_SEQUENCE);
	struct vmp_der tbs = vmp_der_enter(&req, DER_SEQUENCE), list;

	/* A signature on the request is not asked for, and not looked at. */
	vmp_der_skip(&req, DER_CONTEXT_0);
	vmp_der_skip(&tbs, DER_CONTEXT_0);
	vmp_der_skip(&tbs, DER_CONTEXT_0 + 1);
	list = vmp_der_enter(&tbs, DER_SEQUENCE);
	if (list.bad || list.p == list.end)
		return false;
	while (list.p < list.end) {
		if (!read_item(&list, issuer, out))
			return false;
	}
	if (vmp_der_at(&tbs, DER_CONTEXT_0 + 2) && !read_extensions(&tbs, out))
		return false;
	return vmp_der_done(&in) && vmp_der_done(&req) && vmp_der_done(&tbs);
}

int vmp_ocsp_read(const uint8_t *der, size_t len, const uint8_t *issuer, size_t issuer_len, struct vmp_ocsp *out,
		  struct vmp_msg *msg)
{
	struct vmp_ocsp ask = { .n = 0 };
	struct vmp_cert_parts parts;

	if (vmp_cert_split(issuer, issuer_len, &parts) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "OCSP: the issuer's certificate is none");
	if (len > VMP_OCSP_MAX || !read_request(der, len, &parts, &ask))
		return vmp_fail(msg, VMP_EINVAL,
				"OCSP: expected a request of at most %d octets for 1 to %d certificates", VMP_OCSP_MAX,
				VMP_OCSP_SERIALS);
	*out = ask;
	return VMP_OK;
}

/* -- the response -- */

static void add_item(struct vmp_der_out *out, const struct vmp_ocsp *ask, size_t i, int64_t this_update,
		     int64_t next_update)
{
	/* Whoever asks about a certificate of another CA learns nothing, whatever status says. */
	enum vmp_ocsp_status status = ask->item[i].ours ? ask->item[i].status : VMP_OCSP_UNKNOWN;
	size_t end = out->at, inner;

	vmp_der_add_time(out, DER_TIME, next_update);
	vmp_der_close(out, end, DER_CONTEXT_0);
	vmp_der_add_time(out, DER_TIME, this_update);
	inner = out->at;
	if (status == VMP_OCSP_REVOKED) {
		if (ask->item[i].reason) {
			vmp_der_add(out, DER_ENUMERATED, &ask->item[i].reason, 1);
			vmp_der_close(out, inner, DER_CONTEXT_0);
		}
		vmp_der_add_time(out, DER_TIME, ask->item[i].revoked_at);
		vmp_der_close(out, inner, DER_CONTEXT_0 + 1);
	} else {
		vmp_der_close(out, inner, status == VMP_OCSP_GOOD ? DER_PRIMITIVE_0 : DER_PRIMITIVE_0 + 2);
	}
	vmp_der_put(out, ask->item[i].cert_id, ask->item[i].cert_id_len);
	vmp_der_close(out, end, DER_SEQUENCE);
}

static void add_tbs(struct vmp_der_out *out, const struct vmp_ca *ca, const struct vmp_ocsp *ask, int64_t this_update,
		    int64_t next_update)
{
	size_t end = out->at, i;

	if (ask->nonce_len) {
		vmp_der_add(out, DER_OCTET_STRING, ask->nonce, ask->nonce_len);
		vmp_der_close_ext(out, end, oid_nonce, sizeof(oid_nonce), false);
		vmp_der_close(out, end, DER_SEQUENCE);
		vmp_der_close(out, end, DER_CONTEXT_0 + 1);
	}
	end = out->at;
	for (i = ask->n; i > 0; i--)
		add_item(out, ask, i - 1, this_update, next_update);
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_add_time(out, DER_TIME, this_update);
	end = out->at;
	vmp_der_put(out, ca->issuer, ca->issuer_len);
	vmp_der_close(out, end, DER_CONTEXT_0 + 1); /* byName */
	vmp_der_close(out, out->room, DER_SEQUENCE);
}

/* The CA's certificate: there are clients that know it and find the signer here alone (FreeRADIUS). */
static void add_certs(struct vmp_der_out *out, const struct vmp_ca *ca)
{
	struct vmp_der in = vmp_der_of(ca->der, ca->der_len), cert = vmp_der_take(&in, DER_SEQUENCE);
	size_t end = out->at;

	vmp_der_put(out, cert.p, vmp_der_left(&cert));
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close(out, end, DER_CONTEXT_0);
}

int vmp_ca_ocsp(struct vmp_ca *ca, const struct vmp_ocsp *ask, int64_t this_update, int64_t next_update, uint8_t *out,
		size_t *len, struct vmp_msg *msg)
{
	static const uint8_t successful[] = { DER_ENUMERATED, 1, 0 };
	uint8_t buf[RESPONSE_MAX];
	struct vmp_der_out tbs = vmp_der_begin(buf, sizeof(buf)), whole = vmp_der_begin(out, *len);
	int err;

	if (ask->n < 1 || ask->n > VMP_OCSP_SERIALS || ask->nonce_len > VMP_OCSP_NONCE_MAX)
		return vmp_fail(msg, VMP_EINVAL, "OCSP: expected 1 to %d certificates", VMP_OCSP_SERIALS);
	add_tbs(&tbs, ca, ask, this_update, next_update);
	if (tbs.full)
		return vmp_fail(msg, VMP_EINVAL, "OCSP: a time is out of range");
	add_certs(&whole, ca);
	err = vmp_ca_sign(ca, buf + tbs.at, tbs.room - tbs.at, &whole, msg);
	if (err)
		return err;
	vmp_der_close(&whole, whole.room, DER_OCTET_STRING);
	vmp_der_put(&whole, oid_basic, sizeof(oid_basic));
	vmp_der_close(&whole, whole.room, DER_SEQUENCE);
	vmp_der_close(&whole, whole.room, DER_CONTEXT_0);
	vmp_der_put(&whole, successful, sizeof(successful));
	vmp_der_close(&whole, whole.room, DER_SEQUENCE);
	if (vmp_der_finish(&whole, len) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "OCSP: the response is longer than %zu octets", *len);
	return VMP_OK;
}

int vmp_ocsp_error(int status, uint8_t *out, size_t *len)
{
	const uint8_t response[] = { DER_SEQUENCE, 3, DER_ENUMERATED, 1, (uint8_t)status };

	if (status < 1 || status > 3 || *len < sizeof(response))
		return VMP_EINVAL;
	memcpy(out, response, sizeof(response));
	*len = sizeof(response);
	return VMP_OK;
}
