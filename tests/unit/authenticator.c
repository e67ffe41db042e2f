#include "authenticator.h"
#include "eap_md5.h"
#include "suites.h"

#include <string.h>

void authenticator_init(struct authenticator *a, uint8_t method)
{
	memset(a, 0, sizeof(*a));
	a->method = method;
	a->password = "secret";
	a->first_id = 100;
}

static void stop(struct authenticator *a)
{
	if (a->tls.ssl)
		tls_server_clear(&a->tls);
}

void authenticator_clear(struct authenticator *a)
{
	stop(a);
}

static size_t request(struct authenticator *a, uint8_t type, const uint8_t *data, size_t len)
{
	a->waiting = true;
	a->len = vmp_eap_write(VMP_EAP_REQUEST, a->id, type, data, len, a->packet);
	ck_assert_uint_gt(a->len, 0);
	return a->len;
}

static size_t end(struct authenticator *a, bool good)
{
	stop(a);
	a->waiting = false;
	a->authorized = good && !a->reject;
	a->len = vmp_eap_write(a->authorized ? VMP_EAP_SUCCESS : VMP_EAP_FAILURE, a->id, VMP_EAP_NONE, NULL, 0,
			       a->packet);
	return a->undecided ? 0 : a->len;
}

size_t authenticator_begin(struct authenticator *a)
{
	stop(a);
	a->id = a->first_id;
	a->first_id = (uint8_t)(a->first_id + 37);
	a->current = VMP_EAP_IDENTITY;
	return request(a, VMP_EAP_IDENTITY, NULL, 0);
}

/* Of the server's state only what the next conversation needs is kept. */
static size_t tls_begin(struct authenticator *a)
{
	struct tls_server fresh = { .ctx = a->tls.ctx,
				    .fragment = a->tls.fragment,
				    .length_always = a->tls.length_always,
				    .no_alert = a->tls.no_alert,
				    .end = a->tls.end };
	uint8_t data[VMP_EAP_MAX];

	a->tls = fresh;
	return request(a, VMP_EAP_TLS, data, tls_server_start(&a->tls, data));
}

static size_t method_begin(struct authenticator *a, uint8_t type)
{
	uint8_t challenge[17] = { 16, 1, 2, 3, a->id };

	a->current = type;
	if (type == VMP_EAP_TLS)
		return tls_begin(a);
	return request(a, type, challenge, type == VMP_EAP_MD5 ? sizeof(challenge) : 0);
}

static size_t md5_end(struct authenticator *a, const struct vmp_eap *eap)
{
	uint8_t challenge[17] = { 16, 1, 2, 3, a->id }, wanted[VMP_EAP_MAX];

	ck_assert_uint_gt(
		vmp_eap_md5_answer(a->id, challenge, sizeof(challenge), a->password, strlen(a->password), "", wanted),
		0);
	return end(a, eap->len >= 17 && memcmp(eap->data, wanted, 17) == 0);
}

static size_t tls_go_on(struct authenticator *a, const struct vmp_eap *eap)
{
	uint8_t data[VMP_EAP_MAX];
	size_t len = 0;
	enum tls_server_result result = tls_server_response(&a->tls, eap->data, eap->len, data, &len);

	if (result != TLS_SERVER_REQUEST)
		return end(a, result == TLS_SERVER_SUCCESS);
	a->id++;
	return request(a, VMP_EAP_TLS, data, len);
}

static size_t take_response(struct authenticator *a, const struct vmp_eap *eap)
{
	if (eap->type == VMP_EAP_NAK) {
		if (!memchr(eap->data, VMP_EAP_MD5, eap->len) && !memchr(eap->data, VMP_EAP_TLS, eap->len))
			return end(a, false);
		a->id++;
		return method_begin(a, eap->data[0]);
	}
	ck_assert_uint_eq(eap->type, a->current);
	if (eap->type == VMP_EAP_MD5)
		return md5_end(a, eap);
	if (eap->type == VMP_EAP_TLS)
		return tls_go_on(a, eap);
	a->id++;
	return method_begin(a, a->method);
}

size_t authenticator_take(struct authenticator *a, const struct port_sent *sent)
{
	struct vmp_eap eap;

	if (a->deaf)
		return 0;
	if (sent->type == VMP_EAPOL_LOGOFF)
		a->authorized = a->waiting = false;
	if (sent->type == VMP_EAPOL_START)
		return authenticator_begin(a);
	if (sent->type != VMP_EAPOL_EAP)
		return 0;
	ck_assert_int_eq(vmp_eap_read(sent->body, sent->len, &eap), VMP_OK);
	ck_assert_int_eq(eap.code, VMP_EAP_RESPONSE);
	if (!a->waiting || eap.id != a->id) {
		a->ignored++;
		return 0;
	}
	a->responses++;
	return take_response(a, &eap);
}

void authenticator_run_some(struct authenticator *a, struct port *p, unsigned answers)
{
	const struct port_sent *sent;

	while (answers > 0 && (sent = port_next(p))) {
		if (authenticator_take(a, sent) > 0) {
			answers--;
			(void)port_give(p, a->packet, a->len);
		}
	}
}

void authenticator_run(struct authenticator *a, struct port *p)
{
	authenticator_run_some(a, p, PORT_SENT);
}
