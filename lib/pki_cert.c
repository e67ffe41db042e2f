#include "pki_internal.h"

#include <string.h>

static const uint8_t subject_alt_name[] = { 0x55, 0x1d, 0x11 };

int vmp_cert_split(const uint8_t *der, size_t len, struct vmp_cert_parts *out)
{
	struct vmp_der in = vmp_der_of(der, len), cert, tbs, times, key, exts;

	cert = vmp_der_enter(&in, DER_SEQUENCE);
	tbs = vmp_der_enter(&cert, DER_SEQUENCE);
	(void)vmp_der_enter(&cert, DER_SEQUENCE);
	(void)vmp_der_bits(&cert);
	(void)vmp_der_enter(&tbs, DER_CONTEXT_0);
	out->serial = vmp_der_enter(&tbs, DER_INTEGER);
	(void)vmp_der_enter(&tbs, DER_SEQUENCE);
	(void)vmp_der_enter(&tbs, DER_SEQUENCE);
	times = vmp_der_enter(&tbs, DER_SEQUENCE);
	out->not_before = vmp_der_time(&times);
	out->not_after = vmp_der_time(&times);
	out->subject = vmp_der_take(&tbs, DER_SEQUENCE);
	key = vmp_der_enter(&tbs, DER_SEQUENCE);
	(void)vmp_der_enter(&key, DER_SEQUENCE);
	out->bits = vmp_der_bits(&key);
	vmp_der_skip(&tbs, DER_PRIMITIVE_0 + 1);
	vmp_der_skip(&tbs, DER_PRIMITIVE_0 + 2);
	out->exts = vmp_der_of(NULL, 0);
	if (vmp_der_at(&tbs, DER_CONTEXT_0 + 3)) {
		exts = vmp_der_enter(&tbs, DER_CONTEXT_0 + 3);
		out->exts = vmp_der_enter(&exts, DER_SEQUENCE);
	}
	if (!vmp_der_done(&in) || !vmp_der_done(&cert) || !vmp_der_done(&tbs) || !vmp_der_done(&times) ||
	    out->bits.bad || out->exts.bad)
		return VMP_EINVAL;
	return VMP_OK;
}

/* The content of an extension's value; bad when there is none of this OID. */
static struct vmp_der extension(struct vmp_der exts, const uint8_t *oid, size_t len)
{
	while (!exts.bad && exts.p < exts.end) {
		struct vmp_der ext = vmp_der_enter(&exts, DER_SEQUENCE), id = vmp_der_enter(&ext, DER_OID);

		vmp_der_skip(&ext, DER_BOOLEAN);
		if (vmp_der_is(&id, oid, len))
			return vmp_der_enter(&ext, DER_OCTET_STRING);
	}
	return (struct vmp_der){ .bad = true };
}

static void read_uri(struct vmp_der name, struct vmp_peer *out)
{
	static const char urn[] = "urn:uuid:";
	size_t skip = sizeof(urn) - 1;

	if (*out->uuid || vmp_der_left(&name) <= skip || memcmp(name.p, urn, skip) != 0)
		return;
	if (vmp_uuid_parse((const char *)name.p + skip, vmp_der_left(&name) - skip, out->uuid) != VMP_OK)
		*out->uuid = '\0';
}

static void read_dns(struct vmp_der name, struct vmp_peer *out)
{
	size_t len = vmp_der_left(&name), i;

	if (*out->dns || len >= sizeof(out->dns))
		return;
	/* A name with a NUL or a blank in it would be read as another one. */
	for (i = 0; i < len; i++) {
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return;
	}
	memcpy(out->dns, name.p, len);
	out->dns[len] = '\0';
}

static void read_names(struct vmp_der exts, struct vmp_peer *out)
{
	struct vmp_der value = extension(exts, subject_alt_name, sizeof(subject_alt_name));
	struct vmp_der names = vmp_der_enter(&value, DER_SEQUENCE);

	while (!names.bad && names.p < names.end) {
		uint8_t tag = *names.p;
		struct vmp_der name = vmp_der_enter(&names, tag);

		if (name.bad)
			return;
		if (tag == DER_PRIMITIVE_0 + 6)
			read_uri(name, out);
		else if (tag == DER_PRIMITIVE_0 + 2)
			read_dns(name, out);
	}
}

int vmp_peer_read(const uint8_t *der, size_t len, struct vmp_peer *out, struct vmp_msg *msg)
{
	struct vmp_peer peer = { .uuid = "" };
	struct vmp_cert_parts parts;

	if (vmp_cert_split(der, len, &parts) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "expected a certificate in DER");
	if (vmp_der_left(&parts.serial) != VMP_SERIAL || parts.serial.p[0] < 1 || parts.serial.p[0] > 127)
		return vmp_fail(msg, VMP_EINVAL,
				"the certificate's serial number is not one of ours: expected %d octets", VMP_SERIAL);
	memcpy(peer.serial, parts.serial.p, VMP_SERIAL);
	peer.not_before = parts.not_before;
	peer.not_after = parts.not_after;
	read_names(parts.exts, &peer);
	*out = peer;
	return VMP_OK;
}
