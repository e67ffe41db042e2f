#include "tls_world.h"
#include "suites.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_world tls_world;
static char world_dir[96];

void tls_world_write_certs(const char *path, const struct maker *const *list)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	for (; *list; list++)
		ck_assert(PEM_write_X509(out, (*list)->cert) == 1);
	fclose(out);
}

void tls_world_write_key(const char *path, EVP_PKEY *key, mode_t mode)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert(PEM_write_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(out);
	ck_assert_int_eq(chmod(path, mode), 0);
}

void tls_world_setup(void)
{
	struct tls_world *w = &tls_world;

	snprintf(world_dir, sizeof(world_dir), "%s/vmprov-tls.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(world_dir));
	snprintf(w->certificate, sizeof(w->certificate), "%s/host.pem", world_dir);
	snprintf(w->key, sizeof(w->key), "%s/host.key", world_dir);
	snprintf(w->ca_file, sizeof(w->ca_file), "%s/ca.pem", world_dir);
	w->ca = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	w->server = maker_new(EVP_EC_gen("P-256"), TLS_WORLD_SERVER, &w->ca, NULL, NULL, 10);
	w->host = maker_new(EVP_EC_gen("P-256"), "hypervisor", &w->ca, NULL, NULL, 10);
	tls_world_write_certs(w->ca_file, (const struct maker *const[]){ &w->ca, NULL });
	tls_world_write_certs(w->certificate, (const struct maker *const[]){ &w->host, NULL });
	tls_world_write_key(w->key, w->host.key, 0600);
}

void tls_world_teardown(void)
{
	struct tls_world *w = &tls_world;

	maker_clear(&w->ca);
	maker_clear(&w->server);
	maker_clear(&w->host);
	unlink(w->certificate);
	unlink(w->key);
	unlink(w->ca_file);
	rmdir(world_dir);
}

struct vmp_tls_files tls_world_files(void)
{
	return (struct vmp_tls_files){ .certificate = tls_world.certificate,
				       .key = tls_world.key,
				       .ca = tls_world.ca_file,
				       .server_name = TLS_WORLD_SERVER,
				       .tls12 = true,
				       .tls13 = true,
				       .resumption = true };
}

struct vmp_tls_identity *tls_world_identity(const struct vmp_tls_files *files)
{
	struct vmp_tls_identity *identity = NULL;
	struct vmp_msg msg = { "" };

	ck_assert_msg(vmp_tls_identity_new(files, &identity, &msg) == VMP_OK, "%s", msg.text);
	return identity;
}

SSL_CTX *tls_world_server(const struct maker *server, const struct maker *const *chain, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_ptr_nonnull(ctx);
	ck_assert(SSL_CTX_use_certificate(ctx, server->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, server->key) == 1);
	for (; chain && *chain; chain++)
		ck_assert(SSL_CTX_add1_chain_cert(ctx, (*chain)->cert) == 1);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), tls_world.ca.cert);
	SSL_CTX_add_client_CA(ctx, tls_world.ca.cert);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_min_proto_version(ctx, version ? version : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, version);
	return ctx;
}

void tls_world_extend(struct maker *m, const struct maker *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer->cert, m->cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	ck_assert(X509_add_ext(m->cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ck_assert(X509_sign(m->cert, issuer->key, EVP_sha256()) > 0);
}

void tls_world_weigh(struct maker *m, const struct maker *issuer, size_t octets)
{
	char *text = malloc(octets + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', octets);
	text[octets] = '\0';
	tls_world_extend(m, issuer, NID_netscape_comment, text);
	free(text);
}

void tls_world_heavy_host(size_t octets)
{
	tls_world_weigh(&tls_world.host, &tls_world.ca, octets);
	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &tls_world.host, NULL });
}
