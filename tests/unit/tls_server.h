/* The server's side of EAP-TLS in memory, on OpenSSL: type-data in, type-data out.  It can misbehave. */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* When TLS 1.3's protected success indication (RFC 9190 2.1.1) is sent. */
enum tls_server_end {
	TLS_SERVER_TOGETHER, /* with the ticket, in one message */
	TLS_SERVER_APART,    /* after the ticket, in a message of its own */
	TLS_SERVER_BEFORE,   /* before the ticket, in one message */
	TLS_SERVER_EARLY,    /* with the server's Finished */
	TLS_SERVER_NEVER
};

enum tls_server_result { TLS_SERVER_REQUEST, TLS_SERVER_SUCCESS, TLS_SERVER_FAILURE };

struct tls_server {
	/* Set before tls_server_start(). */
	SSL_CTX *ctx;	    /* borrowed; tls_world_server()'s */
	size_t fragment;    /* [octets] of TLS data; 0: 1000 */
	bool length_always; /* in every fragment, as FreeRADIUS does */
	bool no_alert;	    /* Failure without the alert before it */
	enum tls_server_end end;

	/* What came about. */
	SSL *ssl;
	BIO *in, *out;
	size_t total;		/* of the message that is being sent; 0: none */
	bool receiving;		/* a first fragment has come */
	uint32_t expected, got; /* [octets] of the peer's message that is fragmented */
	unsigned fragments;	/* that the peer has sent and said that more follow */
	bool ended;		/* the indication is out */
	bool failed;
	bool finished; /* the handshake */
};

/* The Start. @param out  1500 octets. @return its length. */
size_t tls_server_start(struct tls_server *s, uint8_t *out);
/* Take a response's type-data; fails the test if it is not what RFC 5216 wants.  @param out  for TLS_SERVER_REQUEST */
enum tls_server_result tls_server_response(struct tls_server *s, const uint8_t *data, size_t len, uint8_t *out,
					   size_t *out_len);
/* The next request out of what TLS has written. */
size_t tls_server_send(struct tls_server *s, uint8_t *out);
/* Safe on one that was not started. */
void tls_server_clear(struct tls_server *s);

#endif
