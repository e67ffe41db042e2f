/* The CRL (RFC 5280), and OCSP over HTTP (RFC 6960 appendix A).  Both are signed: they need no TLS. */
#include "est.h"
#include "request.h"
#include "tls.h"

#include <stdlib.h>
#include <string.h>

#define OCSP_TYPE "application/ocsp-response"

static void crl_came(struct request *req, const struct message *m)
{
	if (m->err)
		request_fail_err(req, -(int)m->err, m->text);
	else
		request_send(req, 200, "application/pkix-crl", m->blob, m->blob_len);
}

static void crl(struct http_exchange *x)
{
	struct request *req = request_of(x);

	req->ask.type = M_CRL;
	request_ask(req, crl_came);
}

/* Errors of OCSP are responses too: 1 malformed, 3 try later (RFC 6960 4.2.1). */
static void ocsp_error(struct request *req, int status)
{
	uint8_t der[32];
	size_t len = sizeof(der);

	if (vmp_ocsp_error(status, der, &len) == VMP_OK)
		request_send(req, 200, OCSP_TYPE, der, len);
	else
		request_fail(req, 503, "out of memory");
}

static void ocsp_came(struct request *req, const struct message *m)
{
	if (m->err)
		ocsp_error(req, 3);
	else
		request_send(req, 200, OCSP_TYPE, m->blob, m->blob_len);
}

static void ocsp(struct request *req, const uint8_t *der, size_t der_len)
{
	struct vmp_msg msg;
	size_t len;
	const uint8_t *issuer = tls_issuer(&len);

	req->ask.type = M_OCSP;
	if (!issuer)
		ocsp_error(req, 3);
	else if (vmp_ocsp_read(der, der_len, issuer, len, &req->ask.ocsp, &msg) == VMP_OK)
		request_ask(req, ocsp_came);
	else
		ocsp_error(req, 1);
}

static void ocsp_post(struct http_exchange *x)
{
	ocsp(request_of(x), (const uint8_t *)x->body, x->body_len);
}

/* Base64 in the path, percent-encoded. */
static void ocsp_get(struct http_exchange *x)
{
	size_t text_len = 0, len = VMP_OCSP_MAX;
	char *text = evhttp_uridecode(x->segment, 0, &text_len);
	uint8_t der[VMP_OCSP_MAX];

	if (text && vmp_unbase64(text, text_len, der, &len) == VMP_OK)
		ocsp(request_of(x), der, len);
	else
		ocsp_error(request_of(x), 1);
	free(text);
}

const struct http_route revocation_routes[] = {
	{ EVHTTP_REQ_GET, "/crl", crl, false },
	{ EVHTTP_REQ_POST, "/ocsp", ocsp_post, false },
	{ EVHTTP_REQ_POST, "/ocsp/", ocsp_post, false },
	{ EVHTTP_REQ_GET, "/ocsp/*", ocsp_get, false },
	{ 0, NULL, NULL, false },
};
