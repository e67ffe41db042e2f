#include "pki_internal.h"

#include <stdlib.h>

#define ENTRY_MAX 64   /* [octets] of one revoked certificate */
#define REST_MAX  4096 /* [octets] of everything else: names, extensions, signature */

#define TIME_MAX INT64_C(253402300799) /* [s] since 1970: the end of year 9999 */

static const uint8_t oid_reason[] = { 0x06, 0x03, 0x55, 0x1d, 0x15 };
static const uint8_t oid_number[] = { 0x06, 0x03, 0x55, 0x1d, 0x14 };

/* RFC 5280 5.3.1: 7 is not used, 8 belongs to delta CRLs, and 0 (unspecified) is better left out. */
static bool can_say(uint8_t reason)
{
	return reason >= 1 && reason <= 10 && reason != 7 && reason != 8;
}

/* Within what DER can say: one entry with an odd time must not keep all others from being published. */
static int64_t clamp_time(int64_t at)
{
	if (at < 0)
		return 0;
	return at < TIME_MAX ? at : TIME_MAX;
}

static void add_revoked(struct vmp_der_out *out, const struct vmp_revoked *r)
{
	size_t end = out->at;

	if (can_say(r->reason)) {
		vmp_der_add(out, DER_ENUMERATED, &r->reason, 1);
		vmp_der_close_ext(out, end, oid_reason, sizeof(oid_reason), false);
		vmp_der_close(out, end, DER_SEQUENCE);
	}
	vmp_der_add_time(out, DER_UTC_TIME, clamp_time(r->at));
	vmp_der_add(out, DER_INTEGER, r->serial, VMP_SERIAL);
	vmp_der_close(out, end, DER_SEQUENCE);
}

static void add_extensions(struct vmp_der_out *out, const struct vmp_ca *ca, int64_t number)
{
	size_t end = out->at;

	vmp_der_add_int(out, number);
	vmp_der_close_ext(out, end, oid_number, sizeof(oid_number), false);
	vmp_ca_add_key_id(ca, out);
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close(out, end, DER_CONTEXT_0);
}

static int check(const struct vmp_revoked *list, size_t n, int64_t number, struct vmp_msg *msg)
{
	size_t i;

	if (number < 0)
		return vmp_fail(msg, VMP_EINVAL, "CRL: expected a number from 0");
	for (i = 0; i < n; i++) {
		if (list[i].serial[0] < 1 || list[i].serial[0] > 127)
			return vmp_fail(msg, VMP_EINVAL,
					"CRL: entry %zu: expected a serial number whose first octet is 1 to 127", i);
	}
	return VMP_OK;
}

int vmp_ca_crl(struct vmp_ca *ca, const struct vmp_revoked *list, size_t n, int64_t number, int64_t this_update,
	       int64_t next_update, uint8_t **out, size_t *len, struct vmp_msg *msg)
{
	static const uint8_t v2[] = { DER_INTEGER, 1, 1 };
	size_t room = n * ENTRY_MAX + REST_MAX + ca->issuer_len, i, end;
	uint8_t *buf = malloc(room), *crl = malloc(room);
	struct vmp_der_out tbs = vmp_der_begin(buf, room), whole = vmp_der_begin(crl, room);
	int err = buf && crl ? check(list, n, number, msg) : VMP_ENOMEM;

	if (err)
		goto out;
	add_extensions(&tbs, ca, number);
	end = tbs.at;
	for (i = n; i > 0; i--)
		add_revoked(&tbs, &list[i - 1]);
	if (n)
		vmp_der_close(&tbs, end, DER_SEQUENCE);
	vmp_der_add_time(&tbs, DER_UTC_TIME, next_update);
	vmp_der_add_time(&tbs, DER_UTC_TIME, this_update);
	vmp_der_put(&tbs, ca->issuer, ca->issuer_len);
	vmp_der_put(&tbs, ca->alg, ca->alg_len);
	vmp_der_put(&tbs, v2, sizeof(v2));
	vmp_der_close(&tbs, tbs.room, DER_SEQUENCE);
	if (tbs.full) {
		err = vmp_fail(msg, VMP_EINVAL, "CRL: a time is out of range");
		goto out;
	}
	err = vmp_ca_sign(ca, buf + tbs.at, tbs.room - tbs.at, &whole, msg);
	if (!err)
		err = vmp_der_finish(&whole, len);
out:
	free(buf);
	if (err)
		free(crl);
	else
		*out = crl;
	return err;
}
