/** A job as M_COA's blob says it: which NAS, and how the session is known there.
 *
 *	{"nas": {"name": "leaf1", "address": "192.0.2.1", "port": 0, "dialect": "cisco", "mode": 0, "rate": 0},
 *	 "session": {"User-Name": "...", "Calling-Station-Id": "...", ...},
 *	 "beside": {the same of a session of the guest that lasts on this NAS}}
 *
 * All of nas are needed; session has those attributes of enum job_attr that are known, as text; beside may be left out.
 */
#ifndef COA_JOB_H
#define COA_JOB_H

#include "policy.h"

/** What can identify a session, in the order in which it is sent. */
enum job_attr {
	JOB_USER_NAME,
	JOB_CALLING_STATION_ID,
	JOB_ACCT_SESSION_ID,
	JOB_FRAMED_IP_ADDRESS,
	JOB_NAS_PORT,
	JOB_NAS_PORT_ID,
	JOB_NAS_IP_ADDRESS,
	JOB_NAS_IPV6_ADDRESS,
	JOB_NAS_IDENTIFIER,
	JOB_ATTRS
};

/** Those that name the guest, bits; the others name a port or the NAS, where others are as well: no request goes out
 * with these alone. */
#define JOB_NAMES_GUEST                                                                                                \
	(1u << JOB_USER_NAME | 1u << JOB_CALLING_STATION_ID | 1u << JOB_ACCT_SESSION_ID | 1u << JOB_FRAMED_IP_ADDRESS)

struct job {
	const char *nas; /**< its name; "" */
	struct vmp_addr address;
	uint16_t port;			/**< 0: the dialect's */
	const char *dialect;		/**< "": rfc */
	int mode;			/**< as struct vmp_nas.coa */
	uint32_t rate;			/**< [1/s] 0: policyd's */
	const char *session[JOB_ATTRS]; /**< NULL: not known */
	bool has_beside;
	const char *beside[JOB_ATTRS];
	struct json_t *json; /**< owns the texts */
};

/** The attribute's dictionary name. */
const char *job_attr_name(enum job_attr attr);
/** @return JOB_ATTRS for a name that is none of them. */
enum job_attr job_attr_find(const char *name);

/** @param out  to be cleared. @return VMP_OK, VMP_EINVAL. */
VMP_CHECKED int job_parse(const void *blob, size_t len, struct job *out, struct vmp_msg *msg);
void job_clear(struct job *job);

#endif
