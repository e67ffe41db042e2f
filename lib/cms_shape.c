#include "cms.h"
#include "pki_internal.h"

/* Object identifiers' contents. */
static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_signed[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_auth_enveloped[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17 };
static const uint8_t oid_aes256_gcm[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e };
static const uint8_t oid_ecdh_sha256[] = { 0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01 };
static const uint8_t oid_oaep[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07 };
/* AlgorithmIdentifier of id-aes256-wrap, with and without parameters: both are in use (RFC 3565 2.3.2). */
static const uint8_t alg_wrap[] = { 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d };
static const uint8_t alg_wrap_null[] = { 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					 0x65, 0x03, 0x04, 0x01, 0x2d, 0x05, 0x00 };
/* AlgorithmIdentifier of ecdsa-with-SHA256, the signer's. */
static const uint8_t alg_ecdsa_256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* AlgorithmIdentifier of SHA-256, whose parameters may be absent or NULL (RFC 5754 2). */
static bool is_sha256(struct vmp_der alg)
{
	static const uint8_t oid[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 }, null[] = { 5, 0 };
	struct vmp_der seq = vmp_der_enter(&alg, DER_SEQUENCE), id = vmp_der_enter(&seq, DER_OID);

	return vmp_der_is(&id, oid, sizeof(oid)) && vmp_der_done(&alg) &&
	       (vmp_der_done(&seq) || vmp_der_is(&seq, null, sizeof(null)));
}

/* RSAES-OAEP-params (RFC 8017 A.2.1): SHA-256 for both; what is left out would be SHA-1. */
static bool is_oaep_sha256(struct vmp_der alg)
{
	static const uint8_t mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };
	struct vmp_der id = vmp_der_enter(&alg, DER_OID), params = vmp_der_enter(&alg, DER_SEQUENCE);
	struct vmp_der hash = vmp_der_enter(&params, DER_CONTEXT_0), mgf = vmp_der_enter(&params, DER_CONTEXT_0 + 1);
	struct vmp_der gen = vmp_der_enter(&mgf, DER_SEQUENCE), gen_id = vmp_der_enter(&gen, DER_OID);

	return vmp_der_is(&id, oid_oaep, sizeof(oid_oaep)) && vmp_der_done(&alg) && vmp_der_done(&params) &&
	       vmp_der_done(&mgf) && is_sha256(hash) && vmp_der_is(&gen_id, mgf1, sizeof(mgf1)) && is_sha256(gen);
}

static bool is_ecdh_sha256(struct vmp_der alg)
{
	struct vmp_der id = vmp_der_enter(&alg, DER_OID);

	return vmp_der_is(&id, oid_ecdh_sha256, sizeof(oid_ecdh_sha256)) &&
	       (vmp_der_is(&alg, alg_wrap, sizeof(alg_wrap)) || vmp_der_is(&alg, alg_wrap_null, sizeof(alg_wrap_null)));
}

/* One recipient, by ECDH with SHA-256 or RSA-OAEP with SHA-256. */
static bool check_recipients(struct vmp_der list, struct vmp_msg *msg)
{
	bool agree = vmp_der_at(&list, DER_CONTEXT_0 + 1);
	struct vmp_der ri = vmp_der_enter(&list, agree ? DER_CONTEXT_0 + 1 : DER_SEQUENCE), keys;

	if (ri.bad || !vmp_der_done(&list)) {
		vmp_fail(msg, VMP_EINVAL, "the envelope: expected one recipient, by key agreement or key transport");
		return false;
	}
	(void)vmp_der_enter(&ri, DER_INTEGER);
	if (!agree) {
		vmp_der_skip(&ri, DER_SEQUENCE);
		vmp_der_skip(&ri, DER_PRIMITIVE_0);
		if (!ri.bad && is_oaep_sha256(vmp_der_enter(&ri, DER_SEQUENCE)))
			return true;
		vmp_fail(msg, VMP_EINVAL, "the envelope: expected RSAES-OAEP with SHA-256");
		return false;
	}
	(void)vmp_der_enter(&ri, DER_CONTEXT_0);
	vmp_der_skip(&ri, DER_CONTEXT_0 + 1);
	if (!is_ecdh_sha256(vmp_der_enter(&ri, DER_SEQUENCE))) {
		vmp_fail(msg, VMP_EINVAL,
			 "the envelope: expected dhSinglePass-stdDH-sha256kdf-scheme and the key wrap AES-256");
		return false;
	}
	keys = vmp_der_enter(&ri, DER_SEQUENCE);
	(void)vmp_der_enter(&keys, DER_SEQUENCE);
	if (vmp_der_done(&keys) && vmp_der_done(&ri))
		return true;
	vmp_fail(msg, VMP_EINVAL, "the envelope: expected one recipient");
	return false;
}

/* AuthEnvelopedData (RFC 5083 2.1), DER throughout. */
int vmp_cms_check_envelope(const uint8_t *der, size_t len, struct vmp_msg *msg)
{
	struct vmp_der in = vmp_der_of(der, len), info = vmp_der_enter(&in, DER_SEQUENCE);
	struct vmp_der type = vmp_der_enter(&info, DER_OID), box = vmp_der_enter(&info, DER_CONTEXT_0);
	struct vmp_der env = vmp_der_enter(&box, DER_SEQUENCE), recipients, content, content_type, alg, cipher, mac;

	if (!vmp_der_done(&in) || !vmp_der_done(&info) || !vmp_der_done(&box) ||
	    !vmp_der_is(&type, oid_auth_enveloped, sizeof(oid_auth_enveloped)))
		return vmp_fail(msg, VMP_EINVAL, "expected AuthEnvelopedData inside the signature");
	(void)vmp_der_enter(&env, DER_INTEGER);
	vmp_der_skip(&env, DER_CONTEXT_0);
	recipients = vmp_der_enter(&env, DER_SET);
	content = vmp_der_enter(&env, DER_SEQUENCE);
	mac = vmp_der_enter(&env, DER_OCTET_STRING);
	content_type = vmp_der_enter(&content, DER_OID);
	alg = vmp_der_enter(&content, DER_SEQUENCE);
	cipher = vmp_der_enter(&alg, DER_OID);
	(void)vmp_der_enter(&content, DER_PRIMITIVE_0);
	if (!vmp_der_is(&cipher, oid_aes256_gcm, sizeof(oid_aes256_gcm)) || mac.bad || vmp_der_left(&mac) != 16 ||
	    !vmp_der_is(&content_type, oid_data, sizeof(oid_data)) || !vmp_der_done(&content) || !vmp_der_done(&env))
		return vmp_fail(msg, VMP_EINVAL, "the envelope: expected AES-256-GCM, with a tag of 16 octets");
	return check_recipients(recipients, msg) ? VMP_OK : VMP_EINVAL;
}

static bool is_attribute_set(struct vmp_der set)
{
	int n = 0;

	for (; !set.bad && set.p < set.end; n++)
		(void)vmp_der_enter(&set, DER_SEQUENCE);
	/* contentType and messageDigest are in every one (RFC 5652 5.3). */
	return !set.bad && n >= 2;
}

/* SignerInfo (RFC 5652 5.3): named by issuer and serial number, with signed attributes and no others. */
static bool is_signer(struct vmp_der list)
{
	struct vmp_der si = vmp_der_enter(&list, DER_SEQUENCE), version = vmp_der_enter(&si, DER_INTEGER), digest,
		       attrs;
	struct vmp_der alg;

	(void)vmp_der_enter(&si, DER_SEQUENCE);
	digest = vmp_der_take(&si, DER_SEQUENCE);
	attrs = vmp_der_enter(&si, DER_CONTEXT_0);
	alg = vmp_der_take(&si, DER_SEQUENCE);
	(void)vmp_der_enter(&si, DER_OCTET_STRING);
	return vmp_der_done(&list) && vmp_der_done(&si) && vmp_der_is(&version, "\1", 1) && is_sha256(digest) &&
	       is_attribute_set(attrs) && vmp_der_is(&alg, alg_ecdsa_256, sizeof(alg_ecdsa_256));
}

/* OpenSSL does not look at everything: without this, some octets could be altered and mean nothing. */
int vmp_cms_check_signed(const uint8_t *der, size_t len, struct vmp_msg *msg)
{
	struct vmp_der in = vmp_der_of(der, len), info = vmp_der_enter(&in, DER_SEQUENCE);
	struct vmp_der type = vmp_der_enter(&info, DER_OID), box = vmp_der_enter(&info, DER_CONTEXT_0);
	struct vmp_der data = vmp_der_enter(&box, DER_SEQUENCE), version = vmp_der_enter(&data, DER_INTEGER);
	struct vmp_der digests = vmp_der_enter(&data, DER_SET), content = vmp_der_enter(&data, DER_SEQUENCE);
	struct vmp_der content_type = vmp_der_enter(&content, DER_OID), octets = vmp_der_enter(&content, DER_CONTEXT_0);
	struct vmp_der certs = vmp_der_enter(&data, DER_CONTEXT_0), signers = vmp_der_enter(&data, DER_SET);

	(void)vmp_der_enter(&octets, DER_OCTET_STRING);
	if (len > VMP_ENVELOPE_MAX || !vmp_der_done(&in) || !vmp_der_done(&info) || !vmp_der_done(&box) ||
	    !vmp_der_is(&type, oid_signed, sizeof(oid_signed)))
		return vmp_fail(msg, VMP_EINVAL, "expected SignedData in DER, of at most %d octets", VMP_ENVELOPE_MAX);
	if (!vmp_der_done(&data) || certs.bad || !vmp_der_is(&version, "\1", 1) || !vmp_der_done(&octets) ||
	    !vmp_der_done(&content) || !vmp_der_is(&content_type, oid_data, sizeof(oid_data)))
		return vmp_fail(msg, VMP_EINVAL, "expected data that is signed, with its certificates and signer");
	if (!is_sha256(digests) || !is_signer(signers))
		return vmp_fail(msg, VMP_EINVAL,
				"expected one signer, by ECDSA with SHA-256 and with signed attributes");
	return VMP_OK;
}
