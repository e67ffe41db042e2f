#include "config.h"
#include "inifile_named.h"
#include "setting.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(section, name, member, preset) VMP_OPTION(struct config, section, name, VMP_OPT_TEXT, member, preset, 0, 0)
#define NUM(section, name, type, member, preset, min, max)                                                             \
	VMP_OPTION(struct config, section, name, type, member, preset, min, max)
#define SERVER_TEXT(name, member, preset)                                                                              \
	VMP_OPTION(struct config_server, "server", name, VMP_OPT_TEXT, member, preset, 0, 0)
#define SERVER_NUM(name, type, member, preset, min, max)                                                               \
	VMP_OPTION(struct config_server, "server", name, type, member, preset, min, max)
#define DAY 86400

#ifndef VMPROV_SYSCONFDIR
#define VMPROV_SYSCONFDIR "/etc"
#endif
#ifndef VMPROV_STATEDIR
#define VMPROV_STATEDIR "/var/lib/vmprov"
#endif

const struct vmp_option config_options[] = {
	TEXT("process", "user", user, "vmprov-gateway"),
	TEXT("listen", "address", address, "[::]:8444"),
	NUM("listen", "max_connections", VMP_OPT_INT, max_connections, "16384", 16, 1000000),
	NUM("listen", "request_timeout", VMP_OPT_DURATION, request_timeout, "20s", 1, 600),
	NUM("listen", "idle_timeout", VMP_OPT_DURATION, idle_timeout, "5m", 1, DAY),
	TEXT("status", "address", status_address, "127.0.0.1:8482"),
	TEXT("store", "path", store_path, VMPROV_STATEDIR "/gateway/gateway.db"),
	TEXT("identity", "certificate", certificate, VMPROV_STATEDIR "/gateway/gateway.pem"),
	TEXT("identity", "key", key, VMPROV_STATEDIR "/gateway/gateway.key"),
	TEXT("identity", "ca", ca, VMPROV_SYSCONFDIR "/vmprov/policyd-ca.pem"),
	TEXT("identity", "token_file", token_file, VMPROV_SYSCONFDIR "/vmprov/gateway.token"),
	TEXT("identity", "label", label, "gateway"),
	TEXT("identity", "url", identity_url, ""),
	NUM("identity", "enrol", VMP_OPT_BOOL, enrol, "yes", 0, 1),
	NUM("broker", "lease", VMP_OPT_DURATION, lease, "10m", 1, 30 * DAY),
	NUM("broker", "refresh", VMP_OPT_DURATION, refresh, "30s", 1, DAY),
	NUM("broker", "timeout", VMP_OPT_DURATION, timeout, "3s", 1, 60),
	NUM("broker", "wait", VMP_OPT_DURATION, wait, "3s", 0, 60),
	NUM("broker", "margin", VMP_OPT_INT, margin, "10", 0, 1000),
	NUM("broker", "spare", VMP_OPT_INT, spare, "1", 0, 100000),
	NUM("broker", "slack", VMP_OPT_INT, slack, "25", 0, 1000),
	NUM("coi", "enabled", VMP_OPT_BOOL, coi_enabled, "no", 0, 1),
	TEXT("coi", "state", coi_state, VMPROV_STATEDIR "/gateway"),
	TEXT("coi", "status_address", coi_status_address, "127.0.0.1:8484"),
	TEXT("coi", "interface", coi_interface, "vmprov0"),
	TEXT("coi", "engine", coi_engine, "auto"),
	TEXT("coi", "program", coi_program, "wireguard-go"),
	NUM("coi", "port", VMP_OPT_INT, coi_port, "51820", 1, 65534),
	TEXT("coi", "endpoint", coi_endpoint, ""),
	NUM("coi", "mtu", VMP_OPT_INT, coi_mtu, "1420", 1280, 65440),
	NUM("coi", "mark", VMP_OPT_INT, coi_mark, "30317", 1, UINT32_MAX),
	NUM("coi", "table", VMP_OPT_INT, coi_table, "30317", 256, INT32_MAX - 2),
	NUM("coi", "idle", VMP_OPT_DURATION, coi_idle, "10m", 1, 30 * DAY),
	NUM("coi", "most", VMP_OPT_INT, coi_most, "10000", 1, 1000000),
	TEXT("coi", "clear", coi_clear, ""),
	NUM("coi", "forwarding", VMP_OPT_BOOL, coi_forwarding, "yes", 0, 1),
	NUM("coi", "transit", VMP_OPT_BOOL, coi_transit, "no", 0, 1),
	NUM("coi", "masquerade", VMP_OPT_BOOL, coi_masquerade, "no", 0, 1),
	TEXT("coi", "input", coi_input, "icmp"),
	TEXT("log", "level", log_level, "info"),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

const struct vmp_option config_server_options[] = {
	SERVER_TEXT("url", url, ""),
	SERVER_TEXT("proxy", proxy, ""),
	SERVER_NUM("home", VMP_OPT_BOOL, home, "no", 0, 1),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

/* Texts that are paths. */
static const struct {
	const char *option;
	size_t offset;
} paths[] = {
	{ "[store] path", offsetof(struct config, store_path) },
	{ "[identity] certificate", offsetof(struct config, certificate) },
	{ "[identity] key", offsetof(struct config, key) },
	{ "[identity] ca", offsetof(struct config, ca) },
	{ "[coi] state", offsetof(struct config, coi_state) },
};

/* -- [server NAME] ------------------------------------------------------------------------------------------------ */

static bool is_name(const char *name)
{
	return vmp_ini_is_name(name, "", VMP_BROKER_SERVER);
}

/* vmp_ini_option_fn */
static int take_server(void *ctx, const char *section, const char *name, const char *value, int line,
		       struct vmp_msg *why)
{
	struct config *c = ctx;
	const struct vmp_ini_named servers = {
		.kind = "server",
		.options = config_server_options,
		.array = c->server,
		.size = sizeof(c->server[0]),
		.max = BROKER_SERVERS,
		.n = &c->n_server,
		.name = offsetof(struct config_server, name),
		.seen = offsetof(struct config_server, seen),
		.is_name = is_name,
		.expected = "a name of up to 47 of A-Z a-z 0-9 . _ -",
	};

	(void)line;
	return vmp_ini_named_take(&servers, section, name, value, why);
}

static int check_servers(struct config *c, struct vmp_msg *msg)
{
	int i, homes = 0;

	if (c->n_server == 0 && !c->coi_enabled)
		return vmp_fail(msg, VMP_EINVAL, "expected at least one section [server NAME], or [coi] enabled = yes");
	for (i = 0; i < c->n_server; i++) {
		const struct config_server *s = &c->server[i];

		if (strncmp(s->url, "https://", 8) != 0)
			return vmp_fail(msg, VMP_EINVAL, "[server %s] url: expected https://...", s->name);
		if (*s->proxy && strncmp(s->proxy, "https://", 8) != 0)
			return vmp_fail(msg, VMP_EINVAL, "[server %s] proxy: expected https://HOST:PORT", s->name);
		if (s->home)
			c->home = i;
		homes += s->home;
	}
	if (c->n_server == 0 && !*c->identity_url)
		return vmp_fail(msg, VMP_EINVAL,
				"[identity] url: expected https://..., since there is no [server NAME]");
	return homes < 2 ? VMP_OK
			 : vmp_fail(msg, VMP_EINVAL, "[server %s] home: expected one server with home = yes",
				    c->server[c->home].name);
}

/* -- [coi] -------------------------------------------------------------------------------------------------------- */

bool config_is_interface(const char *name)
{
	return vmp_ini_is_name(name, "", CONFIG_INTERFACE) && *name != '.' && *name != '-';
}

static int check_clear(const char *list, struct vmp_msg *msg)
{
	char word[CONFIG_INTERFACE];
	int n;

	for (n = 0; vmp_ini_word(&list, word, sizeof(word)); n++) {
		if (!config_is_interface(word) || n == CONFIG_CLEAR)
			return vmp_fail(msg, VMP_EINVAL, "[coi] clear: expected up to %d names of interfaces",
					CONFIG_CLEAR);
	}
	return *list ? vmp_fail(msg, VMP_EINVAL, "[coi] clear: expected names of interfaces of up to %d octets",
				CONFIG_INTERFACE - 1)
		     : VMP_OK;
}

/* "icmp", "tcp/443", "udp/53" */
bool config_input_word(const char *word, struct config_input *out)
{
	char *end;
	unsigned long port;

	*out = (struct config_input){ CONFIG_ICMP, 0 };
	if (strcmp(word, "icmp") == 0)
		return true;
	if (strncmp(word, "tcp/", 4) != 0 && strncmp(word, "udp/", 4) != 0)
		return false;
	out->protocol = *word == 't' ? CONFIG_TCP : CONFIG_UDP;
	if (strspn(word + 4, "0123456789") != strlen(word + 4))
		return false;
	errno = 0;
	port = strtoul(word + 4, &end, 10);
	out->port = (uint16_t)port;
	return end != word + 4 && errno == 0 && port >= 1 && port <= UINT16_MAX;
}

static int check_input(const char *list, struct vmp_msg *msg)
{
	struct config_input input;
	char word[16];
	int n;

	for (n = 0; vmp_ini_word(&list, word, sizeof(word)); n++) {
		if (!config_input_word(word, &input) || n == CONFIG_INPUTS)
			return vmp_fail(msg, VMP_EINVAL,
					"[coi] input: %s: expected up to %d of icmp, tcp/PORT, udp/PORT", word,
					CONFIG_INPUTS);
	}
	return *list ? vmp_fail(msg, VMP_EINVAL, "[coi] input: expected icmp, tcp/PORT, udp/PORT") : VMP_OK;
}

/* The TUN interface beside it has an "n" behind its name. */
static int check_coi(const struct config *c, struct vmp_msg *msg)
{
	static const char such_as[] = "127.0.0.1:8484";
	int err;

	if (!config_is_interface(c->coi_interface) || strlen(c->coi_interface) >= CONFIG_INTERFACE - 1)
		return vmp_fail(msg, VMP_EINVAL, "[coi] interface: expected a name of up to %d octets",
				CONFIG_INTERFACE - 2);
	if (strcmp(c->coi_engine, "auto") != 0 && strcmp(c->coi_engine, "kernel") != 0 &&
	    strcmp(c->coi_engine, "userspace") != 0)
		return vmp_fail(msg, VMP_EINVAL, "[coi] engine: expected auto, kernel or userspace");
	err = vmp_setting_addresses("[coi] status_address", c->coi_status_address, CONFIG_ADDRESSES, such_as, NULL,
				    msg);
	if (err == VMP_OK)
		err = check_clear(c->coi_clear, msg);
	return err == VMP_OK ? check_input(c->coi_input, msg) : err;
}

/* -- all ---------------------------------------------------------------------------------------------------------- */

static int check_paths(const struct config *c, struct vmp_msg *msg)
{
	size_t i;

	int err = VMP_OK;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]) && err == VMP_OK; i++)
		err = vmp_setting_path(paths[i].option, (const char *)c + paths[i].offset, msg);
	return err;
}

static int check(struct config *c, struct vmp_msg *msg)
{
	static const char such_as[] = "192.0.2.1:8444 or [::]:8444";
	int n = 0, err = vmp_setting_addresses("[listen] address", c->address, CONFIG_ADDRESSES, such_as, &n, msg);

	if (err == VMP_OK && n == 0)
		err = vmp_fail(msg, VMP_EINVAL, "[listen] address: expected at least one");
	if (err == VMP_OK)
		err = vmp_setting_addresses("[status] address", c->status_address, CONFIG_ADDRESSES, such_as, NULL,
					    msg);
	if (err == VMP_OK)
		err = check_paths(c, msg);
	if (err == VMP_OK)
		err = vmp_setting_log_level(c->log_level, msg);
	if (err == VMP_OK && *c->identity_url && strncmp(c->identity_url, "https://", 8) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "[identity] url: expected https://...");
	if (err == VMP_OK && !is_name(c->label))
		err = vmp_fail(msg, VMP_EINVAL, "[identity] label: expected the name of a template");
	if (err == VMP_OK)
		err = check_servers(c, msg);
	if (err == VMP_OK)
		err = check_coi(c, msg);
	return err == VMP_OK ? vmp_setting_user("[process] user", c->user, msg) : err;
}

int config_read(const char *path, struct config *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err;

	memset(out, 0, sizeof(*out));
	if (!path)
		return vmp_ini_presets(config_options, out, msg);
	err = vmp_ini_read_with(path, config_options, out, take_server, out, msg);
	if (err != VMP_OK)
		return err;
	err = check(out, &why);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path, why.text);
}
