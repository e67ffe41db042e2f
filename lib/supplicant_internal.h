/** What the supplicant's files share: the PAE's instance, and the EAP peer of one conversation; nobody else includes
 * it.
 */
#ifndef VMP_SUPPLICANT_INTERNAL_H
#define VMP_SUPPLICANT_INTERNAL_H

#include "supplicant.h"

#define VMP_NOTICE_MAX	 80  /**< [octets] kept of an EAP-Notification */
#define VMP_WHY_MAX	 160 /**< [octets] with the NUL */
#define VMP_IDENTITY_MAX 253 /**< [octets] RADIUS carries no longer User-Name */
#define VMP_NEVER	 UINT64_MAX

/** RFC 4137 4.2, methodState.  CONT is missing: a server may give up at any time, and its Failure must be heard. */
enum vmp_method_state { METHOD_NONE, METHOD_INIT, METHOD_MAY_CONT, METHOD_DONE };

/** RFC 4137 4.2, decision.  UNCOND_SUCC is missing: after the method the RADIUS server may still refuse (it authorizes
 * last), and the port is then closed whatever the method proved. */
enum vmp_decision { DECISION_FAIL, DECISION_COND_SUCC };

/** Where RECEIVED leads to (RFC 4137 figure 3). */
enum vmp_eap_state {
	EAP_DISCARD,
	EAP_SUCCESS,
	EAP_FAILURE,
	EAP_UNPROVED, /**< a Success after a TLS session was resumed, and nothing that protects it */
	EAP_RETRANSMIT,
	EAP_NOTIFICATION,
	EAP_IDENTITY,
	EAP_GET_METHOD,
	EAP_METHOD
};

/** An EAP peer; exists from the first request to the end of authentication. */
struct vmp_eap_peer {
	enum vmp_method_state method_state;
	enum vmp_decision decision;
	bool allow_notifications;
	uint8_t selected; /**< selectedMethod */
	uint8_t refused;  /**< the method that got a Nak last */
	bool failed;	  /**< we refuse the server */
	bool group;	  /**< it speaks to the group: what came may have been meant for another */
	bool ours;	  /**< it answers our EAPOL-Start */
	bool offered;	  /**< the kept TLS session was offered to it */
	uint16_t rounds;  /**< requests answered */
	uint8_t past_id;  /**< of the request before the last ... */
	uint64_t past;	  /**< ... and its hash; 0: none */
	struct vmp_eap_tls *tls;
	size_t len; /**< [octets] of response; 0: none yet */
	uint8_t response[VMP_EAP_MAX];
};

struct vmp_supplicant {
	const struct vmp_supplicant_params *params;
	const struct vmp_supplicant_ops *ops;
	void *ctx;
	struct vmp_eap_peer *peer; /**< NULL at rest */
	uint8_t *session;	   /**< TLS session for the next time; NULL: none */
	uint16_t session_len;

	uint8_t request_id;    /**< of the last request that was answered ... */
	uint64_t request_hash; /**< ... and what it said, to know it again; 0: none */

	uint8_t state;	/**< enum vmp_pae_state */
	uint8_t method; /**< of the last success */
	bool authorized, silent, resumed;
	bool no_session;      /**< the server does not end what it resumes as it should: keep none */
	uint32_t start_count; /**< startCount */
	uint32_t starts, failures;
	uint64_t when;	     /**< [ms] the state's timer: startWhen, authWhile, heldWhile or next_start */
	uint64_t next_start; /**< [ms] EAPOL-Start of our own while AUTHENTICATED */
	uint64_t last_start; /**< [ms] */
	uint64_t authorized_at;
	char notice[VMP_NOTICE_MAX + 1];
	char why[VMP_WHY_MAX];
	char identity[]; /**< with its NUL */
};

_Static_assert(sizeof(struct vmp_supplicant) + VMP_IDENTITY_MAX + 1 + VMP_TLS_SESSION_MAX <= 4096,
	       "an instance takes under 4 KiB at rest");

/** @return a conversation's EAP peer (INITIALIZE); NULL when out of memory. */
struct vmp_eap_peer *vmp_eap_peer_new(void);
void vmp_eap_peer_free(struct vmp_eap_peer *peer);
/** RECEIVED: where a packet leads.  With no conversation, as after INITIALIZE. @param group  sent to the group. */
enum vmp_eap_state vmp_eap_peer_received(const struct vmp_supplicant *s, const struct vmp_eap *eap, bool group);
/** Answer a request, whose state is known: peer->response. @return false: it is discarded after all. */
bool vmp_eap_peer_answer(struct vmp_supplicant *s, struct vmp_eap_peer *peer, enum vmp_eap_state state,
			 const struct vmp_eap *eap);
/** Keep the TLS session of a conversation that succeeded, or forget the one that was offered to one that did not. */
void vmp_eap_peer_keep_session(struct vmp_supplicant *s, const struct vmp_eap_peer *peer);
void vmp_eap_peer_drop_session(struct vmp_supplicant *s);
/** How far it got, for a person: "after EAP-TLS". */
const char *vmp_eap_peer_stage(const struct vmp_eap_peer *peer);

#endif
