/** This machine's licence, while its template names a product: asked for, renewed, given back. */
#ifndef LICENCE_H
#define LICENCE_H

#include "holder.h"
#include "http_client.h"

/** Borrowed until licence_free(). */
struct licence_settings {
	struct http_client *client; /**< to the gateway's broker, or to policyd where there is no gateway */
	const char *product;
	const char *certificate, *key; /**< files */
	/** There is one, or none any more. */
	void (*changed)(void);
};

/** Without it, no licence is needed.  Nothing is asked before licence_hurry(). */
VMP_CHECKED int licence_init(struct event_base *base, const struct licence_settings *settings, struct vmp_msg *msg);
void licence_free(void);
/** May the machine talk: has it a licence, in its life or grace, or needs none? */
bool licence_permits(void);
/** Why not; NULL: it may, and is not in its grace. */
const char *licence_trouble(void);
/** There is a certificate to ask with, or somebody wants to know. */
void licence_hurry(void);
/** Give it back, if there is one. @param released  called when that is done, or nobody could be told for two seconds;
 * perhaps before this returns. */
void licence_release(void (*released)(void));
/** @return NULL: none is needed. */
const struct holder *licence_holder(void);

#endif
