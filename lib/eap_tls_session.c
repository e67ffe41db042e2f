#include "eap_tls_internal.h"
#include "pki_internal.h"

#include <string.h>
#include <time.h>

#define ENDS   8 /* [octets] */
#define PREFIX (VMP_TLS_BINDING + ENDS)
/* The server's certificate in SSL_SESSION: [3] EXPLICIT. */
#define PEER (DER_CONTEXT_0 + 3)

/* Resumption needs no certificate, and it would take most of the room. */
static int without_peer(const uint8_t *der, size_t len, uint8_t *out, size_t *out_len)
{
	struct vmp_der in = vmp_der_of(der, len), all = vmp_der_enter(&in, DER_SEQUENCE), before = all, after;
	struct vmp_der_out to = vmp_der_begin(out, *out_len);
	size_t end = to.at;

	while (!all.bad && vmp_der_left(&all) > 0 && !vmp_der_at(&all, PEER))
		vmp_der_skip(&all, *all.p);
	if (all.bad)
		return VMP_EINVAL;
	before.end = all.p;
	vmp_der_skip(&all, PEER);
	after = all;
	if (after.bad)
		return VMP_EINVAL;
	vmp_der_put(&to, after.p, vmp_der_left(&after));
	vmp_der_put(&to, before.p, vmp_der_left(&before));
	vmp_der_close(&to, end, DER_SEQUENCE);
	return vmp_der_finish(&to, out_len);
}

static void put_time(uint8_t *out, int64_t at)
{
	int i;

	for (i = 0; i < ENDS; i++)
		out[i] = (uint8_t)((uint64_t)at >> (8 * (ENDS - 1 - i)));
}

static int64_t get_time(const uint8_t *in)
{
	uint64_t at = 0;
	int i;

	for (i = 0; i < ENDS; i++)
		at = at << 8 | in[i];
	return (int64_t)at;
}

size_t vmp_tls_session_write(SSL_SESSION *session, const uint8_t binding[VMP_TLS_BINDING], int64_t ends, uint8_t *out)
{
	size_t len = VMP_TLS_SESSION_MAX - PREFIX;
	uint8_t *der = NULL;
	int der_len = i2d_SSL_SESSION(session, &der), err;

	if (der_len <= 0)
		return 0;
	err = without_peer(der, (size_t)der_len, out + PREFIX, &len);
	OPENSSL_clear_free(der, (size_t)der_len);
	if (err)
		return 0;
	memcpy(out, binding, VMP_TLS_BINDING);
	put_time(out + VMP_TLS_BINDING, ends);
	return PREFIX + len;
}

SSL_SESSION *vmp_tls_session_read(const uint8_t *in, size_t len, const uint8_t binding[VMP_TLS_BINDING], int64_t *ends)
{
	SSL_SESSION *session;
	const uint8_t *at;

	if (!in || len <= PREFIX || len > VMP_TLS_SESSION_MAX || !vmp_same(in, binding, VMP_TLS_BINDING))
		return NULL;
	*ends = get_time(in + VMP_TLS_BINDING);
	if (*ends <= time(NULL))
		return NULL;
	at = in + PREFIX;
	session = d2i_SSL_SESSION(NULL, &at, (long)(len - PREFIX));
	if (session && at == in + len && SSL_SESSION_is_resumable(session))
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

int64_t vmp_tls_session_ends(const SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int64_t ends = INT64_MAX, at;
	struct tm tm;
	int i;

	if (sk_X509_num(chain) < 1)
		return 0;
	for (i = 0; i < sk_X509_num(chain); i++) {
		if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &tm) != 1)
			return 0;
		at = timegm(&tm);
		if (at < ends)
			ends = at;
	}
	return ends;
}
