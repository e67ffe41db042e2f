/** The host's certificate, and what EAP-TLS makes of it. */
#ifndef IDENTITY_TLS_H
#define IDENTITY_TLS_H

#include "config.h"
#include "eap_tls.h"
#include "identity.h"

/** identity_init() with the configuration's settings and loop.policyd. */
VMP_CHECKED int identity_tls_init(struct vmp_msg *msg);
void identity_tls_free(void);
/** For EAP-TLS; borrowed.  NULL: none yet. */
struct vmp_tls_identity *identity_tls(void);

/** For hostd -t: the CAs' files, and with [identity] enrol = no the pair. */
VMP_CHECKED int identity_tls_check(const struct config *config, struct vmp_msg *msg);

#endif
