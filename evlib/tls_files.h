/** TLS 1.3 with a certificate, a key and a CA from files, for a server or a client; loaded anew when they change.
 *
 * TLS 1.3 alone (RFC 8446), without tickets and resumption; verification ends at a certificate that is trusted, a root
 * or not.
 */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include "err.h"

#include <stdbool.h>

struct ssl_st;	   /* OpenSSL's SSL */
struct ssl_ctx_st; /* and SSL_CTX */
struct tls_files;

enum tls_role {
	TLS_SERVER,	     /**< the peer's certificate is asked for, and verified if it has one */
	TLS_SERVER_REQUIRED, /**< without a certificate of the CA with the purpose clientAuth there is no connection */
	TLS_CLIENT /**< the server must have a certificate of the CA with the purpose serverAuth; no name of it
		    * is looked at: see tls_peer.h */
};

/** A context with all that does not come from files, for who has a certificate from elsewhere. @param http  as below.
 * @return NULL: out of memory. */
struct ssl_ctx_st *tls_context_new(enum tls_role role, bool http);

/** Paths are copied. */
struct tls_files_settings {
	enum tls_role role;
	const char *certificate; /**< PEM: ours, and what stands between it and the CA */
	const char *key;	 /**< PEM; whoever else may read it makes it unusable */
	const char *ca;		 /**< PEM: whose certificates are taken.  Of several, one that issued another one in the
				  * file is not trusted itself: of an issuing CA and its root, the issuing CA alone. */
	bool http;		 /**< HTTP is spoken: ALPN http/1.1 (RFC 7301) is offered, or chosen */
};

/** No file is read yet. @return NULL when out of memory. */
struct tls_files *tls_files_new(const struct tls_files_settings *settings, struct vmp_msg *msg);
/** NULL is safe.  Connections that exist go on. */
void tls_files_free(struct tls_files *files);

/** Read the files.  When one is not good, what was loaded before stays.  Connections that exist go on as they are.
 * @return VMP_OK; VMP_ENOENT: a file is not there; VMP_EINVAL with the file and what is wrong with it: no certificate,
 * one that has ended or is not for this role, a key that does not fit or that others may read; VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int tls_files_load(struct tls_files *files, struct vmp_msg *msg);
/** Has a tls_files_load() succeeded? */
bool tls_files_ready(const struct tls_files *files);

/** A new SSL in its role's state (accept or connect), as bufferevent_openssl wants it; the caller owns it.
 * @return NULL: nothing is loaded yet, or out of memory. */
struct ssl_st *tls_files_ssl(const struct tls_files *files);
/** The same, in the form of struct http_site's new_ssl. @param files  a struct tls_files. */
struct ssl_st *tls_files_new_ssl(void *files);

#endif
