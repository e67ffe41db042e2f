/** The body of a VM's lease request, and of its answer.  No I/O: the former is fuzzed. */
#ifndef VM_REQUEST_H
#define VM_REQUEST_H

#include "broker.h"

#define VM_REQUEST_MAX 2048 /**< [octets] */
#define VM_ANSWER_MAX  1536 /**< [octets], and a NUL */

/** {"product", "request_id", "seen", "has", "in_use", "wants", "least"}: all but product, request_id and wants may be
 * left out.
 * @param out  all but uuid. @return VMP_OK; VMP_EINVAL with the reason, for another member too. */
VMP_CHECKED int vm_request_read(const char *text, size_t len, struct broker_ask *out, struct vmp_msg *msg);

/** The answer as JSON. @return its length. */
size_t vm_answer_write(const struct broker_ask *ask, const struct broker_answer *answer, char out[VM_ANSWER_MAX]);
/** Whether it is a refusal or stale, for HTTP: 409 instead of 200. */
bool vm_answer_is_conflict(const struct broker_ask *ask, const struct broker_answer *answer);

#endif
