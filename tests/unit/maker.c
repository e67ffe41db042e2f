#include "maker.h"
#include "suites.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char maker_dir[96], maker_cert[128], maker_key[128];

void maker_setup(void)
{
	snprintf(maker_dir, sizeof(maker_dir), "%s/vmprov-ca.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(maker_dir));
	snprintf(maker_cert, sizeof(maker_cert), "%s/ca.pem", maker_dir);
	snprintf(maker_key, sizeof(maker_key), "%s/ca.key", maker_dir);
}

int maker_files(bool remove_them)
{
	DIR *d = opendir(maker_dir);
	struct dirent *e;
	char path[512];
	int n = 0;

	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", maker_dir, e->d_name);
		if (remove_them)
			unlink(path);
		n++;
	}
	closedir(d);
	return n;
}

void maker_teardown(void)
{
	(void)maker_files(true);
	rmdir(maker_dir);
}

static void ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(e);
	ck_assert(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

struct maker maker_new(EVP_PKEY *key, const char *name, const struct maker *issuer, const char *constraints,
		       const char *usage, int days)
{
	struct maker m = { key, X509_new() };
	X509_NAME *subject = X509_get_subject_name(m.cert);

	ck_assert_ptr_nonnull(key);
	X509_set_version(m.cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(m.cert), (uint64_t)random() + 1);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(m.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), -2 * MAKER_DAY);
	X509_time_adj_ex(X509_getm_notAfter(m.cert), days, -3600, NULL);
	X509_set_pubkey(m.cert, key);
	if (constraints)
		ext(m.cert, NULL, NID_basic_constraints, constraints);
	if (usage)
		ext(m.cert, NULL, NID_key_usage, usage);
	ext(m.cert, NULL, NID_subject_key_identifier, "hash");
	if (issuer)
		ext(m.cert, issuer->cert, NID_authority_key_identifier, "keyid");
	ck_assert(X509_sign(m.cert, issuer ? issuer->key : key, EVP_sha256()) > 0);
	return m;
}

void maker_clear(struct maker *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
}

void maker_write_key(EVP_PKEY *key, mode_t mode, const char *passphrase)
{
	FILE *out = fopen(maker_key, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert(PEM_write_PKCS8PrivateKey(out, key, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
					    passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
	fclose(out);
	ck_assert_int_eq(chmod(maker_key, mode), 0);
}

void maker_write_certs(const struct maker *const *list)
{
	FILE *out = fopen(maker_cert, "w");

	ck_assert_ptr_nonnull(out);
	for (; *list; list++)
		ck_assert(PEM_write_X509(out, (*list)->cert) == 1);
	fclose(out);
}

struct vmp_ca *maker_opened(void)
{
	struct vmp_msg msg = { "" };
	struct vmp_ca *ca = NULL;

	ck_assert_msg(vmp_ca_open(&ca, maker_cert, maker_key, &msg) == VMP_OK, "%s", msg.text);
	return ca;
}

struct vmp_ca *maker_created(void)
{
	struct vmp_msg msg = { "" };

	ck_assert_msg(vmp_ca_create(maker_cert, maker_key, "Test CA", 30, &msg) == VMP_OK, "%s", msg.text);
	return maker_opened();
}

void maker_order(struct vmp_cert_order *order, EVP_PKEY *key)
{
	uint8_t *p = order->key.bits;
	int len;

	memset(order, 0, sizeof(*order));
	order->kind = VMP_CERT_VM;
	memcpy(order->serial, MAKER_SERIAL, VMP_SERIAL);
	order->not_before = time(NULL) - 60;
	order->not_after = order->not_before + MAKER_DAY;
	order->common_name = "52:54:00:aa:bb:cc";
	len = i2d_PublicKey(key, NULL);
	ck_assert_int_le(len, VMP_PUBKEY_MAX);
	order->key.len = (uint16_t)i2d_PublicKey(key, &p);
	order->key.type = EVP_PKEY_is_a(key, "RSA") ? VMP_KEY_RSA : len == 65 ? VMP_KEY_P256 : VMP_KEY_P384;
}

X509 *maker_issue(struct vmp_ca *ca, const struct vmp_cert_order *order)
{
	uint8_t der[VMP_CERT_MAX];
	const uint8_t *p = der;
	struct vmp_msg msg = { "" };
	size_t len = sizeof(der);
	X509 *x;

	ck_assert_msg(vmp_ca_issue(ca, order, der, &len, &msg) == VMP_OK, "%s", msg.text);
	x = d2i_X509(NULL, &p, (long)len);
	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_eq(p, der + len);
	return x;
}

STACK_OF(X509) * maker_chain(const struct vmp_ca *ca)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	size_t len;
	const uint8_t *p = vmp_ca_chain_der(ca, &len), *end = p + len;

	while (p < end) {
		X509 *x = d2i_X509(NULL, &p, end - p);

		ck_assert_ptr_nonnull(x);
		sk_X509_push(chain, x);
	}
	return chain;
}
