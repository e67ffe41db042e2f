/** Connections as bufferevents: TLS with who comes and with the next relay, TCP with targets.  OpenSSL stays behind
 * this header.
 *
 * Each takes over the descriptor, also when it fails and returns NULL: out of memory, or there is no certificate yet.
 */
#ifndef STREAM_H
#define STREAM_H

#include "connect.h"
#include "service.h"

#include <event2/bufferevent.h>

/** [octets] of what is kept in either direction of a connection at most, but for a TLS record. */
#define STREAM_ROOM 65536

struct tls_files;

struct bufferevent *stream_accept(int fd);
/** To the next relay; stream_check() follows when the handshake is over. */
struct bufferevent *stream_next(int fd);
/** To a syslog server. */
struct bufferevent *stream_syslog(int fd, const struct service *service);
struct bufferevent *stream_tcp(int fd);

/** Has the next relay, or the syslog server, the name that it must have? @param service  NULL: the next relay. */
VMP_CHECKED int stream_check(struct bufferevent *bev, const struct service *service, struct vmp_msg *why);

/** Who comes; false: no certificate. */
bool stream_peer(struct bufferevent *bev, struct tls_peer *out);
/** What our own certificate calls us: its UUID, else its CN. @return VMP_OK; VMP_ENOENT: neither could stand in Via. */
VMP_CHECKED int stream_own_id(const struct tls_files *files, char out[CONNECT_ID]);

/** What has ended the connection, in words. @param what  as the event callback has it. */
const char *stream_why(struct bufferevent *bev, short what, struct vmp_msg *out);

/** Tell the other end that nothing more comes from us; everything written must have gone. What it sends still comes.
 * @return false: not yet possible, to be asked again. */
bool stream_end(struct bufferevent *bev);

#endif
