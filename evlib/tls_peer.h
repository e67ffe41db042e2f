/** Who is at the other end of a TLS connection: what its verified certificate says. */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "pki.h"

#define TLS_PEER_SERIAL 20 /**< [octets] RFC 5280 4.1.2.2 */
#define TLS_PEER_NAME	65 /**< ub-common-name (RFC 5280 appendix A.1) and a NUL */

struct ssl_st;

struct tls_peer {
	uint8_t serial[TLS_PEER_SERIAL]; /**< positive, big-endian, serial_len octets of it */
	size_t serial_len;
	char uuid[VMP_UUID_TEXT]; /**< of the only URI SAN urn:uuid:, in lower case; empty: none, or several */
	char name[TLS_PEER_NAME]; /**< the only CN: a MAC address in certificates of policyd; empty: none */
};

/** Read the peer's certificate, after the handshake.
 * @return false: it has none, or none that was verified; out is untouched. */
bool tls_peer_read(const struct ssl_st *ssl, struct tls_peer *out);

/** Is its serial number of the form that policyd gives: VMP_SERIAL octets, the first 1 to 127? */
bool tls_peer_is_ours(const struct tls_peer *peer);

#endif
