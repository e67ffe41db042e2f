/** JSON bodies of requests, into messages.  No I/O: fuzzed. */
#ifndef BODY_H
#define BODY_H

#include "message.h"

/** [octets] */
#define BODY_MAX 32768

/** {"mac", "template", "name"}: name may be left out. @return VMP_OK; VMP_EINVAL with the reason, for another or a
 * missing member too. */
VMP_CHECKED int body_start(const char *text, size_t len, struct message *m, struct vmp_msg *msg);
/** {"wireguard_key", "endpoint"} */
VMP_CHECKED int body_self(const char *text, size_t len, struct message *m, struct vmp_msg *msg);
/** {"epoch"} */
VMP_CHECKED int body_ack(const char *text, size_t len, struct message *m, struct vmp_msg *msg);
/** {"product", "request_id", "seen", "has", "in_use", "wants", "least", "started", "stopped", "all", "elsewhere"}: the
 * first, second and sixth alone have to be there.  m->lease.uuids is good until the next call. */
VMP_CHECKED int body_lease(const char *text, size_t len, struct message *m, struct vmp_msg *msg);
/** {} or nothing */
VMP_CHECKED int body_none(const char *text, size_t len, struct vmp_msg *msg);

#endif
