#include "config.h"
#include "inifile_named.h"
#include "connect.h"
#include "listen.h"
#include "setting.h"
#include "peers.h"

#include <stddef.h>
#include <string.h>

#define TEXT(section, name, member, preset) VMP_OPTION(struct config, section, name, VMP_OPT_TEXT, member, preset, 0, 0)
#define NUM(section, name, type, member, preset, min, max)                                                             \
	VMP_OPTION(struct config, section, name, type, member, preset, min, max)
#define SERVICE_TEXT(name, member, preset)                                                                             \
	VMP_OPTION(struct config_service, "service", name, VMP_OPT_TEXT, member, preset, 0, 0)
#define DAY 86400

#ifndef VMPROV_SYSCONFDIR
#define VMPROV_SYSCONFDIR "/etc"
#endif
#ifndef VMPROV_STATEDIR
#define VMPROV_STATEDIR "/var/lib/vmprov"
#endif

const struct vmp_option config_options[] = {
	TEXT("process", "user", user, "vmprov-relay"),
	TEXT("relay", "role", role, "proxy"),
	NUM("relay", "chain", VMP_OPT_BOOL, chain, "no", 0, 1),
	NUM("relay", "max_depth", VMP_OPT_INT, max_depth, "4", 1, CONNECT_VIA),
	TEXT("listen", "address", address, "[::]:8445"),
	TEXT("listen", "peers", peers, "*"),
	TEXT("next", "address", next_address, ""),
	TEXT("next", "name", next_name, ""),
	TEXT("identity", "certificate", certificate, VMPROV_STATEDIR "/relay/relay.pem"),
	TEXT("identity", "key", key, VMPROV_STATEDIR "/relay/relay.key"),
	TEXT("identity", "ca", ca, VMPROV_SYSCONFDIR "/vmprov/policyd-ca.pem"),
	TEXT("identity", "label", label, "relay"),
	TEXT("identity", "token_file", token_file, VMPROV_SYSCONFDIR "/vmprov/relay.token"),
	NUM("identity", "enrol", VMP_OPT_BOOL, enrol, "yes", 0, 1),
	TEXT("policyd", "url", policyd_url, ""),
	TEXT("policyd", "ca", policyd_ca, VMPROV_SYSCONFDIR "/vmprov/policyd-ca.pem"),
	TEXT("policyd", "proxy", policyd_proxy, ""),
	NUM("policyd", "timeout", VMP_OPT_DURATION, policyd_timeout, "10s", 1, 300),
	NUM("limits", "tunnels", VMP_OPT_INT, tunnels, "1024", 1, 100000),
	NUM("limits", "per_peer", VMP_OPT_INT, per_peer, "64", 1, 100000),
	NUM("limits", "connect_timeout", VMP_OPT_DURATION, connect_timeout, "10s", 1, 300),
	NUM("limits", "request_timeout", VMP_OPT_DURATION, request_timeout, "10s", 1, 300),
	NUM("limits", "idle_timeout", VMP_OPT_DURATION, idle_timeout, "10m", 1, DAY),
	TEXT("status", "address", status_address, "127.0.0.1:8483"),
	TEXT("log", "level", log_level, "info"),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

const struct vmp_option config_service_options[] = {
	SERVICE_TEXT("target", target, ""), SERVICE_TEXT("type", type_word, "tls"),
	SERVICE_TEXT("listen", listen, ""), SERVICE_TEXT("ca", ca, ""),
	SERVICE_TEXT("server", server, ""), { NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

static const char *const types[] = { [SERVICE_TLS] = "tls", [SERVICE_SYSLOG] = "syslog", [SERVICE_NTP] = "ntp" };

bool config_is_proxy(const struct config *config)
{
	return strcmp(config->role, "proxy") == 0;
}

/* -- sections [service NAME] -------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	return vmp_ini_is_name(name, "", CONFIG_NAME);
}

/* vmp_ini_option_fn */
static int take_service(void *ctx, const char *section, const char *name, const char *value, int line,
			struct vmp_msg *why)
{
	struct config *c = ctx;
	const struct vmp_ini_named services = {
		.kind = "service",
		.options = config_service_options,
		.array = c->service,
		.size = sizeof(c->service[0]),
		.max = CONFIG_SERVICES,
		.n = &c->n_service,
		.name = offsetof(struct config_service, name),
		.seen = offsetof(struct config_service, seen),
		.is_name = is_name,
		.expected = "a name of up to 31 of A-Z a-z 0-9 . _ -",
	};

	(void)line;
	return vmp_ini_named_take(&services, section, name, value, why);
}

static int check_target(struct config_service *s, struct vmp_msg *why)
{
	char target[AUTHORITY_TEXT];

	if (authority_read(s->target, strlen(s->target), target) != VMP_OK || strlen(target) >= sizeof(s->target))
		return vmp_fail(why, VMP_EINVAL, "target: expected HOST:PORT, such as policyd.example:8444");
	memcpy(s->target, target, strlen(target));
	return VMP_OK;
}

static int check_type(struct config_service *s, struct vmp_msg *why)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(s->type_word, types[i]) == 0) {
			s->type = (enum service_type)i;
			return VMP_OK;
		}
	}
	return vmp_fail(why, VMP_EINVAL, "type: expected tls, syslog or ntp");
}

static int check_service(struct config_service *s, struct vmp_msg *why)
{
	struct vmp_msg inner;
	int err = check_type(s, why);

	if (err == VMP_OK)
		err = check_target(s, why);
	if (err == VMP_OK && s->type == SERVICE_TLS && *s->listen)
		err = vmp_fail(why, VMP_EINVAL, "listen: only for type = syslog and ntp; tls comes by CONNECT");
	if (err == VMP_OK && *s->listen && vmp_listen_check(s->listen, &inner) != VMP_OK)
		err = vmp_fail(why, VMP_EINVAL, "listen: %s", inner.text);
	if (err == VMP_OK && s->type != SERVICE_SYSLOG && (*s->ca || *s->server))
		err = vmp_fail(why, VMP_EINVAL, "ca, server: only for type = syslog");
	if (err == VMP_OK && *s->ca && *s->ca != '/')
		err = vmp_fail(why, VMP_EINVAL, "ca: expected a path that begins with a slash");
	return err;
}

static int check_services(struct config *c, struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	int i, j, err = VMP_OK;

	for (i = 0; i < c->n_service && err == VMP_OK; i++) {
		err = check_service(&c->service[i], &why);
		for (j = 0; j < i && err == VMP_OK; j++) {
			if (strcmp(c->service[j].target, c->service[i].target) == 0)
				err = vmp_fail(&why, VMP_EEXIST, "target: %s is [service %s]'s already",
					       c->service[i].target, c->service[j].name);
		}
		if (err != VMP_OK)
			vmp_fail(msg, err, "[service %s] %s", c->service[i].name, why.text);
	}
	return err;
}

/* -- the others --------------------------------------------------------------------------------------------------- */

static int check_relay(const struct config *c, struct vmp_msg *msg)
{
	if (!config_is_proxy(c) && strcmp(c->role, "relay") != 0)
		return vmp_fail(msg, VMP_EINVAL, "[relay] role: expected proxy or relay");
	return vmp_setting_log_level(c->log_level, msg);
}

static int check_next(struct config *c, struct vmp_msg *msg)
{
	struct peers_name name;
	char address[AUTHORITY_TEXT];

	if (*c->next_name && peers_name_read(c->next_name, &name) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "[next] name: expected a UUID or a MAC address");
	if (!*c->next_address)
		return VMP_OK;
	if (authority_read(c->next_address, strlen(c->next_address), address) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "[next] address: expected HOST:PORT, such as relay.example:8445");
	return VMP_OK;
}

static int check_urls(const struct config *c, struct vmp_msg *msg)
{
	if (*c->policyd_url && strncmp(c->policyd_url, "https://", 8) != 0)
		return vmp_fail(msg, VMP_EINVAL, "[policyd] url: expected https://...");
	if (*c->policyd_proxy && strncmp(c->policyd_proxy, "https://", 8) != 0)
		return vmp_fail(msg, VMP_EINVAL, "[policyd] proxy: expected https://HOST:PORT");
	return VMP_OK;
}

static int check_paths(const struct config *c, struct vmp_msg *msg)
{
	const struct {
		const char *option, *path;
	} paths[] = { { "[identity] certificate", c->certificate },
		      { "[identity] key", c->key },
		      { "[identity] ca", c->ca } };
	size_t i;

	int err = VMP_OK;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]) && err == VMP_OK; i++)
		err = vmp_setting_path(paths[i].option, paths[i].path, msg);
	return err;
}

static int check(struct config *c, struct vmp_msg *msg)
{
	int err = check_relay(c, msg);

	if (err == VMP_OK)
		err = vmp_setting_addresses("[listen] address", c->address, CONFIG_ADDRESSES, NULL, NULL, msg);
	if (err == VMP_OK)
		err = vmp_setting_addresses("[status] address", c->status_address, 1, NULL, NULL, msg);
	if (err == VMP_OK)
		err = check_next(c, msg);
	if (err == VMP_OK)
		err = check_urls(c, msg);
	if (err == VMP_OK)
		err = check_paths(c, msg);
	if (err == VMP_OK)
		err = check_services(c, msg);
	return err == VMP_OK ? vmp_setting_user("[process] user", c->user, msg) : err;
}

int config_read(const char *path, struct config *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err;

	memset(out, 0, sizeof(*out));
	err = vmp_ini_read_with(path, config_options, out, take_service, out, msg);
	if (err != VMP_OK)
		return err;
	err = out->n_service ? check(out, &why)
			     : vmp_fail(&why, VMP_EINVAL, "expected at least one section [service NAME]");
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path, why.text);
}
