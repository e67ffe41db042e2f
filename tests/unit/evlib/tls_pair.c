#include "tls_pair.h"
#include "../tls_world.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

static bool step(SSL *ssl, bool *done)
{
	int rc;

	if (*done)
		return false;
	rc = SSL_do_handshake(ssl);
	*done = rc == 1;
	return *done;
}

struct tls_pair tls_pair_shake(SSL *client, SSL *server)
{
	struct tls_pair p = { .client = client, .server = server };
	BIO *a = NULL, *b = NULL;
	int turns;

	ck_assert(client && server && BIO_new_bio_pair(&a, 1 << 17, &b, 1 << 17) == 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (turns = 0; turns < 8; turns++) {
		step(client, &p.client_done);
		step(server, &p.server_done);
	}
	return p;
}

bool tls_pair_works(struct tls_pair *p)
{
	char octet = 'x';

	return p->client_done && p->server_done && SSL_write(p->server, &octet, 1) == 1 &&
	       SSL_read(p->client, &octet, 1) == 1;
}

void tls_pair_clear(struct tls_pair *p)
{
	SSL_free(p->client);
	SSL_free(p->server);
}

/* An SSL of a context that nobody else needs. */
static SSL *make(SSL_CTX *ctx, const struct maker *own)
{
	SSL *ssl;

	ck_assert_ptr_nonnull(ctx);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), tls_world.ca.cert);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (own)
		ck_assert(SSL_CTX_use_certificate(ctx, own->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, own->key) == 1);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	return ssl;
}

SSL *tls_pair_client(const struct maker *own)
{
	return make(SSL_CTX_new(TLS_client_method()), own);
}

SSL *tls_pair_server(const struct maker *own)
{
	return make(SSL_CTX_new(TLS_server_method()), own);
}

void tls_pair_serial(struct maker *m, const struct maker *issuer, const void *serial, int len)
{
	BIGNUM *n = BN_bin2bn(serial, len, NULL);

	ck_assert(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(m->cert)));
	ck_assert(X509_sign(m->cert, issuer->key, EVP_sha256()) > 0);
	BN_free(n);
}

void tls_pair_host_is_ours(void)
{
	tls_world_extend(&tls_world.host, &tls_world.ca, NID_subject_alt_name, "URI:urn:uuid:" TLS_PAIR_UUID);
	tls_pair_serial(&tls_world.host, &tls_world.ca, MAKER_SERIAL, VMP_SERIAL);
	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &tls_world.host, NULL });
}
