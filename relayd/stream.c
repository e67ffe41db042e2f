#include "stream.h"
#include "relay.h"
#include "tls_files.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- new ones ----------------------------------------------------------------------------------------------------- */

static void keep_alive(int fd)
{
	int on = 1;

	/* A peer that has vanished without a word is noticed, if late, before a long idle time is over. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static struct bufferevent *with_room(struct bufferevent *bev)
{
	if (bev)
		bufferevent_setwatermark(bev, EV_READ, 0, STREAM_ROOM);
	return bev;
}

/* @param ssl  NULL: could not be made. */
static struct bufferevent *with_tls(int fd, SSL *ssl, enum bufferevent_ssl_state state)
{
	struct bufferevent *bev = ssl ? bufferevent_openssl_socket_new(relay.base, fd, ssl, state,
								       BEV_OPT_CLOSE_ON_FREE)
				      : NULL;

	if (bev) {
		/* A truncation is seen by those who talk TLS inside, and by frames that are not whole. */
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
		keep_alive(fd);
		return with_room(bev);
	}
	SSL_free(ssl);
	close(fd);
	return NULL;
}

struct bufferevent *stream_accept(int fd)
{
	return with_tls(fd, tls_files_ssl(relay.server), BUFFEREVENT_SSL_ACCEPTING);
}

struct bufferevent *stream_next(int fd)
{
	return with_tls(fd, tls_files_ssl(relay.client), BUFFEREVENT_SSL_CONNECTING);
}

/* The target's host is to be in its certificate (RFC 5425 section 5.2), unless another name is configured. */
static bool expect_host(SSL *ssl, const char *host)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool has_name(const struct peers_name *name)
{
	return *name->uuid || name->mac;
}

struct bufferevent *stream_syslog(int fd, const struct service *service)
{
	SSL *ssl = tls_files_ssl(service->tls);
	char host[AUTHORITY_HOST];
	uint16_t port;

	authority_split(service->config->target, host, &port);
	if (ssl && !has_name(&service->server) && !expect_host(ssl, host)) {
		SSL_free(ssl);
		ssl = NULL;
	}
	return with_tls(fd, ssl, BUFFEREVENT_SSL_CONNECTING);
}

struct bufferevent *stream_tcp(int fd)
{
	struct bufferevent *bev = bufferevent_socket_new(relay.base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (bev)
		keep_alive(fd);
	else
		close(fd);
	return with_room(bev);
}

/* -- who ---------------------------------------------------------------------------------------------------------- */

bool stream_peer(struct bufferevent *bev, struct tls_peer *out)
{
	return tls_peer_read(bufferevent_openssl_get_ssl(bev), out);
}

int stream_check(struct bufferevent *bev, const struct service *service, struct vmp_msg *why)
{
	const struct peers_name *name = service ? &service->server : &relay.next_name;
	struct tls_peer peer;

	if (!stream_peer(bev, &peer))
		return vmp_fail(why, VMP_EACCES, "the server has no certificate");
	if (has_name(name) && !peers_name_is(name, &peer))
		return vmp_fail(why, VMP_EACCES, "the server is %s%s%s, and not who is configured", peer.name,
				*peer.name && *peer.uuid ? " " : "", peer.uuid);
	return VMP_OK;
}

static bool own_uuid(X509 *cert, char out[CONNECT_ID])
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	struct vmp_peer own = { .uuid = "" };
	struct vmp_msg why;
	bool there = len > 0 && vmp_peer_read(der, (size_t)len, &own, &why) == VMP_OK && *own.uuid;

	OPENSSL_free(der);
	if (there)
		memcpy(out, own.uuid, sizeof(own.uuid));
	return there;
}

int stream_own_id(const struct tls_files *files, char out[CONNECT_ID])
{
	SSL *ssl = tls_files_ssl(files);
	X509 *cert = ssl ? SSL_get_certificate(ssl) : NULL;
	char id[CONNECT_ID];
	int len = 0;

	if (cert && own_uuid(cert, id))
		len = (int)strlen(id);
	else if (cert)
		len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, id, sizeof(id));
	SSL_free(ssl);
	if (len <= 0 || !connect_is_id(id, (size_t)len))
		return VMP_ENOENT;
	memcpy(out, id, (size_t)len + 1);
	return VMP_OK;
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

static const char *why_tls(struct bufferevent *bev, SSL *ssl)
{
	unsigned long code = bufferevent_get_openssl_error(bev);
	long verified = SSL_get_verify_result(ssl);

	if (verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	return code ? ERR_reason_error_string(code) : NULL;
}

const char *stream_why(struct bufferevent *bev, short what, struct vmp_msg *out)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	int error = EVUTIL_SOCKET_ERROR();
	const char *why = ssl ? why_tls(bev, ssl) : NULL;

	if (!why && what & BEV_EVENT_ERROR && error)
		why = evutil_socket_error_to_string(error);
	vmp_fail(out, VMP_EIO, "%s", why ? why : "the other end has ended the connection");
	return out->text;
}

static bool end_tls(SSL *ssl)
{
	int n;

	ERR_clear_error();
	n = SSL_shutdown(ssl);
	if (n < 0 && SSL_get_error(ssl, n) == SSL_ERROR_WANT_WRITE)
		return false;
	ERR_clear_error();
	return true;
}

bool stream_end(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	int fd = bufferevent_getfd(bev);

	if (ssl)
		return end_tls(ssl);
	if (fd >= 0)
		shutdown(fd, SHUT_WR);
	else
		bufferevent_flush(bev, EV_WRITE, BEV_FINISHED);
	return true;
}
