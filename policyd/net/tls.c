#include "tls.h"
#include "log.h"
#include "tls_files.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Ids of our own requests to the store; those of clients are small. */
enum { ID_CHAIN = 1, ID_SERVER };
#define ID(n) (UINT64_MAX - (n))
/* [ms] between attempts to get a certificate */
#define RETRY_MS 1000

static struct {
	SSL_CTX *ctx;
	EVP_PKEY *next_key; /* for the certificate that was asked for; NULL: no answer is under way */
	uint8_t *chain;
	size_t chain_len, issuer_len;
	X509 *cert; /* NULL: not yet */
	int64_t life_ms;
	int64_t asked_ms; /* CLOCK_MONOTONIC */
} tls;

/* No answer is under way any more. */
static void drop_next_key(void)
{
	EVP_PKEY_free(tls.next_key);
	tls.next_key = NULL;
}

/* A new key, and the public half as the store wants it. */
static int make_key(struct vmp_pubkey *out)
{
	size_t len = 0;

	tls.next_key = EVP_EC_gen("P-256");
	if (!tls.next_key ||
	    EVP_PKEY_get_octet_string_param(tls.next_key, "pub", out->bits, sizeof(out->bits), &len) != 1 ||
	    len != 65) {
		drop_next_key();
		return VMP_EIO;
	}
	out->type = VMP_KEY_P256;
	out->len = (uint16_t)len;
	return VMP_OK;
}

static void ask(void)
{
	struct message chain = { .type = M_CHAIN, .id = ID(ID_CHAIN) },
		       server = { .type = M_SERVER, .id = ID(ID_SERVER) };

	tls.asked_ms = http_now_ms();
	if (make_key(&server.key) != VMP_OK)
		return;
	if (!tls.chain)
		channel_send(net.store, &chain);
	channel_send(net.store, &server);
}

int tls_start(struct vmp_msg *msg)
{
	tls.ctx = tls_context_new(TLS_SERVER, true);
	if (!tls.ctx)
		return vmp_fail(msg, VMP_EIO, "cannot set TLS up");
	ask();
	return VMP_OK;
}

/* [ms] until cert ends, by the clock on the wall */
static int64_t left_ms(const X509 *cert)
{
	int days = 0, seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1)
		return 0;
	return ((int64_t)days * 86400 + seconds) * 1000;
}

/* Half its life is over, or the clock was set so that it is not in its life at all. */
static bool renewal_is_due(void)
{
	return !tls.cert || left_ms(tls.cert) < tls.life_ms / 2 || left_ms(tls.cert) > 2 * tls.life_ms;
}

void tls_upkeep(void)
{
	/* The store answers each request, if only with an error: one at a time. */
	if (!tls.next_key && renewal_is_due() && http_now_ms() - tls.asked_ms > RETRY_MS)
		ask();
}

/* Clients' certificates are those that this CA issued, and no other that its root may have. */
static int take_chain(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	X509 *cert;
	int n = 0;

	if (tls.chain)
		return VMP_OK;
	tls.chain = OPENSSL_memdup(der, len);
	tls.chain_len = len;
	if (!tls.chain)
		return VMP_ENOMEM;
	while (at < der + len && (cert = d2i_X509(NULL, &at, (long)(der + len - at)))) {
		if (n++ == 0) {
			tls.issuer_len = (size_t)(at - der);
			X509_STORE_add_cert(SSL_CTX_get_cert_store(tls.ctx), cert);
			SSL_CTX_add_client_CA(tls.ctx, cert);
		}
		/* What a client that trusts the root alone needs; taken over, and for whatever certificate is used. */
		if (X509_check_issued(cert, cert) == X509_V_OK || SSL_CTX_add_extra_chain_cert(tls.ctx, cert) != 1)
			X509_free(cert);
	}
	return n ? VMP_OK : VMP_EINVAL;
}

static int take_cert(const uint8_t *der, size_t len)
{
	X509 *cert = d2i_X509(NULL, &der, (long)len);

	/* Both or neither. */
	if (!cert || SSL_CTX_use_cert_and_key(tls.ctx, cert, tls.next_key, NULL, 1) != 1) {
		X509_free(cert);
		return VMP_EINVAL;
	}
	X509_free(tls.cert);
	tls.cert = cert;
	tls.life_ms = left_ms(cert);
	return VMP_OK;
}

bool tls_answered(const struct message *m)
{
	int err;

	if (m->id != ID(ID_CHAIN) && m->id != ID(ID_SERVER))
		return false;
	err = -(int)m->err;
	if (err == VMP_OK)
		err = m->id == ID(ID_CHAIN) ? take_chain(m->blob, m->blob_len) : take_cert(m->blob, m->blob_len);
	if (m->id == ID(ID_SERVER))
		drop_next_key();
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "no-server-certificate", "why", m->err ? m->text : vmp_strerror(err), NULL);
		return true;
	}
	if (tls.chain && tls.cert)
		net_open();
	return true;
}

const uint8_t *tls_chain(size_t *len)
{
	*len = tls.chain_len;
	return tls.chain;
}

const uint8_t *tls_issuer(size_t *len)
{
	*len = tls.issuer_len;
	return tls.chain;
}

SSL *tls_new(void *ctx)
{
	(void)ctx;
	return SSL_new(tls.ctx);
}
