/* A line that comes over hostd's control socket: one answer each, and nothing is done that was not asked. */
#include "control.h"
#include "domain_xml.h"
#include "identity.h"
#include "log.h"
#include "loop.h"
#include "order.h"
#include "uplink.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- a host with one guest, whose port's state is of no interest ---------------------------------- */
static struct config config;
struct loop loop = { .config = &config };

static struct nic nic = { .mac = 0x525400aabbcc };
static struct guest guest = { .info = { .uuid = "11111111-2222-4333-8444-555555555501",
					.name = "web1",
					.nic = { { .mac = 0x525400aabbcc } },
					.n_nic = 1 },
			      .nic = { &nic } };
static unsigned started, ended, answers;

struct guest *guest_first(void)
{
	return &guest;
}

struct guest *guest_find(const char *what)
{
	return strcmp(what, guest.info.name) == 0 || strcmp(what, guest.info.uuid) == 0 ? &guest : NULL;
}

void guest_present(const struct guest_info *info, enum guest_arrival how)
{
	(void)info;
	if (how != GUEST_INCOMING)
		abort();
}

void guest_gone(enum guest_source source, const char *uuid, enum guest_departure how)
{
	(void)source;
	(void)uuid;
	(void)how;
}

void guest_prepare(const struct guest_info *info, guest_prepared_fn done, void *ctx)
{
	(void)info;
	done(ctx, VMP_EACCES, "host hv1: not for you");
}

void guest_release(const char *uuid)
{
	(void)uuid;
}

int domain_xml_read(const char *xml, size_t len, const char *directory, struct guest_info *out, struct vmp_msg *msg)
{
	(void)directory;
	*out = guest.info;
	return len && *xml == '<' ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "no domain");
}

void nic_start(struct nic *which, enum nic_urgency urgency)
{
	(void)urgency;
	started += which == &nic;
}

void nic_logoff(struct nic *which)
{
	ended += which == &nic;
}

struct uplink *uplink_at(int i)
{
	(void)i;
	return NULL;
}

int identity_enrol(const char *token, struct vmp_msg *msg)
{
	return *token == 'x' ? vmp_fail(msg, VMP_EACCES, "no token") : VMP_OK;
}

json_t *view_guest(const struct guest *which)
{
	return json_pack("{s:s}", "name", which->info.name);
}

json_t *view_status(void)
{
	return json_object();
}

/* -- the line ----------------------------------------------------------------------------------------------- */
static void done(void *ctx, json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	(void)ctx;
	answers++;
	if (!json_is_object(answer) || (error && !*json_string_value(error)))
		abort();
	json_decref(answer);
}

static bool says(const uint8_t *data, size_t size, const char *word)
{
	return memmem(data, size, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vmp_log_setup("fuzz", VMP_LOG_ERROR);
	started = ended = answers = 0;
	order_take((const char *)data, size, 0, done, NULL);
	if (answers != 1 || (started && ended))
		abort();
	/* A word may be written with escapes. */
	if (!says(data, size, "\\u") &&
	    ((started && !says(data, size, "reauth")) || (ended && !says(data, size, "logoff"))))
		abort();
	return 0;
}
