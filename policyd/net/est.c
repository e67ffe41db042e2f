/* Enrolment over Secure Transport, RFC 7030.  The label, where there is one, is a template's name. */
#include "est.h"
#include "request.h"
#include "store_guest.h"
#include "tls.h"

#include <stdlib.h>
#include <string.h>

static void send_base64(struct request *req, const char *type, const char *text, size_t len)
{
	http_exchange_add_header(&req->http, "Content-Transfer-Encoding", "base64");
	request_send(req, 200, type, text, len);
}

static void send_certs(struct request *req, const uint8_t *der, size_t der_len)
{
	size_t len = 0;
	char *text = vmp_est_certs(der, der_len, &len);

	if (text)
		send_base64(req, "application/pkcs7-mime; smime-type=certs-only", text, len);
	else
		request_fail(req, 503, "out of memory");
	free(text);
}

/* Section 4.1 */
static void cacerts(struct http_exchange *x)
{
	size_t len;
	const uint8_t *chain = tls_chain(&len);

	send_certs(request_of(x), chain, len);
}

/* Section 4.5 */
static void csrattrs(struct http_exchange *x)
{
	const char *text = vmp_est_csrattrs();

	send_base64(request_of(x), "application/csrattrs", text, strlen(text));
}

/* Of no use, or not there: Section 3.2.3. */
static void refuse_token(struct request *req, const char *why)
{
	http_exchange_add_header(&req->http, "WWW-Authenticate", "Basic realm=\"vmprov join token\"");
	request_fail(req, 401, why);
}

static void issued(struct request *req, const struct message *m)
{
	if (m->err == 0)
		send_certs(req, m->blob, m->blob_len);
	else if (req->ask.type == M_ENROL && -(int)m->err == VMP_EACCES)
		refuse_token(req, m->text);
	else
		request_fail_err(req, -(int)m->err, m->text);
}

/* The media type may have parameters.  Clients that leave it out are taken at the word of their body. */
static bool is_pkcs10(const struct request *req)
{
	static const char wanted[] = "application/pkcs10";
	const char *type = http_exchange_header(&req->http, "Content-Type");

	return !type ||
	       (strncasecmp(type, wanted, sizeof(wanted) - 1) == 0 && strchr("; \t", type[sizeof(wanted) - 1]));
}

/* The body's key into the message. @return whether; otherwise the client has its answer. */
static bool take_request(struct request *req)
{
	uint8_t *der = malloc(VMP_CSR_MAX);
	struct vmp_msg msg = { "" };
	size_t len = VMP_CSR_MAX;
	int err = der ? vmp_est_request(req->http.body, req->http.body_len, der, &len, &msg) : VMP_ENOMEM;

	if (err == VMP_OK)
		err = vmp_csr_read(der, len, &req->ask.key, &msg);
	free(der);
	if (err == VMP_OK && strlen(req->http.segment) < sizeof(req->ask.label))
		memcpy(req->ask.label, req->http.segment, strlen(req->http.segment) + 1);
	if (err == VMP_OK && is_pkcs10(req))
		return true;
	if (err == VMP_OK)
		request_fail(req, 415, "expected application/pkcs10");
	else
		request_fail_err(req, err, msg.text);
	return false;
}

/* Section 3.2.3: the join token is the password; the user name says nothing that the token does not. */
static bool take_token(struct request *req)
{
	const char *header = http_exchange_header(&req->http, "Authorization");
	const char *password;
	char room[512];
	bool taken = header && vmp_basic_read(header, room, &password) == VMP_OK &&
		     vmp_token_hash(password, req->ask.token) == VMP_OK;

	vmp_wipe(room, sizeof(room));
	return taken;
}

/* Section 4.2.1 */
static void simpleenroll(struct http_exchange *x)
{
	struct request *req = request_of(x);

	req->ask.type = M_ENROL;
	if (!take_token(req))
		refuse_token(req, "expected a join token as the password of HTTP Basic");
	else if (take_request(req))
		request_ask(req, issued);
}

/* Section 4.2.2 */
static void simplereenroll(struct http_exchange *x)
{
	struct request *req = request_of(x);

	request_ask_as(req, M_RENEW);
	if (take_request(req))
		request_ask(req, issued);
}

#define EST "/.well-known/est/"

const struct http_route est_routes[] = {
	{ EVHTTP_REQ_GET, EST "cacerts", cacerts, false },
	{ EVHTTP_REQ_GET, EST "*/cacerts", cacerts, false },
	{ EVHTTP_REQ_GET, EST "csrattrs", csrattrs, false },
	{ EVHTTP_REQ_GET, EST "*/csrattrs", csrattrs, false },
	{ EVHTTP_REQ_POST, EST "simpleenroll", simpleenroll, false },
	{ EVHTTP_REQ_POST, EST "*/simpleenroll", simpleenroll, false },
	{ EVHTTP_REQ_POST, EST "simplereenroll", simplereenroll, true },
	{ EVHTTP_REQ_POST, EST "*/simplereenroll", simplereenroll, true },
	{ 0, NULL, NULL, false },
};
