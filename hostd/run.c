/* The guests process. */
#include "cidata.h"
#include "control.h"
#include "guest.h"
#include "identity_tls.h"
#include "link_linux.h"
#include "log.h"
#include "loop.h"
#include "nic.h"
#include "notices.h"
#include "passwords.h"
#include "proc.h"
#include "report.h"
#include "serve.h"
#include "source.h"
#include "uplink.h"
#include "uplink_fence.h"
#include "warden.h"

#include <signal.h>
#include <string.h>
#include <time.h>

struct loop loop;

uint64_t loop_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t loop_now(void)
{
	return loop_now_us() / 1000;
}

/* They may be nobody's but root's, so before the privileges go. */
static int read_passwords(const struct config *config, struct vmp_msg *msg)
{
	int err = vmp_ini_has_word(config->methods, "md5") ? passwords_read(config->passwords, msg) : VMP_OK;

	return err == VMP_ENOENT ? VMP_OK : err;
}

int guests_check(const struct config *config, struct vmp_msg *msg)
{
	int err = nics_init(config, msg);

	if (err == VMP_OK)
		err = read_passwords(config, msg);
	passwords_free();
	if (err == VMP_OK)
		err = serve_read(config->serve, msg);
	serve_free();
	if (err == VMP_OK)
		err = identity_tls_check(config, msg);
	return err;
}

int guests_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	return read_passwords(env->config, msg);
}

static void link_changed(const struct link *link)
{
	uplink_link(link);
	if (loop.config->netlink)
		source_netlink_link(link);
}

static void links_synced(void)
{
	uplink_fence_look();
	if (loop.config->netlink)
		source_netlink_synced();
}

/* What bridges learn, guests can make as much of as they like: nobody listens to it who has no use for it. */
static const struct link_events link_events[] = {
	[false] = { link_changed, NULL, links_synced }, [true] = { link_changed, source_netlink_learned, links_synced }
};

/* SIGTERM: hostd stops.  SIGHUP: another guests process with a new configuration follows. */
static void stop_came(evutil_socket_t sig, short what, void *ctx)
{
	(void)what;
	(void)ctx;
	loop.logoff = sig == SIGTERM && strcmp(loop.config->on_stop, "logoff") == 0;
	vmp_log(VMP_LOG_INFO, "stopping", "guests", vmp_log_num(guest_count()), "leave",
		loop.logoff ? "logoff" : "leave", NULL);
	loop.stopping = true;
	event_base_loopbreak(loop.base);
}

static int open_client(const struct config *config, struct vmp_msg *msg)
{
	const struct http_client_settings settings = {
		.url = config->policyd_url,
		.ca = config->policyd_ca,
		.agent = "vmprov-hostd/" VMPROV_VERSION,
		.timeout_ms = (unsigned)config->policyd_timeout * 1000,
	};

	return http_client_new(loop.base, &settings, &loop.policyd, msg);
}

/* In the order in which they need each other. */
static int open_all(const struct proc_env *env, struct vmp_msg *msg)
{
	int err = warden_open(loop.base, env->parent, msg);

	if (err == VMP_OK)
		err = serve_read(loop.config->serve, msg);
	if (err == VMP_OK)
		err = nics_init(loop.config, msg);
	if (err == VMP_OK && *loop.config->policyd_url)
		err = open_client(loop.config, msg);
	if (err == VMP_OK)
		err = report_init(msg);
	if (err == VMP_OK)
		err = uplinks_init(loop.config, msg);
	if (err == VMP_OK) {
		identity_changed(uplinks_identity_changed);
		err = identity_tls_init(msg);
	}
	guests_init();
	if (err == VMP_OK && loop.config->netlink)
		err = source_netlink_init(msg);
	if (err == VMP_OK)
		err = links_open(loop.base, &link_events[loop.config->netlink], msg);
	if (err == VMP_OK && env->peer >= 0)
		err = source_libvirt_open(env->peer, msg);
	if (err == VMP_OK)
		notices_open();
	if (err == VMP_OK)
		err = control_open(env->control, msg);
	if (err == VMP_OK)
		err = status_open(env->status, msg);
	return err;
}

static void close_all(void)
{
	status_close();
	control_close();
	notices_close();
	guests_free();
	uplinks_free();
	source_libvirt_close();
	source_netlink_free();
	links_close();
	identity_tls_free();
	report_free();
	http_client_free(loop.policyd);
	loop.policyd = NULL;
	serve_free();
	passwords_free();
	warden_close();
}

int guests_run(const struct proc_env *env, struct vmp_msg *msg)
{
	struct event *stop, *again;
	int err;

	loop.config = env->config;
	loop.base = event_base_new();
	stop = loop.base ? evsignal_new(loop.base, SIGTERM, stop_came, NULL) : NULL;
	again = loop.base ? evsignal_new(loop.base, SIGHUP, stop_came, NULL) : NULL;
	if (!stop || !again || event_add(stop, NULL) != 0 || event_add(again, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "cannot make an event loop");
	if (!*env->config->server_name && vmp_ini_has_word(env->config->methods, "tls"))
		vmp_log(VMP_LOG_WARNING, "server-name-empty", "why",
			"[eap] server_name: any server with a certificate of [eap] ca is believed", NULL);
	err = open_all(env, msg);
	if (err == VMP_OK && event_base_dispatch(loop.base) < 0)
		err = vmp_fail(msg, VMP_EIO, "the event loop has failed");
	close_all();
	event_free(stop);
	event_free(again);
	event_base_free(loop.base);
	return err;
}
