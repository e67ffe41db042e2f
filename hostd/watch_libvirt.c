/* The libvirt process: a client of libvirtd that tells the guests process what domains do. */
#include "domain_xml.h"
#include "log.h"
#include "proc.h"
#include "watch.h"
#include "attach_libvirt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 30000
/* A libvirtd that is silent for 5 s is asked, and given up after three questions. */
#define KEEPALIVE_S	5
#define KEEPALIVE_COUNT 3

/* A domain that a migration brings, and that does not run here yet. */
struct incoming {
	struct incoming *next;
	char uuid[VMP_UUID_TEXT];
};

static struct {
	const struct config *config;
	virConnectPtr conn;
	int lifecycle, added, removed; /* libvirt's numbers of our callbacks; -1: none */
	int timer;
	int pause_ms;
	bool lost; /* the connection; the loop puts it away */
	struct vmp_msg why;
	int err; /* ends the loop */
	struct incoming *incoming;
} watch;

static const char *reason(void)
{
	const char *text = virGetLastErrorMessage();

	return text && *text ? text : "unknown error";
}

/* -- domains that come */
static struct incoming **find_incoming(const char *uuid)
{
	struct incoming **at = &watch.incoming;

	while (*at && strcmp((*at)->uuid, uuid) != 0)
		at = &(*at)->next;
	return at;
}

static bool is_incoming(const char *uuid)
{
	return *find_incoming(uuid) != NULL;
}

static void remember_incoming(const char *uuid)
{
	struct incoming *one = is_incoming(uuid) ? NULL : calloc(1, sizeof(*one));

	if (!one)
		return;
	memcpy(one->uuid, uuid, sizeof(one->uuid));
	one->next = watch.incoming;
	watch.incoming = one;
}

static bool forget_incoming(const char *uuid)
{
	struct incoming **at = find_incoming(uuid), *one = *at;

	if (!one)
		return false;
	*at = one->next;
	free(one);
	return true;
}

static void forget_all_incoming(void)
{
	while (watch.incoming)
		forget_incoming(watch.incoming->uuid);
}

/* -- telling: what fails there ends the process, and its successor tells everything again */
static void told(int err)
{
	if (err != VMP_OK)
		watch.err = err;
}

/* A domain that has gone by now is not told: its end follows. */
static void tell_present(virDomainPtr domain, const char *how)
{
	struct guest_info info;
	struct vmp_msg msg;
	char *xml = virDomainGetXMLDesc(domain, 0);

	if (!xml)
		return;
	if (domain_xml_read(xml, strlen(xml), watch.config->cidata_directory, &info, &msg) == VMP_OK)
		told(watch_tell_present(&info, how));
	else
		vmp_log(VMP_LOG_WARNING, "domain-unreadable", "name", virDomainGetName(domain), "why", msg.text, NULL);
	free(xml);
}

/* -- events */
static void on_started(virDomainPtr domain, const char *uuid)
{
	forget_incoming(uuid);
	tell_present(domain, "started");
}

static void on_incoming(virDomainPtr domain, const char *uuid)
{
	remember_incoming(uuid);
	tell_present(domain, "incoming");
}

/* It runs here again after a migration that was given up: the destination may have authenticated already. */
static bool has_come_back(virDomainPtr domain)
{
	int state, why;

	return virDomainGetState(domain, &state, &why, 0) == 0 && state == VIR_DOMAIN_RUNNING &&
	       why == VIR_DOMAIN_RUNNING_MIGRATION_CANCELED;
}

static void on_resumed(virDomainPtr domain, const char *uuid)
{
	if (forget_incoming(uuid) || has_come_back(domain))
		tell_present(domain, "migrated");
}

/* The end of a migration with --paused, which sends no RESUMED. */
static void on_paused(virDomainPtr domain, const char *uuid)
{
	int state, why;

	if (is_incoming(uuid) && virDomainGetState(domain, &state, &why, 0) == 0 && why == VIR_DOMAIN_PAUSED_USER) {
		forget_incoming(uuid);
		tell_present(domain, "migrated");
	}
}

static void on_left(virDomainPtr domain, const char *uuid)
{
	(void)domain;
	forget_incoming(uuid);
	told(watch_tell_gone(uuid, "left"));
}

/* One that never ran here lives on where it was. */
static void on_stopped(virDomainPtr domain, const char *uuid)
{
	(void)domain;
	told(watch_tell_gone(uuid, forget_incoming(uuid) ? "left" : "stopped"));
}

#define ANY (-1)

/* The first that fits.  All others are nothing to us: a domain that is suspended, reset, or whose guest has panicked
 * keeps its interfaces. */
static const struct {
	int event, detail;
	void (*act)(virDomainPtr domain, const char *uuid);
} lifecycle[] = {
	{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED, on_incoming },
	{ VIR_DOMAIN_EVENT_STARTED, ANY, on_started },
	{ VIR_DOMAIN_EVENT_RESUMED, ANY, on_resumed },
	{ VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, on_paused },
	{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, on_left },
	{ VIR_DOMAIN_EVENT_STOPPED, ANY, on_stopped },
};

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *ctx)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	size_t i;

	(void)conn;
	(void)ctx;
	if (virDomainGetUUIDString(domain, uuid) != 0)
		return 0;
	for (i = 0; i < sizeof(lifecycle) / sizeof(lifecycle[0]); i++) {
		if (event == lifecycle[i].event && (lifecycle[i].detail == ANY || detail == lifecycle[i].detail)) {
			lifecycle[i].act(domain, uuid);
			break;
		}
	}
	return 0;
}

/* The event names an alias alone: the XML says what there is now. */
static void on_device(virConnectPtr conn, virDomainPtr domain, const char *alias, void *ctx)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	(void)conn;
	(void)alias;
	(void)ctx;
	if (virDomainGetUUIDString(domain, uuid) == 0 && !is_incoming(uuid))
		tell_present(domain, "changed");
}

/* -- all that run */
/* Does it leave, rather than come?  libvirt has the figures of a migration at its source alone. */
static bool is_outgoing(virDomainPtr domain)
{
	virTypedParameterPtr params = NULL;
	int type, n = 0, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	bool known = virDomainGetJobStats(domain, &type, &params, &n, 0) == 0 &&
		     virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation) == 1;

	virTypedParamsFree(params, n);
	return known && operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

static const char *how_found(virDomainPtr domain, const char *uuid)
{
	int state, why;

	if (virDomainGetState(domain, &state, &why, 0) != 0 || state != VIR_DOMAIN_PAUSED)
		return "found";
	if (why == VIR_DOMAIN_PAUSED_STARTING_UP)
		return "incoming"; /* STARTED follows */
	if (why != VIR_DOMAIN_PAUSED_POSTCOPY && (why != VIR_DOMAIN_PAUSED_MIGRATION || is_outgoing(domain)))
		return "found";
	remember_incoming(uuid);
	return "incoming";
}

static void tell_found(virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) == 0)
		tell_present(domain, how_found(domain, uuid));
}

static int synchronize(void)
{
	virDomainPtr *domains = NULL;
	int i, n = virConnectListAllDomains(watch.conn, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

	if (n < 0)
		return vmp_fail(&watch.why, VMP_EIO, "%s", reason());
	forget_all_incoming();
	told(watch_tell("connected"));
	told(watch_tell("sync-begin"));
	for (i = 0; i < n; i++) {
		tell_found(domains[i]);
		virDomainFree(domains[i]);
	}
	free(domains);
	if (!watch.lost)
		told(watch_tell("sync-end"));
	return VMP_OK;
}

/* -- the connection */
static void on_close(virConnectPtr conn, int why, void *ctx)
{
	static const char *const words[] = { [VIR_CONNECT_CLOSE_REASON_ERROR] = "the connection failed",
					     [VIR_CONNECT_CLOSE_REASON_EOF] = "libvirtd closed the connection",
					     [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "libvirtd does not answer",
					     [VIR_CONNECT_CLOSE_REASON_CLIENT] = "closed" };

	(void)conn;
	(void)ctx;
	watch.lost = true;
	vmp_fail(&watch.why, VMP_EIO, "%s",
		 why >= 0 && why < (int)(sizeof(words) / sizeof(words[0])) ? words[why] : "unknown reason");
}

static int listen_to(int event, virConnectDomainEventGenericCallback callback)
{
	return virConnectDomainEventRegisterAny(watch.conn, NULL, event, callback, NULL, NULL);
}

static void stop_listening(int *callback)
{
	if (*callback >= 0)
		virConnectDomainEventDeregisterAny(watch.conn, *callback);
	*callback = -1;
}

static void close_connection(void)
{
	if (!watch.conn)
		return;
	stop_listening(&watch.lifecycle);
	stop_listening(&watch.added);
	stop_listening(&watch.removed);
	virConnectUnregisterCloseCallback(watch.conn, on_close);
	virConnectClose(watch.conn);
	watch.conn = NULL;
	virResetLastError();
}

/* Events first, then who is there: nobody is missed between.  A driver without events of devices or of its own end is
 * taken as it is. */
static int open_connection(void)
{
	const char *uri = watch.config->libvirt_uri;

	watch.conn = watch.config->attach ? virConnectOpen(uri) : virConnectOpenReadOnly(uri);
	if (!watch.conn)
		return vmp_fail(&watch.why, VMP_EIO, "%s", reason());
	(void)virConnectRegisterCloseCallback(watch.conn, on_close, NULL, NULL);
	(void)virConnectSetKeepAlive(watch.conn, KEEPALIVE_S, KEEPALIVE_COUNT);
	watch.lifecycle = listen_to(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
	if (watch.lifecycle < 0)
		return vmp_fail(&watch.why, VMP_EIO, "%s", reason());
	watch.added = listen_to(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	watch.removed = listen_to(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	return synchronize();
}

static void try_later(void)
{
	close_connection();
	told(watch_tell_disconnected(watch.why.text));
	virEventUpdateTimeout(watch.timer, watch.pause_ms);
	watch.pause_ms = watch.pause_ms * 2 < PAUSE_MAX_MS ? watch.pause_ms * 2 : PAUSE_MAX_MS;
}

static void on_timer(int timer, void *ctx)
{
	(void)ctx;
	virEventUpdateTimeout(timer, -1);
	watch.lost = false;
	if (open_connection() == VMP_OK)
		watch.pause_ms = PAUSE_MIN_MS;
	else
		watch.lost = true;
}

/* -- what the guests process asks for */
static void on_peer(int handle, int fd, int what, void *ctx)
{
	char message[1024], uuid[VMP_UUID_TEXT], path[256];
	struct vmp_msg msg;
	ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

	(void)handle;
	(void)what;
	(void)ctx;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		watch.err = VMP_EIO;
		return;
	}
	if (watch_read_attach(message, (size_t)n, uuid, path, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", "guests", "why", msg.text, NULL);
	else if (attach_volume(watch.conn, watch.config->cidata_directory, uuid, path, &msg) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "cidata-not-attached", "guest", uuid, "why", msg.text, NULL);
}

/* -- the process */
/* libvirt's library would write each error to standard error. */
static void stay_quiet(void *ctx, virErrorPtr error)
{
	(void)ctx;
	(void)error;
}

int watch_prepare(struct vmp_msg *msg)
{
	virSetErrorFunc(NULL, stay_quiet);
	if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0)
		return vmp_fail(msg, VMP_EIO, "libvirt: %s", reason());
	return VMP_OK;
}

static int run(struct vmp_msg *msg)
{
	while (watch.err == VMP_OK) {
		if (virEventRunDefaultImpl() != 0)
			return vmp_fail(msg, VMP_EIO, "libvirt: %s", reason());
		if (watch.lost) {
			watch.lost = false;
			try_later();
		}
	}
	return vmp_fail(msg, watch.err, "the guests process is not there");
}

int watch_run(const struct config *config, int peer, struct vmp_msg *msg)
{
	int handle, err;

	watch.config = config;
	watch.lifecycle = watch.added = watch.removed = -1;
	watch.pause_ms = PAUSE_MIN_MS;
	watch_tell_to(peer);
	watch.timer = virEventAddTimeout(0, on_timer, NULL, NULL);
	handle = virEventAddHandle(peer, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_peer, NULL, NULL);
	if (watch.timer < 0 || handle < 0)
		return vmp_fail(msg, VMP_ENOMEM, "libvirt: %s", reason());
	err = run(msg);
	close_connection();
	forget_all_incoming();
	virEventRemoveHandle(handle);
	virEventRemoveTimeout(watch.timer);
	return err;
}

int libvirt_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	(void)env;
	return watch_prepare(msg);
}

int libvirt_run(const struct proc_env *env, struct vmp_msg *msg)
{
	return watch_run(env->config, env->peer, msg);
}
