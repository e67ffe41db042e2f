#include "port.h"
#include "suites.h"

#include <string.h>

static void on_send(void *ctx, enum vmp_eapol_type type, const uint8_t *body, size_t len)
{
	struct port *p = ctx;
	struct port_sent *sent = &p->sent[p->n_sent];

	ck_assert_int_lt(p->n_sent, PORT_SENT);
	ck_assert_uint_le(len, sizeof(sent->body));
	sent->type = type;
	sent->at = p->now;
	sent->len = len;
	if (len > 0)
		memcpy(sent->body, body, len);
	p->n_sent++;
}

static void on_changed(void *ctx, enum vmp_auth_event event)
{
	struct port *p = ctx;

	ck_assert_int_lt(p->n_events, PORT_SENT);
	p->events[p->n_events++] = event;
	if ((int)event == p->logoff_on)
		vmp_supplicant_logoff(p->s, p->now);
	if ((int)event == p->start_on) {
		p->start_on = -1;
		vmp_supplicant_start(p->s, p->now);
	}
}

static struct vmp_tls_identity *on_tls_identity(void *ctx)
{
	return ((struct port *)ctx)->tls;
}

static size_t on_password(void *ctx, char out[128])
{
	const struct port *p = ctx;

	if (!p->password)
		return 0;
	memcpy(out, p->password, strlen(p->password));
	return strlen(p->password);
}

static uint32_t on_random(void *ctx)
{
	return ((struct port *)ctx)->random;
}

static const struct vmp_supplicant_ops ops = { .send = on_send,
					       .changed = on_changed,
					       .tls_identity = on_tls_identity,
					       .password = on_password,
					       .random = on_random };

void port_init(struct port *p)
{
	memset(p, 0, sizeof(*p));
	p->params = (struct vmp_supplicant_params){ .eapol_version = 2,
						    .start_period = 5000,
						    .max_start = 3,
						    .auth_period = 30000,
						    .held_period = 60000,
						    .held_max = 200000,
						    .silent_period = 300000,
						    .reauth_period = 3600000,
						    .method = { VMP_EAP_TLS, VMP_EAP_MD5 } };
	p->mac = PORT_MAC;
	p->now = 1000000;
	p->password = "secret";
	p->logoff_on = -1;
	p->start_on = -1;
	p->s = vmp_supplicant_new(&p->params, &ops, p, "52:54:00:aa:bb:cc");
	ck_assert_ptr_nonnull(p->s);
}

void port_clear(struct port *p)
{
	vmp_supplicant_free(p->s);
	p->s = NULL;
}

void port_start(struct port *p)
{
	vmp_supplicant_start(p->s, p->now);
	port_sent_start(p);
}

void port_until(struct port *p, uint64_t t)
{
	uint64_t due = vmp_supplicant_step(p->s, p->now);
	int n = 0;

	while (due <= t) {
		ck_assert_uint_gt(due, p->now);
		ck_assert_int_lt(n++, 10000);
		p->now = due;
		due = vmp_supplicant_step(p->s, p->now);
	}
	p->now = t;
}

void port_pass(struct port *p, uint64_t ms)
{
	port_until(p, p->now + ms);
}

bool port_give(struct port *p, const uint8_t *packet, size_t len)
{
	uint8_t frame[VMP_EAPOL_FRAME_MAX];
	uint64_t dst = p->group ? VMP_EAPOL_PAE_GROUP : p->mac;
	size_t n = vmp_eapol_write(dst, PORT_SWITCH, 2, VMP_EAPOL_EAP, packet, len, frame);
	struct vmp_eapol e;

	ck_assert_int_eq(vmp_eapol_read(frame, n, &e), VMP_OK);
	if (p->expecting && !vmp_supplicant_expects(p->s, &e))
		return false;
	return vmp_supplicant_receive(p->s, &e, p->now);
}

static bool give(struct port *p, enum vmp_eap_code code, uint8_t id, uint8_t type, const void *data, size_t len)
{
	uint8_t packet[VMP_EAP_MAX];
	size_t n = vmp_eap_write(code, id, type, data, len, packet);

	ck_assert_uint_gt(n, 0);
	return port_give(p, packet, n);
}

bool port_request(struct port *p, uint8_t id, uint8_t type, const void *data, size_t len)
{
	return give(p, VMP_EAP_REQUEST, id, type, data, len);
}

bool port_identity(struct port *p, uint8_t id)
{
	return port_request(p, id, VMP_EAP_IDENTITY, NULL, 0);
}

bool port_challenge(struct port *p, uint8_t id)
{
	uint8_t data[17];

	memset(data, id, sizeof(data));
	data[0] = 16;
	return port_request(p, id, VMP_EAP_MD5, data, sizeof(data));
}

bool port_success(struct port *p, uint8_t id)
{
	return give(p, VMP_EAP_SUCCESS, id, VMP_EAP_NONE, NULL, 0);
}

bool port_failure(struct port *p, uint8_t id)
{
	return give(p, VMP_EAP_FAILURE, id, VMP_EAP_NONE, NULL, 0);
}

const struct port_sent *port_next(struct port *p)
{
	return p->n_read < p->n_sent ? &p->sent[p->n_read++] : NULL;
}

const uint8_t *port_response(struct port *p, uint8_t id, uint8_t type, size_t *len)
{
	const struct port_sent *sent = port_next(p);
	struct vmp_eap eap;

	ck_assert_ptr_nonnull(sent);
	ck_assert_int_eq(sent->type, VMP_EAPOL_EAP);
	ck_assert_int_eq(vmp_eap_read(sent->body, sent->len, &eap), VMP_OK);
	ck_assert_int_eq(eap.code, VMP_EAP_RESPONSE);
	ck_assert_uint_eq(eap.id, id);
	ck_assert_uint_eq(eap.type, type);
	ck_assert_uint_eq(eap.len + VMP_EAP_HEADER + 1U, sent->len);
	if (len)
		*len = eap.len;
	return eap.data;
}

static void sent_bare(struct port *p, enum vmp_eapol_type type)
{
	const struct port_sent *sent = port_next(p);

	ck_assert_ptr_nonnull(sent);
	ck_assert_int_eq(sent->type, type);
	ck_assert_uint_eq(sent->len, 0);
}

void port_sent_start(struct port *p)
{
	sent_bare(p, VMP_EAPOL_START);
}

void port_sent_logoff(struct port *p)
{
	sent_bare(p, VMP_EAPOL_LOGOFF);
}

void port_sent_nothing(struct port *p)
{
	ck_assert_int_eq(p->n_read, p->n_sent);
}

void port_event(struct port *p, enum vmp_auth_event event)
{
	ck_assert_int_eq(p->n_events, 1);
	ck_assert_str_eq(vmp_auth_name(p->events[0]), vmp_auth_name(event));
	p->n_events = 0;
}

void port_no_event(struct port *p)
{
	ck_assert_int_eq(p->n_events, 0);
}

struct vmp_supplicant_status port_status(const struct port *p)
{
	struct vmp_supplicant_status status;

	vmp_supplicant_status(p->s, &status);
	return status;
}

void port_state(struct port *p, enum vmp_pae_state state, bool authorized)
{
	ck_assert_str_eq(vmp_pae_name(port_status(p).state), vmp_pae_name(state));
	ck_assert_int_eq(port_status(p).authorized, authorized);
	ck_assert_int_eq(port_status(p).busy, state == VMP_PAE_AUTHENTICATING);
}

void port_converse(struct port *p, uint8_t id)
{
	ck_assert(port_identity(p, id));
	(void)port_response(p, id, VMP_EAP_IDENTITY, NULL);
	port_event(p, VMP_AUTH_BEGAN);
	ck_assert(port_challenge(p, (uint8_t)(id + 1)));
	(void)port_response(p, (uint8_t)(id + 1), VMP_EAP_MD5, NULL);
}

void port_authenticate(struct port *p)
{
	port_start(p);
	port_converse(p, 7);
	ck_assert(port_success(p, 8));
	port_event(p, VMP_AUTH_SUCCEEDED);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}

void port_reject(struct port *p, uint8_t id)
{
	port_converse(p, id);
	ck_assert(port_failure(p, (uint8_t)(id + 1)));
	port_event(p, VMP_AUTH_REJECTED);
	port_state(p, VMP_PAE_HELD, false);
}
