/** An 802.1X supplicant: Supplicant PAE and EAP peer, without I/O.
 *
 * Time, randomness and output come in; so a test or a fuzzer is as good a network as any.  States are those of IEEE
 * 802.1X-2004 clause 8.2.11 (Supplicant PAE; 2010 keeps them as PACP's logic) and RFC 4137 section 4.
 * One instance takes under 4 KiB at rest, a kept TLS session among it.
 */
#ifndef VMP_SUPPLICANT_H
#define VMP_SUPPLICANT_H

#include "eap_tls.h"
#include "eapol.h"

enum vmp_pae_state {
	VMP_PAE_LOGOFF,
	VMP_PAE_DISCONNECTED,
	VMP_PAE_CONNECTING,
	VMP_PAE_RESTART,
	VMP_PAE_AUTHENTICATING,
	VMP_PAE_AUTHENTICATED,
	VMP_PAE_HELD
};

/** Why the port is as it is; told by changed(). */
enum vmp_auth_event {
	VMP_AUTH_BEGAN,	    /**< the authenticator has answered: a conversation goes on */
	VMP_AUTH_SUCCEEDED, /**< EAP-Success that may be believed */
	VMP_AUTH_REJECTED,  /**< EAP-Failure; held back, and tried again later */
	VMP_AUTH_FAILED,    /**< we do not accept the server, or have no method that it wants; held back as well */
	VMP_AUTH_TIMED_OUT, /**< the conversation broke off; tried again at once, on an authorized port after
			       held_period */
	VMP_AUTH_SILENT, /**< nobody answers EAPOL-Start: a port without 802.1X, or a switch that is away.  Told once;
			    AUTHENTICATED, and CONNECTING for as long as it asks again */
	VMP_AUTH_LOGGED_OFF /**< EAPOL-Logoff was sent */
};

/** [ms] unless it says otherwise.  Shared by many; borrowed, and must outlive them. */
struct vmp_supplicant_params {
	uint8_t eapol_version;	/**< 1 to 3 */
	uint32_t start_period;	/**< startPeriod: between EAPOL-Starts */
	uint32_t max_start;	/**< maxStart [EAPOL-Starts] without an answer, then it is silent */
	uint32_t auth_period;	/**< authPeriod: longest wait for the next request */
	uint32_t held_period;	/**< heldPeriod after the first failure; doubled for each further one ... */
	uint32_t held_max;	/**< ... up to this */
	uint32_t silent_period; /**< from one EAPOL-Start to a silent switch to the next one; 0: none */
	uint32_t reauth_period; /**< from one success to the next EAPOL-Start of our own; 0: none */
	uint8_t jitter;		/**< [per cent] by which the last four are shortened at random, 0 to 50 */
	uint8_t method[2];	/**< VMP_EAP_TLS, VMP_EAP_MD5, VMP_EAP_NONE, in the order in which they are offered */
};

struct vmp_supplicant;

/** What it needs of the world.  Shared by many; borrowed. */
struct vmp_supplicant_ops {
	/** Send; body is that of an EAPOL packet of this type. */
	void (*send)(void *ctx, enum vmp_eapol_type type, const uint8_t *body, size_t len);
	/** Something came about.  May call vmp_supplicant_start() and _logoff(), not _free(). */
	void (*changed)(void *ctx, enum vmp_auth_event event);
	/** The identity that authentication goes by now; borrowed. NULL: none yet, EAP-TLS is not offered. */
	struct vmp_tls_identity *(*tls_identity)(void *ctx);
	/** EAP-MD5's password. @return its length; 0: none, EAP-MD5 is not offered.  out is wiped afterwards. */
	size_t (*password)(void *ctx, char out[128]);
	uint32_t (*random)(void *ctx);
};

/** @param identity  EAP-Response/Identity's, 1 to 253 octets; copied.
 * @return in state DISCONNECTED; NULL when out of memory. */
struct vmp_supplicant *vmp_supplicant_new(const struct vmp_supplicant_params *params,
					  const struct vmp_supplicant_ops *ops, void *ctx, const char *identity);
/** Sends nothing. */
void vmp_supplicant_free(struct vmp_supplicant *s);

/** Begin, or begin anew: EAPOL-Start now.  An authorized port stays so unless this fails.  @param now  [ms] monotonic.
 */
void vmp_supplicant_start(struct vmp_supplicant *s, uint64_t now);
/** EAPOL-Logoff, and LOGOFF until the next start.  Frames are ignored there. */
void vmp_supplicant_logoff(struct vmp_supplicant *s, uint64_t now);

/** Take a frame that was sent to this guest's address, or to the group.  Call vmp_supplicant_step() afterwards.
 *
 * Ignored: EAPOL that is not EAP, responses, requests with the identifier of the last one other than a true repetition
 * (which gets the last response again), a Success or Failure whose identifier is neither the last request's nor, for
 * authenticators that count on, the next (RFC 3748 4.2), and a Success before the method allows it (RFC 4137
 * allowNotifications, decision FAIL).
 *
 * An EAP-Request/Identity is answered in every state but DISCONNECTED and LOGOFF, and begins a conversation anew.
 * An authorized port stays so through all of it, until a Failure ends the conversation.  One out of nothing is a hint
 * only: we ask by an EAPOL-Start of our own, one in a start_period.
 *
 * To the group's address more is asked, since all on the port hear it: within a conversation a request must have the
 * next identifier, a Failure exactly the last one, and the end of an EAP-MD5 conversation that no EAPOL-Start of ours
 * began is not believed before one did.
 * @return whether it was meant for this one and taken. */
bool vmp_supplicant_receive(struct vmp_supplicant *s, const struct vmp_eapol *frame, uint64_t now);

/** Do what is due. @return when to call again, [ms] of the same clock; UINT64_MAX: never. */
uint64_t vmp_supplicant_step(struct vmp_supplicant *s, uint64_t now);

/** "AUTHENTICATED" */
const char *vmp_pae_name(enum vmp_pae_state state);
/** "succeeded" */
const char *vmp_auth_name(enum vmp_auth_event event);

/** What an operator asks. */
struct vmp_supplicant_status {
	enum vmp_pae_state state;
	bool authorized;	   /**< by a Success; silence is none */
	bool silent;		   /**< nobody has answered the last EAPOL-Starts */
	bool busy;		   /**< a conversation goes on */
	bool resumed;		   /**< the last TLS session was */
	uint8_t method;		   /**< of the last success; VMP_EAP_NONE */
	uint8_t selected;	   /**< of the conversation that goes on; VMP_EAP_NONE until the server has named one */
	uint8_t request_id;	   /**< identifier of the last request */
	uint32_t starts, failures; /**< EAPOL-Starts sent; failures in a row */
	uint64_t authorized_at;	   /**< [ms] the last success; 0: none */
	uint64_t due;		   /**< [ms] the next thing it does by itself; UINT64_MAX: none */
	const char *notice;	   /**< what the server said in an EAP-Notification, made printable; "" */
	const char *why;	   /**< the last failure's reason; "" */
};
void vmp_supplicant_status(const struct vmp_supplicant *s, struct vmp_supplicant_status *out);

/** Is this one that this supplicant waits for: the identity after its EAPOL-Start, or what follows its last response?
 *
 * For frames to the group's address.  Give one to those that expect it, or to all when none does: then the switch
 * re-authenticates somebody.  An identity does not say whose it is: so begin the next guest on such a port only when
 * the last one's server has named its method (selected), or it has come to an end. */
bool vmp_supplicant_expects(const struct vmp_supplicant *s, const struct vmp_eapol *frame);

#endif
