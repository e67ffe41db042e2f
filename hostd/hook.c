/* libvirt's hook for QEMU (libvirt.org/hooks.html): which of its calls matter. */
#include "control.h"
#include "domain_xml.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"

#include <string.h>

struct call {
	const struct guest_info *info;
	hook_fn done;
	void *ctx;
};

/* The first call at a migration's destination: what comes is not starting. */
static void arriving(const struct call *call)
{
	guest_present(call->info, GUEST_INCOMING);
	call->done(call->ctx, VMP_OK, "");
}

static void starting(const struct call *call)
{
	guest_prepare(call->info, call->done, call->ctx);
}

/* Also after every regular end, of which the events tell. */
static void released(const struct call *call)
{
	const struct guest *guest = guest_find(call->info->uuid);

	if (guest && guest->incoming)
		guest_gone(GUEST_LIBVIRT, call->info->uuid, GUEST_LEFT);
	else
		guest_release(call->info->uuid);
	call->done(call->ctx, VMP_OK, "");
}

static const struct {
	const char *operation, *sub;
	void (*run)(const struct call *call);
} calls[] = {
	{ "migrate", "begin", arriving },
	{ "prepare", "begin", starting },
	{ "release", "end", released },
};

void hook_take(const char *object, const char *operation, const char *sub, const char *xml, size_t len, hook_fn done,
	       void *ctx)
{
	struct guest_info info;
	struct call call = { .info = &info, .done = done, .ctx = ctx };
	struct vmp_msg msg = { "" };
	int err;
	size_t i;

	metrics.hooks++;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].operation, operation) == 0 && strcmp(calls[i].sub, sub) == 0)
			break;
	}
	if (i == sizeof(calls) / sizeof(calls[0])) {
		done(ctx, VMP_OK, "");
		return;
	}
	memset(&info, 0, sizeof(info));
	err = domain_xml_read(xml, len, loop.config->cidata_directory, &info, &msg);
	if (err == VMP_OK) {
		calls[i].run(&call);
		return;
	}
	/* No reason to keep a guest from starting. */
	vmp_log(VMP_LOG_WARNING, "hook-unreadable", "guest", object, "operation", operation, "why", msg.text, NULL);
	done(ctx, VMP_OK, "");
}
