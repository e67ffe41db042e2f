#include "tls_server.h"
#include "eap_tls.h"
#include "suites.h"

#include <string.h>

#define FLAG_LENGTH 0x80
#define FLAG_MORE   0x40
#define FLAG_START  0x20

size_t tls_server_start(struct tls_server *s, uint8_t *out)
{
	s->ssl = SSL_new(s->ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	ck_assert(s->ssl && s->in && s->out);
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_accept_state(s->ssl);
	if (s->end == TLS_SERVER_BEFORE)
		SSL_set_num_tickets(s->ssl, 0);
	out[0] = FLAG_START;
	return 1;
}

void tls_server_clear(struct tls_server *s)
{
	/* OpenSSL forgets the sessions of connections that were not shut down. */
	if (s->finished && !s->failed) {
		SSL_set_quiet_shutdown(s->ssl, 1);
		SSL_shutdown(s->ssl);
	}
	SSL_free(s->ssl);
	s->ssl = NULL;
}

size_t tls_server_send(struct tls_server *s, uint8_t *out)
{
	size_t pending = BIO_ctrl_pending(s->out), max = s->fragment ? s->fragment : 1000, at = 1;
	bool first = !s->total;

	if (first)
		s->total = pending;
	out[0] = 0;
	if (pending > max)
		out[0] |= FLAG_MORE;
	if (pending && (s->length_always || (first && pending > max))) {
		out[0] |= FLAG_LENGTH;
		out[at++] = (uint8_t)(s->total >> 24);
		out[at++] = (uint8_t)(s->total >> 16);
		out[at++] = (uint8_t)(s->total >> 8);
		out[at++] = (uint8_t)s->total;
	}
	if (pending)
		at += (size_t)BIO_read(s->out, out + at, (int)max);
	if (pending <= max)
		s->total = 0;
	return at;
}

/* What RFC 5216 2.1.5 says of a peer's fragments. */
static void check_fragment(struct tls_server *s, const uint8_t *data, size_t len)
{
	bool more = data[0] & FLAG_MORE, has_length = data[0] & FLAG_LENGTH;
	size_t head = has_length ? 5 : 1;

	ck_assert_uint_eq(data[0] & (uint8_t) ~(FLAG_LENGTH | FLAG_MORE), 0);
	ck_assert_uint_ge(len, head);
	ck_assert_uint_le(len - head, VMP_EAP_TLS_FRAGMENT_MAX);
	ck_assert_int_eq(has_length, more && !s->receiving);
	if (has_length)
		s->expected = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
	ck_assert(!more || len > head);
	s->got += (uint32_t)(len - head);
	if (!more && s->receiving)
		ck_assert_uint_eq(s->got, s->expected);
	s->receiving = more;
	if (!more)
		s->got = 0;
	ck_assert(len == head || BIO_write(s->in, data + head, (int)(len - head)) == (int)(len - head));
}

/* TLS 1.3: what follows the peer's Finished. */
static void end(struct tls_server *s)
{
	s->ended = true;
	if (s->end != TLS_SERVER_NEVER && s->end != TLS_SERVER_EARLY)
		ck_assert_int_eq(SSL_write(s->ssl, "", 1), 1);
	if (s->end == TLS_SERVER_BEFORE) {
		ck_assert_int_eq(SSL_new_session_ticket(s->ssl), 1);
		ck_assert_int_eq(SSL_do_handshake(s->ssl), 1);
	}
}

/* TLS 1.3: data with the server's Finished, before the peer's certificate was seen. */
static int handshake_early(struct tls_server *s)
{
	uint8_t data[1];
	size_t n = 0;

	if (SSL_in_before(s->ssl) && SSL_read_early_data(s->ssl, data, 1, &n) == SSL_READ_EARLY_DATA_FINISH)
		(void)SSL_write_early_data(s->ssl, "", 1, &n);
	return SSL_do_handshake(s->ssl);
}

static void handshake(struct tls_server *s)
{
	uint8_t data[64];
	int n = s->end == TLS_SERVER_EARLY ? handshake_early(s) : SSL_do_handshake(s->ssl);

	if (n == 1) {
		s->finished = true;
		n = SSL_read(s->ssl, data, sizeof(data));
	}
	if (n > 0 || SSL_get_error(s->ssl, n) != SSL_ERROR_WANT_READ)
		s->failed = true;
}

static enum tls_server_result request(struct tls_server *s, uint8_t *out, size_t *out_len)
{
	*out_len = tls_server_send(s, out);
	return TLS_SERVER_REQUEST;
}

/* The peer has sent a whole message. */
static enum tls_server_result turn(struct tls_server *s, uint8_t *out, size_t *out_len)
{
	bool tls13;

	handshake(s);
	if (s->failed)
		return s->no_alert || !BIO_ctrl_pending(s->out) ? TLS_SERVER_FAILURE : request(s, out, out_len);
	tls13 = s->finished && SSL_version(s->ssl) == TLS1_3_VERSION;
	if (tls13 && !s->ended && !(s->end == TLS_SERVER_APART && BIO_ctrl_pending(s->out)))
		end(s);
	if (BIO_ctrl_pending(s->out))
		return request(s, out, out_len);
	ck_assert_msg(s->finished, "the peer has sent too little");
	return TLS_SERVER_SUCCESS;
}

/* The peer has acknowledged. */
static enum tls_server_result acknowledged(struct tls_server *s, uint8_t *out, size_t *out_len)
{
	if (BIO_ctrl_pending(s->out))
		return request(s, out, out_len);
	if (s->failed)
		return TLS_SERVER_FAILURE;
	ck_assert_msg(s->finished, "an acknowledgment of nothing");
	if (SSL_version(s->ssl) == TLS1_3_VERSION && !s->ended) {
		end(s);
		return request(s, out, out_len);
	}
	return TLS_SERVER_SUCCESS;
}

enum tls_server_result tls_server_response(struct tls_server *s, const uint8_t *data, size_t len, uint8_t *out,
					   size_t *out_len)
{
	ck_assert_uint_ge(len, 1);
	if (len == 1 && data[0] == 0 && !s->receiving)
		return acknowledged(s, out, out_len);
	ck_assert_msg(!BIO_ctrl_pending(s->out), "data where an acknowledgment was expected");
	check_fragment(s, data, len);
	if (!s->receiving)
		return turn(s, out, out_len);
	s->fragments++;
	out[0] = 0;
	*out_len = 1;
	return TLS_SERVER_REQUEST;
}
