/** The join bundle, by which a machine joins: who it is, where policyd is, and a token that is good once
 * (docs/PROTOCOL.md, "Hosts: starting, stopped, notices").  No I/O: the reader is fuzzed. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "identity_token.h"
#include "inifile.h"
#include "lease.h"
#include "pki.h"

#define BUNDLE_MAX   65536 /**< [octets] of JSON */
#define BUNDLE_CA    32768 /**< [octets] of PEM */
#define BUNDLE_HOST  254   /**< [octets] a DNS name or an address, and its NUL */
#define BUNDLE_LABEL 65	   /**< [octets] a template's name and its NUL */
#define BUNDLE_NAME  129   /**< [octets] a machine's name and its NUL */
#define BUNDLE_USED  4
#define BUNDLE_MARK  (2 * VMP_DIGEST + 1) /**< [octets] a token's SHA-256 in hexadecimal, and its NUL */

struct bundle {
	char uuid[VMP_UUID_TEXT];
	char name[BUNDLE_NAME];		     /**< for people */
	char label[BUNDLE_LABEL];	     /**< the template's name */
	char policyd[VMP_INI_TEXT];	     /**< https://... */
	char gateway[BUNDLE_HOST];	     /**< of the enclave; "": none */
	char product[VMP_PRODUCT];	     /**< that a licence is needed of; "": none */
	char *ca;			     /**< PEM; the bundle's */
	char token[IDENTITY_TOKEN];	     /**< "": none any more; secret */
	char used[BUNDLE_USED][BUNDLE_MARK]; /**< marks of tokens that have been tried, newest first; "" ends */
};

/** Read it as policyd gives it, or as bundle_write() has written it.  Members that are not known are ignored: a newer
 * policyd may tell more.
 * @param out  zeroed at first; to be cleared in any case.
 * @return VMP_OK; VMP_EINVAL with the first thing that is wrong; VMP_ENOMEM. */
VMP_CHECKED int bundle_read(const char *text, size_t len, struct bundle *out, struct vmp_msg *msg);
/** As JSON, for this machine's own folder. @param out  malloc'd; wiped by the caller if there is a token. */
VMP_CHECKED int bundle_write(const struct bundle *bundle, char **out, struct vmp_msg *msg);
/** Wipes. */
void bundle_clear(struct bundle *bundle);

/** Do both name one machine, and trust one CA? */
bool bundle_is_same(const struct bundle *a, const struct bundle *b);
/** Has this one's token been tried, as far as the other one knows?  True also without a token. */
bool bundle_is_used(const struct bundle *found, const struct bundle *own);
/** The token has been tried: wipe it, and mark it. */
void bundle_use(struct bundle *bundle);

#endif
