/** The host's certificate: enrolled with policyd by EST (RFC 7030), renewed, and what EAP-TLS goes by. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "eap_tls.h"
#include "pki_pair.h"

#include <stdint.h>

/** Load what is there; enrol with the token of [policyd] token_file if nothing is, renew when two thirds of its life
 * are over.
 *
 * A new key is on the disk before it is asked for, and the old certificate stays until the new one has come: killed at
 * any instant, the host has one that is good.  Retries for as long as it takes, with a growing pause. */
VMP_CHECKED int identity_init(struct vmp_msg *msg);
void identity_free(void);
/** For EAP-TLS; borrowed.  NULL: none yet. */
struct vmp_tls_identity *identity_tls(void);
/** For requests to policyd: is there a client certificate that has not ended? */
bool identity_is_there(void);
/** Enrol with this token, now (vmprov-hostctl enrol); copied.  A certificate that is there is replaced when it has
 * come. */
VMP_CHECKED int identity_enrol(const char *token, struct vmp_msg *msg);
/** Called whenever there is a new one; up to four may ask for it. */
void identity_changed(void (*tell)(void));

struct identity_status {
	bool there;
	char name[254]; /**< the certificate's DNS name, or its CN */
	char serial[VMP_PAIR_SERIAL];
	int64_t not_after; /**< [s] since 1970; 0: none */
	int64_t renew_at;  /**< [s]; 0: not known */
	const char *error; /**< the last attempt's; "" */
};
void identity_status(struct identity_status *out);

/** For hostd -t: the CAs' files, and with [identity] enrol = no the pair. */
struct config;
VMP_CHECKED int identity_check(const struct config *config, struct vmp_msg *msg);

#endif
