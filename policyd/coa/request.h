/** What is sent for a job, by the NAS's dialect. */
#ifndef COA_REQUEST_H
#define COA_REQUEST_H

#include "dialect.h"
#include "message.h"

#define REQUEST_ATTRS (JOB_ATTRS + DIALECT_ATTRS)

/** Attributes are borrowed from the job and the dialect. */
struct request {
	enum packet_code code;
	size_t n;
	struct packet_attr attr[REQUEST_ATTRS];
};

/** Is this job's change to be a CoA?  Else it is a Disconnect. */
bool request_may_be_coa(const struct job *job, const struct dialect *dialect);

/** Choose code and attributes.
 * @param action  what is still to be done; a CoA that the NAS cannot do becomes a Disconnect.
 * @return 0; COA_UNABLE or COA_GONE when nothing is to be sent, with msg. */
enum coa_outcome request_make(const struct job *job, const struct dialect *dialect, enum vmp_coa_action action,
			      struct request *out, struct vmp_msg *msg);

#endif
