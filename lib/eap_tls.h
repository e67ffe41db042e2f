/** EAP-TLS, the peer's side (RFC 5216; with TLS 1.3, RFC 9190), without I/O. */
#ifndef VMP_EAP_TLS_H
#define VMP_EAP_TLS_H

#include "eap.h"

#include <stdbool.h>

#define VMP_EAP_TLS_MESSAGE_MAX 65536 /**< [octets] of a message from the server, all its fragments together */
#define VMP_EAP_TLS_FRAGMENT_MAX                                                                                       \
	1390			 /**< [octets] of TLS data in one response: EAPOL over a 1500-octet MTU, with room */
#define VMP_TLS_SESSION_MAX 2560 /**< [octets] a session that would take more is not kept */

/** What all guests of a host authenticate with, and whom they trust.  Shared, and counted, by one thread. */
struct vmp_tls_identity;

struct vmp_tls_files {
	const char *certificate; /**< PEM: the host's, and what stands between it and the CA */
	const char *key;	 /**< PEM; whoever else may read it makes it unusable */
	const char *ca;		 /**< PEM: of the authentication server */
	const char *server_name; /**< DNS name in its certificate (RFC 6125); NULL or empty: any of that CA's */
	bool tls12, tls13;	 /**< versions that may be spoken; one at least */
	bool resumption;	 /**< RFC 5216 2.1.2, RFC 9190 2.1.3 */
};

/** @return VMP_OK with one reference in *out; VMP_EINVAL with the file and what is wrong with it: no certificate, one
 * that the key does not fit, a key that others may read, a certificate that has ended; VMP_ENOENT, VMP_EIO. */
VMP_CHECKED int vmp_tls_identity_new(const struct vmp_tls_files *files, struct vmp_tls_identity **out,
				     struct vmp_msg *msg);
struct vmp_tls_identity *vmp_tls_identity_ref(struct vmp_tls_identity *identity);
/** Give back a reference; NULL is safe.  Conversations hold their own. */
void vmp_tls_identity_free(struct vmp_tls_identity *identity);

/** One conversation: exists from EAP-TLS Start to the end of authentication. */
struct vmp_eap_tls;

/** What became of a request. */
enum vmp_eap_tls_result {
	VMP_EAP_TLS_DISCARD, /**< it makes no sense here: say nothing, stay (RFC 4137 methodState CONT, ignore) */
	VMP_EAP_TLS_RESPOND, /**< send out */
	VMP_EAP_TLS_DONE,  /**< send out; the server is authenticated and has all it needs: a Success may be believed */
	VMP_EAP_TLS_FAILED /**< send out, an alert or an empty answer; only a Failure can follow */
};

/** @param session  what vmp_eap_tls_session() gave before, len octets, or NULL.  One that is of no use is ignored.
 * @return NULL when out of memory. */
struct vmp_eap_tls *vmp_eap_tls_new(struct vmp_tls_identity *identity, const uint8_t *session, size_t len);
void vmp_eap_tls_free(struct vmp_eap_tls *tls);

/** Take the type-data of a request: flags, and a fragment; give that of the response.
 *
 * Fragments of the server are collected and acknowledged (RFC 5216 2.1.5), our own are sent one by one as it
 * acknowledges them.  What does not fit (a length that changes or that the fragments do not keep to, a fragment without
 * data, data within an acknowledgment, a Start that comes again) is answered by DISCARD and changes nothing: it may be
 * another guest's.  A message of more than VMP_EAP_TLS_MESSAGE_MAX is answered by FAILED.  Reserved flags are ignored
 * (3.1).  With TLS 1.3, DONE comes only with the server's protected success indication (RFC 9190 2.1.1).
 * After DONE the server may still send tickets: DONE again.  After FAILED all that follows is answered by FAILED.
 *
 * @param out  VMP_EAP_MAX - VMP_EAP_HEADER - 1 octets. @param out_len  set unless DISCARD.
 * The caller sees to identifiers and duplicates. */
enum vmp_eap_tls_result vmp_eap_tls_request(struct vmp_eap_tls *tls, const uint8_t *data, size_t len, uint8_t *out,
					    size_t *out_len);

/** After DONE: the session, for the next time: a secret, to be wiped.  It holds for this identity alone, and until the
 * first of the server's certificates ends; the server's certificate is not in it. @param out  VMP_TLS_SESSION_MAX
 * octets.
 * @return its length; 0: none, resumption off, or too long. */
size_t vmp_eap_tls_session(const struct vmp_eap_tls *tls, uint8_t *out);
/** Whether this one was resumed. */
bool vmp_eap_tls_resumed(const struct vmp_eap_tls *tls);
/** "TLSv1.3"; "" before it is known. */
const char *vmp_eap_tls_version(const struct vmp_eap_tls *tls);
/** After FAILED: one line for a person: whose certificate, why, or which alert came.  After DISCARD: what was wrong. */
const char *vmp_eap_tls_why(const struct vmp_eap_tls *tls);

#endif
