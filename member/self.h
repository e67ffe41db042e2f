/** This machine's own entry in the directory: PUT /v1/self. */
#ifndef SELF_H
#define SELF_H

#include "http_client.h"
#include "prefix.h"
#include "wg.h"

struct self_answer {
	char id[37];
	uint8_t uuid[VMP_COI_ID];
	char name[129];
	struct prefix inner6, inner4;		/**< inner4.family 0: none */
	struct prefix inner6_site, inner4_site; /**< prefixes of all machines: what is routed inside; family 0: none */
	bool gateway, remote;
};
/** @return VMP_OK; VMP_EINVAL with what is wrong: also an address outside of its prefix.  Members that are not known
 * are left alone. */
VMP_CHECKED int self_read(const char *text, size_t len, struct self_answer *out, struct vmp_msg *msg);

struct self;
struct self_settings {
	struct http_client *client; /**< freed after it */
	const char *certificate, *key;
	/** err VMP_OK: answer is whole; VMP_EACCES, VMP_ENOENT: refused, VMP_EINVAL: a key or an endpoint that policyd
	 * does not take, VMP_EIO: not reached, or what came makes no sense; and why.  Tried again by itself, after
	 * VMP_OK only with self_put().  self_free() may be called from here. */
	void (*done)(void *ctx, int err, const struct self_answer *answer, const char *why);
	void *ctx;
};
VMP_CHECKED int self_new(struct event_base *base, const struct self_settings *settings, struct self **out,
			 struct vmp_msg *msg);
/** In place of one that is on its way. @param endpoint  "192.0.2.1:51820", "" for a machine that others cannot reach.
 * @return VMP_OK: done() will be called, not before this returns; VMP_EINVAL: an endpoint that is too long. */
VMP_CHECKED int self_put(struct self *self, const uint8_t public_key[VMP_COI_SECRET], const char *endpoint,
			 struct vmp_msg *msg);
void self_free(struct self *self);

#endif
