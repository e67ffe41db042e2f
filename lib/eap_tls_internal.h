/** What the files of EAP-TLS share; nobody else includes it. */
#ifndef VMP_EAP_TLS_INTERNAL_H
#define VMP_EAP_TLS_INTERNAL_H

#include "eap_tls.h"

#include <openssl/ssl.h>

/* -- flags and fragments (RFC 5216 2.1.5 and 3) -- */

#define VMP_TLS_FLAG_LENGTH 0x80
#define VMP_TLS_FLAG_MORE   0x40
#define VMP_TLS_FLAG_START  0x20

/** A request's type-data, read. */
struct vmp_tls_fragment {
	bool start, more, has_length;
	uint32_t total;	     /**< [octets] TLS Message Length */
	const uint8_t *data; /**< of TLS */
	size_t len;
};

/** @return false: no flags, or a length that is cut off.  Reserved flags are ignored (RFC 5216 3.1). */
bool vmp_tls_fragment_read(const uint8_t *data, size_t len, struct vmp_tls_fragment *out);

enum vmp_tls_taken {
	VMP_TLS_MALFORMED, /**< nothing has changed; fault says what is wrong */
	VMP_TLS_TOO_LONG,  /**< no good can come of this server */
	VMP_TLS_EMPTY,	   /**< no data: an acknowledgment, if anything of ours waits for one */
	VMP_TLS_PART,	   /**< to be acknowledged */
	VMP_TLS_WHOLE	   /**< TLS may read the message */
};

/** What is under way in both directions: a message of the server's that is not whole yet, or one of ours that is not
 * all sent yet.  Never both. */
struct vmp_tls_fragments {
	BIO *in, *out;	     /**< what TLS reads and writes; borrowed */
	uint32_t total, got; /**< [octets] of the server's message; total 0: none is under way */
	bool sending;	     /**< a first fragment of ours is out */
	const char *fault;
};

enum vmp_tls_taken vmp_tls_fragments_take(struct vmp_tls_fragments *f, const struct vmp_tls_fragment *fragment);
/** Does anything of ours still have to be sent? */
bool vmp_tls_fragments_pending(const struct vmp_tls_fragments *f);
/** Write the next response's type-data; an empty one when there is nothing to send.  @return its length. */
size_t vmp_tls_fragments_send(struct vmp_tls_fragments *f, uint8_t *out);

/* -- sessions -- */

#define VMP_TLS_BINDING 8 /**< [octets] of a digest of an identity */

/** A session as it is kept: whose it is, until when the server's certificates hold, and the session without them.
 * @param ends  [s] since 1970. @param out  VMP_TLS_SESSION_MAX octets. @return its length; 0: too long. */
size_t vmp_tls_session_write(SSL_SESSION *session, const uint8_t binding[VMP_TLS_BINDING], int64_t ends, uint8_t *out);
/** @param ends  set if there is one. @return NULL: damaged, another identity's, or past its end. */
SSL_SESSION *vmp_tls_session_read(const uint8_t *in, size_t len, const uint8_t binding[VMP_TLS_BINDING], int64_t *ends);
/** The end of the first certificate to end of those by which the server was verified. [s] since 1970 */
int64_t vmp_tls_session_ends(const SSL *ssl);

/* -- identity -- */

struct vmp_tls_identity {
	unsigned refs;
	SSL_CTX *ctx;
	uint8_t binding[VMP_TLS_BINDING]; /**< of the certificate, the CA and the server's name */
	bool resumption;
	char server_name[256]; /**< "": any */
};

/** SSL_CTX_sess_set_new_cb()'s; the conversation is the SSL's app data. */
int vmp_eap_tls_new_session(SSL *ssl, SSL_SESSION *session);

#endif
