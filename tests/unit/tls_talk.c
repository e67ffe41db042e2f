#include "tls_talk.h"
#include "suites.h"

struct talk talk_new_with(const struct vmp_tls_files *files, const struct maker *server,
			  const struct maker *const *chain, int version)
{
	struct talk t = { .server = { .ctx = tls_world_server(server, chain, version) },
			  .identity = tls_world_identity(files) };

	t.tls = vmp_eap_tls_new(t.identity, NULL, 0);
	ck_assert_ptr_nonnull(t.tls);
	return t;
}

struct talk talk_new(int version)
{
	struct vmp_tls_files files = tls_world_files();

	return talk_new_with(&files, &tls_world.server, NULL, version);
}

void talk_clear(struct talk *t)
{
	tls_server_clear(&t->server);
	SSL_CTX_free(t->server.ctx);
	vmp_eap_tls_free(t->tls);
	vmp_tls_identity_free(t->identity);
}

void talk_renew(struct talk *t)
{
	struct tls_server fresh = { .ctx = t->server.ctx };

	tls_server_clear(&t->server);
	t->server = fresh;
	vmp_eap_tls_free(t->tls);
	t->tls = vmp_eap_tls_new(t->identity, t->session, t->session_len);
	ck_assert_ptr_nonnull(t->tls);
	t->requests = t->parts = 0;
}

void talk_again(struct talk *t)
{
	t->session_len = vmp_eap_tls_session(t->tls, t->session);
	ck_assert_uint_gt(t->session_len, 0);
	ck_assert_uint_le(t->session_len, VMP_TLS_SESSION_MAX);
	talk_renew(t);
}

struct talk_request talk_step(struct talk *t, const struct talk_request *r)
{
	uint8_t out[TALK_ROOM];
	struct talk_request next = { .len = 0 };
	size_t len = 0;

	t->requests++;
	t->parts += (r->data[0] & 0x40) || (r->len == 1 && r->data[0] == 0);
	t->last = vmp_eap_tls_request(t->tls, r->data, r->len, out, &len);
	ck_assert_msg(t->last != VMP_EAP_TLS_DISCARD, "%s", vmp_eap_tls_why(t->tls));
	next.ended = tls_server_response(&t->server, out, len, next.data, &next.len) != TLS_SERVER_REQUEST;
	return next;
}

struct talk_request talk_until(struct talk *t, unsigned requests)
{
	struct talk_request r = { .len = 0 };

	r.len = tls_server_start(&t->server, r.data);
	while (t->requests < requests) {
		r = talk_step(t, &r);
		ck_assert(!r.ended);
	}
	return r;
}

enum tls_server_result talk_run(struct talk *t)
{
	struct talk_request r = talk_until(t, 0);

	while (!r.ended) {
		ck_assert_uint_lt(t->requests, 1000);
		r = talk_step(t, &r);
	}
	return t->server.failed ? TLS_SERVER_FAILURE : TLS_SERVER_SUCCESS;
}
