/* A job's JSON, and what would be sent for it: never a request that names a port or a NAS alone. */
#include "coa/request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect dialect = { .identify = (1u << JOB_ATTRS) - 1,
					.change = DIALECT_COA,
					.n_coa = 1,
					.coa = { { "Service-Type", "Call-Check" } } };

static bool names_guest(const struct request *request)
{
	size_t i;

	for (i = 0; i < request->n; i++) {
		enum job_attr attr = job_attr_find(request->attr[i].name);

		if (attr < JOB_ATTRS && JOB_NAMES_GUEST & 1u << attr)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request;
	struct job job;

	if (job_parse(data, size, &job, NULL) != VMP_OK)
		return 0;
	if (!request_make(&job, &dialect, VMP_COA_REAUTHENTICATE, &request, NULL) && !names_guest(&request))
		abort();
	job_clear(&job);
	return 0;
}
