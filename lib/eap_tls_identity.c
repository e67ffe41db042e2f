#include "eap_tls_internal.h"
#include "pki_internal.h"
#include "tls_load.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_NAME_MAX 253 /* [octets] RFC 1035 2.3.4, as text */
#define SECURITY_LEVEL	2   /* 112 bits: RSA from 2048, no SHA-1 */
/* RFC 9190 2.1: forward secrecy; the rest of TLS 1.2's has known weaknesses (RFC 9325 4.2). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* OpenSSL offers a key share of the first alone.  FreeRADIUS takes P-256 only, unless told otherwise: with another one
 * first, each handshake of TLS 1.3 would need a HelloRetryRequest, which is a round trip more. */
#define GROUPS "P-256:X25519:P-384:X448:P-521"

/* A name that begins with a dot would stand for all names below it (X509_check_host(3)). */
static bool is_dns_name(const char *name)
{
	size_t len = strlen(name);

	return len <= SERVER_NAME_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static int set_server_name(struct vmp_tls_identity *identity, const char *name, struct vmp_msg *msg)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(identity->ctx);

	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (!name || !*name)
		return VMP_OK;
	if (!is_dns_name(name))
		return vmp_fail(msg, VMP_EINVAL, "server name \"%s\": expected a DNS name", name);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1)
		return vmp_ssl_fail(msg, VMP_ENOMEM, "server name");
	memcpy(identity->server_name, name, strlen(name) + 1);
	return VMP_OK;
}

static int set_versions(SSL_CTX *ctx, const struct vmp_tls_files *files, struct vmp_msg *msg)
{
	if (!files->tls12 && !files->tls13)
		return vmp_fail(msg, VMP_EINVAL, "expected TLS 1.2 or TLS 1.3 to be allowed");
	if (SSL_CTX_set_min_proto_version(ctx, files->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, files->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		return vmp_ssl_fail(msg, VMP_EIO, "TLS versions");
	return VMP_OK;
}

/* Sessions are the caller's: neither OpenSSL's cache, nor more than one for a conversation. */
static void set_resumption(SSL_CTX *ctx, bool resumption)
{
	if (resumption) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, vmp_eap_tls_new_session);
		return;
	}
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
}

static int make_context(struct vmp_tls_identity *identity, const struct vmp_tls_files *files, struct vmp_msg *msg)
{
	SSL_CTX *ctx = identity->ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		return vmp_ssl_fail(msg, VMP_ENOMEM, "cannot set TLS up");
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	/* RFC 5216 2.4, RFC 9190 2.1.6: no compression; a HelloRequest must not begin everything anew. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	set_resumption(ctx, files->resumption);
	identity->resumption = files->resumption;
	if (SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1 || SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 ||
	    SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) != 1)
		return vmp_ssl_fail(msg, VMP_EIO, "cannot set TLS up");
	return set_versions(ctx, files, msg);
}

int vmp_tls_identity_new(const struct vmp_tls_files *files, struct vmp_tls_identity **out, struct vmp_msg *msg)
{
	struct vmp_tls_identity *identity = calloc(1, sizeof(*identity));
	uint8_t digests[3 * VMP_DIGEST] = { 0 }, digest[VMP_DIGEST];
	int err;

	if (!identity)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	identity->refs = 1;
	ERR_clear_error();
	err = make_context(identity, files, msg);
	if (!err)
		err = vmp_tls_load_pair(identity->ctx, files->certificate, files->key, digests, msg);
	if (!err)
		err = vmp_tls_load_ca(identity->ctx, files->ca, VMP_TLS_TRUST_ALL, digests + VMP_DIGEST, msg);
	if (!err)
		err = set_server_name(identity, files->server_name, msg);
	if (err) {
		vmp_tls_identity_free(identity);
		return err;
	}
	vmp_digest(identity->server_name, strlen(identity->server_name), digests + 2 * VMP_DIGEST);
	vmp_digest(digests, sizeof(digests), digest);
	memcpy(identity->binding, digest, VMP_TLS_BINDING);
	*out = identity;
	return VMP_OK;
}

struct vmp_tls_identity *vmp_tls_identity_ref(struct vmp_tls_identity *identity)
{
	identity->refs++;
	return identity;
}

void vmp_tls_identity_free(struct vmp_tls_identity *identity)
{
	if (!identity || --identity->refs > 0)
		return;
	SSL_CTX_free(identity->ctx);
	free(identity);
}
