#include "eap_tls_internal.h"
#include "pki_internal.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* Messages from the server in one conversation.  A full handshake with a retry and a few tickets takes six. */
#define MESSAGES_MAX 32
#define SUBJECT_MAX  128 /* [octets] of a certificate's subject in a message */

enum state { WAITING, HANDSHAKE, DONE, FAILED };

struct vmp_eap_tls {
	struct vmp_tls_identity *identity;
	SSL *ssl;
	struct vmp_tls_fragments fragments;
	enum state state;
	unsigned messages;    /* whole ones from the server */
	bool indicated;	      /* RFC 9190 2.1.1: the protected success indication has come */
	SSL_SESSION *session; /* the newest that the server has given */
	int64_t ends;	      /* [s] of the session that was offered: when its server's certificates end */
	struct vmp_msg why;
};

int vmp_eap_tls_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct vmp_eap_tls *tls = SSL_get_app_data(ssl);

	SSL_SESSION_free(tls->session);
	tls->session = session;
	return 1; /* the reference is ours now */
}

/* What a person has to put right: which certificate, and what is wrong with it. */
static int on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct vmp_eap_tls *tls = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	BIO *text = BIO_new(BIO_s_mem());
	char subject[SUBJECT_MAX] = "";

	if (!good && text && cert) {
		/* Whoever is not authenticated yet may have written what he likes: no control characters, no UTF-8. */
		X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
		if (BIO_read(text, subject, sizeof(subject) - 1) < 0)
			subject[0] = '\0';
	}
	BIO_free(text);
	if (!good)
		vmp_fail(&tls->why, 0, "the server's certificate %s: %s%s%s", subject,
			 X509_verify_cert_error_string(error),
			 error == X509_V_ERR_HOSTNAME_MISMATCH ? ", expected " : "",
			 error == X509_V_ERR_HOSTNAME_MISMATCH ? tls->identity->server_name : "");
	return good;
}

static void on_info(const SSL *ssl, int where, int alert)
{
	struct vmp_eap_tls *tls = SSL_get_app_data(ssl);

	/* The first reason is the cause. */
	if (where == SSL_CB_READ_ALERT && alert >> 8 == SSL3_AL_FATAL && !tls->why.text[0])
		vmp_fail(&tls->why, 0, "the server's alert: %s", SSL_alert_desc_string_long(alert));
}

static void offer(struct vmp_eap_tls *tls, const uint8_t *session, size_t len)
{
	SSL_SESSION *offered;

	if (!tls->identity->resumption)
		return;
	offered = vmp_tls_session_read(session, len, tls->identity->binding, &tls->ends);
	if (offered && SSL_set_session(tls->ssl, offered) != 1)
		SSL_set_session(tls->ssl, NULL);
	SSL_SESSION_free(offered);
}

static bool make_ssl(struct vmp_eap_tls *tls)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	tls->ssl = SSL_new(tls->identity->ctx);
	if (!tls->ssl || !in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	SSL_set_bio(tls->ssl, in, out);
	tls->fragments.in = in;
	tls->fragments.out = out;
	SSL_set_app_data(tls->ssl, tls);
	SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, on_verify);
	SSL_set_info_callback(tls->ssl, on_info);
	SSL_set_connect_state(tls->ssl);
	return true;
}

struct vmp_eap_tls *vmp_eap_tls_new(struct vmp_tls_identity *identity, const uint8_t *session, size_t len)
{
	struct vmp_eap_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->identity = vmp_tls_identity_ref(identity);
	ERR_clear_error();
	if (!make_ssl(tls)) {
		vmp_eap_tls_free(tls);
		ERR_clear_error();
		return NULL;
	}
	offer(tls, session, len);
	ERR_clear_error();
	return tls;
}

void vmp_eap_tls_free(struct vmp_eap_tls *tls)
{
	if (!tls)
		return;
	SSL_SESSION_free(tls->session);
	SSL_free(tls->ssl);
	vmp_tls_identity_free(tls->identity);
	free(tls);
}

static void fail(struct vmp_eap_tls *tls, const char *why)
{
	tls->state = FAILED;
	vmp_fail(&tls->why, 0, "%s", why);
}

/* SSL_read() has ended with something other than a wish for more.  A callback may have said why. */
static void explain(struct vmp_eap_tls *tls, int error)
{
	tls->state = FAILED;
	if (tls->why.text[0])
		return;
	if (error == SSL_ERROR_ZERO_RETURN)
		fail(tls, "the server has closed TLS");
	else
		(void)vmp_ssl_fail(&tls->why, 0, "TLS");
}

/* RFC 9190 2.1.1: one octet of zero, and nothing else ever.  It says that the server is content with us, so it counts
 * only when the server can have seen our part: after our Finished, or when a session is resumed. */
static bool take_application_data(struct vmp_eap_tls *tls, const uint8_t *data, int len, bool was_finished)
{
	if (SSL_version(tls->ssl) < TLS1_3_VERSION || len != 1 || data[0] != 0)
		return false;
	if (was_finished || SSL_session_reused(tls->ssl))
		tls->indicated = true;
	return true;
}

/* Let TLS read what has come and write what it answers. */
static void advance(struct vmp_eap_tls *tls)
{
	bool was_finished = SSL_is_init_finished(tls->ssl);
	uint8_t data[64];
	int n, error;

	/* What was discarded before is not what this conversation ends by. */
	tls->why.text[0] = '\0';
	ERR_clear_error();
	while ((n = SSL_read(tls->ssl, data, sizeof(data))) > 0) {
		if (!take_application_data(tls, data, n, was_finished)) {
			fail(tls, "the server has sent application data");
			return;
		}
	}
	error = SSL_get_error(tls->ssl, n);
	if (error != SSL_ERROR_WANT_READ)
		explain(tls, error);
	else if (SSL_is_init_finished(tls->ssl) && SSL_get_verify_result(tls->ssl) != X509_V_OK)
		fail(tls, X509_verify_cert_error_string(SSL_get_verify_result(tls->ssl)));
	ERR_clear_error();
}

/* RFC 5216 2.1.1: TLS 1.2 ends with somebody's Finished.  RFC 9190 2.1.1: TLS 1.3 ends when the server says so. */
static bool is_complete(const struct vmp_eap_tls *tls)
{
	return SSL_is_init_finished(tls->ssl) && (SSL_version(tls->ssl) < TLS1_3_VERSION || tls->indicated);
}

static enum vmp_eap_tls_result respond(struct vmp_eap_tls *tls, uint8_t *out, size_t *out_len)
{
	*out_len = vmp_tls_fragments_send(&tls->fragments, out);
	if (tls->state == FAILED)
		return VMP_EAP_TLS_FAILED;
	if (!is_complete(tls) || vmp_tls_fragments_pending(&tls->fragments))
		return VMP_EAP_TLS_RESPOND;
	tls->state = DONE;
	return VMP_EAP_TLS_DONE;
}

static enum vmp_eap_tls_result acknowledge(uint8_t *out, size_t *out_len)
{
	out[0] = 0;
	*out_len = 1;
	return VMP_EAP_TLS_RESPOND;
}

static enum vmp_eap_tls_result discard(struct vmp_eap_tls *tls, const char *fault)
{
	if (tls->state != FAILED)
		vmp_fail(&tls->why, 0, "the server has sent %s", fault);
	return VMP_EAP_TLS_DISCARD;
}

static enum vmp_eap_tls_result start(struct vmp_eap_tls *tls, const struct vmp_tls_fragment *fragment, uint8_t *out,
				     size_t *out_len)
{
	/* RFC 5216 2.1.1: Start has no data. */
	if (!fragment->start || fragment->more || fragment->has_length || fragment->len > 0)
		return discard(tls, "something other than EAP-TLS Start");
	tls->state = HANDSHAKE;
	advance(tls);
	return respond(tls, out, out_len);
}

static enum vmp_eap_tls_result take_whole(struct vmp_eap_tls *tls, uint8_t *out, size_t *out_len)
{
	if (++tls->messages > MESSAGES_MAX)
		fail(tls, "the server goes on without end");
	else
		advance(tls);
	return respond(tls, out, out_len);
}

static enum vmp_eap_tls_result take(struct vmp_eap_tls *tls, const struct vmp_tls_fragment *fragment, uint8_t *out,
				    size_t *out_len)
{
	switch (vmp_tls_fragments_take(&tls->fragments, fragment)) {
	case VMP_TLS_WHOLE:
		return take_whole(tls, out, out_len);
	case VMP_TLS_PART:
		return acknowledge(out, out_len);
	case VMP_TLS_EMPTY:
		if (tls->state == DONE || vmp_tls_fragments_pending(&tls->fragments))
			return respond(tls, out, out_len);
		return discard(tls, "an acknowledgment of nothing");
	case VMP_TLS_TOO_LONG:
		fail(tls, "the server's message is too long");
		return respond(tls, out, out_len);
	case VMP_TLS_MALFORMED:
		break;
	}
	return discard(tls, tls->fragments.fault);
}

/* RFC 5216 2.1.3: what is left of our alert, then empty answers, so that the server can send its Failure. */
static enum vmp_eap_tls_result take_failed(struct vmp_eap_tls *tls, const struct vmp_tls_fragment *fragment,
					   uint8_t *out, size_t *out_len)
{
	if (fragment->start || (vmp_tls_fragments_pending(&tls->fragments) && fragment->len > 0))
		return discard(tls, "");
	return respond(tls, out, out_len);
}

enum vmp_eap_tls_result vmp_eap_tls_request(struct vmp_eap_tls *tls, const uint8_t *data, size_t len, uint8_t *out,
					    size_t *out_len)
{
	static enum vmp_eap_tls_result (*const handlers[])(
		struct vmp_eap_tls *, const struct vmp_tls_fragment *, uint8_t *,
		size_t *) = { [WAITING] = start, [HANDSHAKE] = take, [DONE] = take, [FAILED] = take_failed };
	struct vmp_tls_fragment fragment;

	if (!vmp_tls_fragment_read(data, len, &fragment))
		return discard(tls, "a fragment that is cut off");
	return handlers[tls->state](tls, &fragment, out, out_len);
}

bool vmp_eap_tls_resumed(const struct vmp_eap_tls *tls)
{
	return SSL_session_reused(tls->ssl);
}

size_t vmp_eap_tls_session(const struct vmp_eap_tls *tls, uint8_t *out)
{
	bool resumed = vmp_eap_tls_resumed(tls);
	SSL_SESSION *session = tls->session;
	int64_t ends = tls->ends;

	if (tls->state != DONE || !tls->identity->resumption)
		return 0;
	/* A session of TLS 1.2 may be resumed again and again; a ticket of TLS 1.3 is for one time (RFC 8446 C.4). */
	if (!session && resumed && SSL_version(tls->ssl) < TLS1_3_VERSION)
		session = SSL_get_session(tls->ssl);
	if (!session || !SSL_SESSION_is_resumable(session))
		return 0;
	/* Resumption shows no certificate: whoever was verified is still what counts. */
	if (!resumed)
		ends = vmp_tls_session_ends(tls->ssl);
	return vmp_tls_session_write(session, tls->identity->binding, ends, out);
}

const char *vmp_eap_tls_version(const struct vmp_eap_tls *tls)
{
	OSSL_HANDSHAKE_STATE at = SSL_get_state(tls->ssl);

	return at == TLS_ST_BEFORE || at == TLS_ST_CW_CLNT_HELLO ? "" : SSL_get_version(tls->ssl);
}

const char *vmp_eap_tls_why(const struct vmp_eap_tls *tls)
{
	return tls->why.text;
}
