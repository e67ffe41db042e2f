#include "tls_files.h"
#include "tls_load.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls_files {
	enum tls_role role;
	bool http;
	char *certificate, *key, *ca;
	SSL_CTX *ctx; /* NULL: nothing is loaded yet */
};

/* -- contexts ----------------------------------------------------------------------------------------------------- */

static const unsigned char alpn[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' };

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
		       unsigned in_len, void *ctx)
{
	(void)ssl;
	(void)ctx;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, alpn, sizeof(alpn), in, in_len) ==
			       OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_NOACK;
}

static const struct {
	const SSL_METHOD *(*method)(void);
	int verify, purpose;
} roles[] = {
	[TLS_SERVER] = { TLS_server_method, SSL_VERIFY_PEER, X509_PURPOSE_SSL_CLIENT },
	[TLS_SERVER_REQUIRED] = { TLS_server_method, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				  X509_PURPOSE_SSL_CLIENT },
	[TLS_CLIENT] = { TLS_client_method, SSL_VERIFY_PEER, X509_PURPOSE_SSL_SERVER },
};

static int set_up(SSL_CTX *ctx, enum tls_role role, bool http)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_set_purpose(ctx, roles[role].purpose) != 1 ||
	    (http && role == TLS_CLIENT && SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn)) != 0))
		return VMP_ENOMEM;
	/* Nobody comes back soon enough for a session to be worth its memory. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* The chain is what we were given; OpenSSL would verify it again for every handshake to find that out. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ctx, roles[role].verify, NULL);
	if (http && role != TLS_CLIENT)
		SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return VMP_OK;
}

SSL_CTX *tls_context_new(enum tls_role role, bool http)
{
	SSL_CTX *ctx = SSL_CTX_new(roles[role].method());

	if (ctx && set_up(ctx, role, http) != VMP_OK) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	if (!ctx)
		ERR_clear_error();
	return ctx;
}

/* -- files -------------------------------------------------------------------------------------------------------- */

struct tls_files *tls_files_new(const struct tls_files_settings *settings, struct vmp_msg *msg)
{
	struct tls_files *files = calloc(1, sizeof(*files));

	if (files) {
		files->role = settings->role;
		files->http = settings->http;
		files->certificate = strdup(settings->certificate);
		files->key = strdup(settings->key);
		files->ca = strdup(settings->ca);
	}
	if (files && files->certificate && files->key && files->ca)
		return files;
	tls_files_free(files);
	vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return NULL;
}

void tls_files_free(struct tls_files *files)
{
	if (!files)
		return;
	SSL_CTX_free(files->ctx);
	free(files->certificate);
	free(files->key);
	free(files->ca);
	free(files);
}

/* What the other end would refuse anyway is better said at once, by its name. */
static int check_purpose(SSL_CTX *ctx, const struct tls_files *files, struct vmp_msg *msg)
{
	bool client = files->role == TLS_CLIENT;

	if (X509_check_purpose(SSL_CTX_get0_certificate(ctx),
			       client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER, 0) == 1)
		return VMP_OK;
	ERR_clear_error();
	return vmp_fail(msg, VMP_EINVAL, "%s: the certificate is not for TLS %s (extended key usage %s)",
			files->certificate, client ? "clients" : "servers", client ? "clientAuth" : "serverAuth");
}

int tls_files_load(struct tls_files *files, struct vmp_msg *msg)
{
	SSL_CTX *ctx = tls_context_new(files->role, files->http);
	int err;

	if (!ctx)
		return vmp_fail(msg, VMP_ENOMEM, "cannot set TLS up");
	ERR_clear_error();
	err = vmp_tls_load_pair(ctx, files->certificate, files->key, NULL, msg);
	if (!err)
		err = check_purpose(ctx, files, msg);
	if (!err)
		err = vmp_tls_load_ca(ctx, files->ca, VMP_TLS_TRUST_ISSUING, NULL, msg);
	if (err) {
		SSL_CTX_free(ctx);
		return err;
	}
	SSL_CTX_free(files->ctx);
	files->ctx = ctx;
	return VMP_OK;
}

bool tls_files_ready(const struct tls_files *files)
{
	return files->ctx != NULL;
}

SSL *tls_files_ssl(const struct tls_files *files)
{
	SSL *ssl = files->ctx ? SSL_new(files->ctx) : NULL;

	if (!ssl)
		return NULL;
	if (files->role == TLS_CLIENT)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}

SSL *tls_files_new_ssl(void *files)
{
	return tls_files_ssl(files);
}
