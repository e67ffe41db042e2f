/** The machine's certificate: enrolled with policyd by EST (RFC 7030), renewed.  One for each process. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "http_client.h"
#include "pki_pair.h"

#include <stdbool.h>
#include <stdint.h>

/** Borrowed until identity_free(). */
struct identity_settings {
	const char *certificate, *key; /**< files, beginning with a slash */
	const char *ca;		       /**< a further file whose change counts like the certificate's; NULL, "": none */
	bool enrol;		       /**< no: somebody else puts the files there */
	struct http_client *client;    /**< to policyd; NULL: none, so nothing is enrolled */
	const char *label;	       /**< of the EST path: "host", the name of the template; "": none */
	const char *token_file;	       /**< a join token for the first certificate */
	const char *owner;	       /**< for messages: "the host" */
	const char *expected; /**< for messages, where a token may come from: "a token in [policyd] token_file" */

	/** Make of the files what the program needs: called at the start if they are there, and whenever they have
	 * changed. What was made before stays in use with an error, which is logged and identity_status()'s.  NULL:
	 * nothing. */
	int (*use)(void *ctx, struct vmp_msg *msg);
	void *ctx;
};

/** Load what is there; enrol with the token of token_file if nothing is, renew when two thirds of its life are over.
 *
 * A new key is on the disk before it is asked for, and the old certificate stays until the new one has come: killed at
 * any instant, the machine has one that is good.  Retries for as long as it takes, with a growing pause.
 * @return VMP_OK; VMP_EINVAL: a name too long; VMP_ENOMEM.  The files' folder must be the process'. */
VMP_CHECKED int identity_init(struct event_base *base, const struct identity_settings *settings, struct vmp_msg *msg);
void identity_free(void);
/** For requests to policyd: is there a client certificate that has not ended? */
bool identity_is_there(void);
/** Enrol with this token, now; copied.  A certificate that is there is replaced when it has come.
 * @return VMP_OK: it goes on; VMP_EINVAL: enrol = no, no client, no token. */
VMP_CHECKED int identity_enrol(const char *token, struct vmp_msg *msg);
/** Called whenever there is a new one, or use() has taken one for the first time; up to four may ask for it. */
void identity_changed(void (*tell)(void));

struct identity_status {
	bool there;
	char name[VMP_PAIR_NAME]; /**< the certificate's DNS name, or its CN */
	char serial[VMP_PAIR_SERIAL];
	int64_t not_after;				   /**< [s] since 1970; 0: none */
	int64_t renew_at;				   /**< [s]; 0: not known */
	const char *error;				   /**< the last attempt's; "" */
	bool holds_token;				   /**< identity_enrol()'s: neither used nor refused yet */
	unsigned long long enrolments, renewals, failures; /**< since the start */
};
void identity_status(struct identity_status *out);
/** Why there is no good certificate; NULL: there is one.
 * @param in_use  one that is there, and of no use, is none. */
const char *identity_trouble(bool in_use);

/** For --test: lengths of names, and with enrol = no the pair itself. @return VMP_OK; VMP_EINVAL, VMP_ENOENT, VMP_EIO.
 */
VMP_CHECKED int identity_check(const struct identity_settings *settings, struct vmp_msg *msg);

#endif
