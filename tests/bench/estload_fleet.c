/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines: their keys and requests, made before any clock starts, and what they ask. */
#include "estload.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DER_MAX 8192

static char *base64(const unsigned char *der, int len)
{
	char *text = malloc((size_t)len / 3 * 4 + 8);

	if (!text)
		die("out of memory");
	EVP_EncodeBlock((unsigned char *)text, der, len);
	return text;
}

void csr_make(struct csr *csr)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *spki = NULL, *der = NULL;
	int len;

	csr->key = EVP_EC_gen("P-256");
	if (!req || !csr->key || X509_REQ_set_pubkey(req, csr->key) != 1 ||
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
				       (const unsigned char *)"ignored", -1, -1, 0) != 1 ||
	    X509_REQ_sign(req, csr->key, EVP_sha256()) <= 0)
		die("cannot make a certificate request");
	len = i2d_X509_REQ(req, &der);
	csr->text = base64(der, len);
	csr->len = strlen(csr->text);
	len = i2d_PUBKEY(csr->key, &spki);
	if (len < POINT_OCTETS)
		die("cannot read a public key");
	memcpy(csr->point, spki + len - POINT_OCTETS, POINT_OCTETS);
	OPENSSL_free(spki);
	OPENSSL_free(der);
	X509_REQ_free(req);
}

void csr_free(struct csr *csr)
{
	EVP_PKEY_free(csr->key);
	free(csr->text);
	memset(csr, 0, sizeof(*csr));
}

/* Base64 in lines. @return octets */
static size_t decode(const char *text, size_t len, unsigned char *out, size_t room)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int n = 0, rest = 0;

	if (!ctx)
		die("out of memory");
	EVP_DecodeInit(ctx);
	if (len / 4 * 3 + 3 > room || EVP_DecodeUpdate(ctx, out, &n, (const unsigned char *)text, (int)len) < 0 ||
	    EVP_DecodeFinal(ctx, out + n, &rest) < 0)
		n = rest = 0;
	EVP_ENCODE_CTX_free(ctx);
	return (size_t)(n + rest);
}

/* policyd sends a certs-only PKCS#7, estbare a certificate. */
static X509 *read_cert(const unsigned char *der, size_t len)
{
	const unsigned char *at = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)len);
	X509 *cert = NULL;

	if (p7 && PKCS7_type_is_signed(p7) && sk_X509_num(p7->d.sign->cert) > 0) {
		cert = sk_X509_value(p7->d.sign->cert, 0);
		X509_up_ref(cert);
	}
	PKCS7_free(p7);
	at = der;
	if (!cert)
		cert = d2i_X509(NULL, &at, (long)len);
	ERR_clear_error();
	return cert;
}

bool csr_answered(const struct csr *csr, const struct reply *r, X509 **keep)
{
	unsigned char der[DER_MAX];
	size_t len = r->status == 200 ? decode(r->body, r->len, der, sizeof(der)) : 0;

	if (!len || !memmem(der, len, csr->point, POINT_OCTETS))
		return false;
	if (!keep)
		return true;
	X509_free(*keep);
	*keep = read_cert(der, len);
	return *keep != NULL;
}

struct vm *vms_make(const struct options *o, size_t n)
{
	struct vm *vms = calloc(n, sizeof(*vms));
	size_t i;

	if (!vms)
		die("out of memory");
	for (i = 0; i < n; i++) {
		vms[i].number = o->first + i;
		/* estbare does not look at it, but it travels. */
		snprintf(vms[i].token, sizeof(vms[i].token), "%043llu", (unsigned long long)vms[i].number);
		csr_make(&vms[i].csr);
		vms[i].key = vms[i].csr.key;
	}
	return vms;
}

void vms_free(struct vm *vms, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (vms[i].key != vms[i].csr.key)
			EVP_PKEY_free(vms[i].key);
		csr_free(&vms[i].csr);
		X509_free(vms[i].cert);
	}
	free(vms);
}

void ask_start(struct conn *c, const struct options *o, const struct vm *vm, reply_fn *done, void *ctx)
{
	char path[96], body[256];
	unsigned long long n = vm->number;

	snprintf(path, sizeof(path), "/v1/vms/%08llx-bec4-4000-8000-%012llx/starting", n & 0xffffffff, n);
	snprintf(body, sizeof(body), "{\"mac\":\"52:54:%02llx:%02llx:%02llx:%02llx\",\"template\":\"%s\"}",
		 n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255, o->template_name);
	conn_request(c, "POST", path, "Content-Type: application/json\r\n", body, strlen(body), done, ctx);
}

bool start_answered(struct vm *vm, const struct reply *r)
{
	static const char name[] = "\"token\":\"";
	const char *at = r->status == 200 ? strstr(r->body, name) : NULL;
	size_t len = at ? strcspn(at + sizeof(name) - 1, "\"") : 0;

	if (!len || len >= sizeof(vm->token))
		return false;
	memcpy(vm->token, at + sizeof(name) - 1, len);
	vm->token[len] = '\0';
	return true;
}

#define PKCS10 "Content-Type: application/pkcs10\r\nContent-Transfer-Encoding: base64\r\n"

void ask_enrol(struct conn *c, const struct vm *vm, reply_fn *done, void *ctx)
{
	unsigned char user[80];
	char head[256], *auth;
	int n = snprintf((char *)user, sizeof(user), "x:%s", vm->token);

	auth = base64(user, n);
	snprintf(head, sizeof(head), PKCS10 "Authorization: Basic %s\r\n", auth);
	conn_request(c, "POST", "/.well-known/est/simpleenroll", head, vm->csr.text, vm->csr.len, done, ctx);
	free(auth);
}

void ask_renew(struct conn *c, const struct csr *csr, reply_fn *done, void *ctx)
{
	conn_request(c, "POST", "/.well-known/est/simplereenroll", PKCS10, csr->text, csr->len, done, ctx);
}

void ask_keys(struct conn *c, reply_fn *done, void *ctx)
{
	conn_request(c, "GET", "/v1/coi-keys", "", "", 0, done, ctx);
}
