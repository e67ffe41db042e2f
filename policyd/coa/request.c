#include "request.h"

#include <string.h>

bool request_may_be_coa(const struct job *job, const struct dialect *dialect)
{
	if (job->mode == VMP_NAS_AS_DIALECT)
		return dialect->change == DIALECT_COA;
	return job->mode == VMP_NAS_COA && dialect->n_coa > 0;
}

static bool takes_nothing(const struct job *job, const struct dialect *dialect)
{
	return job->mode == VMP_NAS_NONE || (job->mode == VMP_NAS_AS_DIALECT && dialect->change == DIALECT_NONE);
}

/* @return the attributes that were added, bits. */
static unsigned identify(const struct job *job, const struct dialect *dialect, struct request *out)
{
	unsigned known = 0;
	int i;

	for (i = 0; i < JOB_ATTRS; i++) {
		if (!(dialect->identify & 1u << i) || !job->session[i])
			continue;
		known |= 1u << i;
		out->attr[out->n++] = (struct packet_attr){ job_attr_name((enum job_attr)i), job->session[i] };
	}
	return known;
}

/* Only what is known of both can tell them apart. */
static bool tells_apart(const struct job *job, unsigned sent)
{
	int i;

	for (i = 0; i < JOB_ATTRS; i++) {
		if (sent & 1u << i && job->beside[i] && strcmp(job->session[i], job->beside[i]) != 0)
			return true;
	}
	return false;
}

static enum coa_outcome nothing(enum coa_outcome outcome, struct vmp_msg *msg, const char *why)
{
	vmp_fail(msg, VMP_EINVAL, "%s", why);
	return outcome;
}

enum coa_outcome request_make(const struct job *job, const struct dialect *dialect, enum vmp_coa_action action,
			      struct request *out, struct vmp_msg *msg)
{
	bool coa = action == VMP_COA_REAUTHENTICATE && request_may_be_coa(job, dialect);
	const struct packet_attr *more = coa ? dialect->coa : dialect->disconnect;
	size_t n = coa ? dialect->n_coa : dialect->n_disconnect;
	unsigned sent;

	out->code = coa ? PACKET_COA : PACKET_DISCONNECT;
	out->n = 0;
	if (takes_nothing(job, dialect))
		return nothing(COA_UNABLE, msg, "NAS takes no CoA or Disconnect");
	sent = identify(job, dialect, out);
	if (!(sent & JOB_NAMES_GUEST))
		return nothing(COA_UNABLE, msg, "nothing that the NAS knows the session by is known");
	if (job->has_beside && !tells_apart(job, sent))
		return nothing(COA_GONE, msg, "left to the NAS: nothing tells the session from the one that lasts");
	memcpy(&out->attr[out->n], more, n * sizeof(*more));
	out->n += n;
	return 0;
}
