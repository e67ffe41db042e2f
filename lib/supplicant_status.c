#include "supplicant_internal.h"

const char *vmp_pae_name(enum vmp_pae_state state)
{
	static const char *const names[] = {
		[VMP_PAE_LOGOFF] = "LOGOFF",
		[VMP_PAE_DISCONNECTED] = "DISCONNECTED",
		[VMP_PAE_CONNECTING] = "CONNECTING",
		[VMP_PAE_RESTART] = "RESTART",
		[VMP_PAE_AUTHENTICATING] = "AUTHENTICATING",
		[VMP_PAE_AUTHENTICATED] = "AUTHENTICATED",
		[VMP_PAE_HELD] = "HELD",
	};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *vmp_auth_name(enum vmp_auth_event event)
{
	static const char *const names[] = {
		[VMP_AUTH_BEGAN] = "began",	      [VMP_AUTH_SUCCEEDED] = "succeeded",
		[VMP_AUTH_REJECTED] = "rejected",     [VMP_AUTH_FAILED] = "failed",
		[VMP_AUTH_TIMED_OUT] = "timed-out",   [VMP_AUTH_SILENT] = "silent",
		[VMP_AUTH_LOGGED_OFF] = "logged-off",
	};

	return (size_t)event < sizeof(names) / sizeof(names[0]) ? names[event] : "unknown";
}

void vmp_supplicant_status(const struct vmp_supplicant *s, struct vmp_supplicant_status *out)
{
	*out = (struct vmp_supplicant_status){
		.state = (enum vmp_pae_state)s->state,
		.authorized = s->authorized,
		.silent = s->silent,
		.busy = s->peer != NULL,
		.resumed = s->resumed,
		.method = s->method,
		.selected = s->peer ? s->peer->selected : VMP_EAP_NONE,
		.request_id = s->request_id,
		.starts = s->starts,
		.failures = s->failures,
		.authorized_at = s->authorized_at,
		.due = s->when,
		.notice = s->notice,
		.why = s->why,
	};
}
