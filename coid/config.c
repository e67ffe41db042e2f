#include "config.h"
#include "inifile_named.h"
#include "setting.h"

#include <net/if.h>
#include <stddef.h>
#include <string.h>

#define TEXT(section, name, member, preset) VMP_OPTION(struct config, section, name, VMP_OPT_TEXT, member, preset, 0, 0)
#define NUM(section, name, type, member, preset, min, max)                                                             \
	VMP_OPTION(struct config, section, name, type, member, preset, min, max)
#define DAY 86400

#ifndef VMPROV_SYSCONFDIR
#define VMPROV_SYSCONFDIR "/etc"
#endif
#ifndef VMPROV_STATEDIR
#define VMPROV_STATEDIR "/var/lib/vmprov"
#endif

const struct vmp_option config_options[] = {
	NUM("join", "credential", VMP_OPT_BOOL, join_credential, "yes", 0, 1),
	TEXT("join", "directory", join_directory, VMPROV_SYSCONFDIR "/vmprov"),
	TEXT("join", "cidata", join_cidata, "yes"),
	NUM("join", "again", VMP_OPT_BOOL, join_again, "no", 0, 1),
	TEXT("identity", "certificate", certificate, ""),
	TEXT("identity", "key", key, ""),
	TEXT("identity", "ca", ca, ""),
	TEXT("identity", "label", label, ""),
	NUM("identity", "enrol", VMP_OPT_BOOL, enrol, "yes", 0, 1),
	TEXT("policyd", "url", policyd_url, ""),
	NUM("policyd", "timeout", VMP_OPT_DURATION, policyd_timeout, "10s", 1, 300),
	TEXT("wireguard", "interface", interface, "vmprov0"),
	TEXT("wireguard", "engine", engine, "auto"),
	TEXT("wireguard", "program", program, "wireguard-go"),
	NUM("wireguard", "port", VMP_OPT_INT, port, "51820", 1, 65534),
	TEXT("wireguard", "endpoint", endpoint, ""),
	NUM("wireguard", "mtu", VMP_OPT_INT, mtu, "1420", 1280, 65440),
	NUM("wireguard", "mark", VMP_OPT_INT, mark, "30317", 1, UINT32_MAX),
	NUM("wireguard", "table", VMP_OPT_INT, table, "30317", 256, INT32_MAX - 2),
	NUM("peers", "idle", VMP_OPT_DURATION, idle, "10m", 1, 30 * DAY),
	NUM("peers", "most", VMP_OPT_INT, most, "1000", 1, 100000),
	TEXT("names", "hosts", hosts, "/etc/hosts"),
	TEXT("names", "suffix", suffix, ""),
	NUM("lease", "enabled", VMP_OPT_BOOL, lease_enabled, "yes", 0, 1),
	NUM("lease", "port", VMP_OPT_INT, lease_port, "8444", 1, 65535),
	TEXT("status", "address", status_address, ""),
	TEXT("status", "socket", status_socket, "/run/vmprov-coid/status.sock"),
	TEXT("state", "directory", state, VMPROV_STATEDIR "/coid"),
	TEXT("log", "level", log_level, "info"),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

/* Texts that are paths, and the files in the state folder that they are when they are empty. */
static const struct {
	const char *option;
	size_t offset;
	const char *file; /* NULL: empty means none */
} paths[] = {
	{ "[join] directory", offsetof(struct config, join_directory), NULL },
	{ "[identity] certificate", offsetof(struct config, certificate), "machine.pem" },
	{ "[identity] key", offsetof(struct config, key), "machine.key" },
	{ "[identity] ca", offsetof(struct config, ca), "ca.pem" },
	{ "[names] hosts", offsetof(struct config, hosts), NULL },
	{ "[status] socket", offsetof(struct config, status_socket), NULL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int check_path(const char *option, char *path, const char *file, const char *state, struct vmp_msg *msg)
{
	size_t room = VMP_INI_TEXT, len = strlen(state);

	if (*path)
		return vmp_setting_path(option, path, msg);
	if (!file)
		return VMP_OK;
	if (len + 1 + strlen(file) >= room)
		return vmp_fail(msg, VMP_EINVAL, "[state] directory: expected at most %zu octets",
				room - strlen(file) - 2);
	memcpy(path, state, len);
	path[len] = '/';
	memcpy(path + len + 1, file, strlen(file) + 1);
	return VMP_OK;
}

static int check_paths(struct config *c, struct vmp_msg *msg)
{
	int err = vmp_setting_path("[state] directory", c->state, msg);
	size_t i;

	c->ca_is_bundles = !*c->ca;
	for (i = 0; i < COUNT(paths) && err == VMP_OK; i++)
		err = check_path(paths[i].option, (char *)c + paths[i].offset, paths[i].file, c->state, msg);
	return err;
}

/* The interface for first packets has a letter more. */
static int check_wireguard(const struct config *c, struct vmp_msg *msg)
{
	static const char *const engines[] = { "auto", "kernel", "userspace" };
	bool known = false;
	size_t i;

	for (i = 0; i < COUNT(engines); i++)
		known |= strcmp(c->engine, engines[i]) == 0;
	if (!known)
		return vmp_fail(msg, VMP_EINVAL, "[wireguard] engine: expected auto, kernel or userspace");
	if (!vmp_ini_is_name(c->interface, "", IFNAMSIZ - 1) || strspn(c->interface, ".") > 0)
		return vmp_fail(msg, VMP_EINVAL, "[wireguard] interface: expected up to %d of A-Z a-z 0-9 . _ -",
				IFNAMSIZ - 2);
	if (!*c->program)
		return vmp_fail(msg, VMP_EINVAL, "[wireguard] program: expected a program");
	return VMP_OK;
}

static int check_join(const struct config *c, struct vmp_msg *msg)
{
	const char *cidata = c->join_cidata;

	if (strcmp(cidata, "yes") != 0 && strcmp(cidata, "no") != 0 && *cidata != '/')
		return vmp_fail(msg, VMP_EINVAL, "[join] cidata: expected yes, no or a path");
	if (*c->policyd_url && strncmp(c->policyd_url, "https://", 8) != 0)
		return vmp_fail(msg, VMP_EINVAL, "[policyd] url: expected https://...");
	if (*c->label && !vmp_ini_is_name(c->label, "", 65))
		return vmp_fail(msg, VMP_EINVAL, "[identity] label: expected the name of a template");
	if (config_joins(c))
		return VMP_OK;
	if (!*c->policyd_url || c->ca_is_bundles)
		return vmp_fail(msg, VMP_EINVAL,
				"[join]: without a join bundle, [policyd] url and [identity] ca have to be set");
	return c->enrol ? vmp_fail(msg, VMP_EINVAL, "[join]: without a join bundle, expected [identity] enrol = no")
			: VMP_OK;
}

bool config_joins(const struct config *c)
{
	return c->join_credential || *c->join_directory || strcmp(c->join_cidata, "no") != 0;
}

static int check(struct config *c, struct vmp_msg *msg)
{
	int err = check_paths(c, msg);

	if (err == VMP_OK)
		err = check_join(c, msg);
	if (err == VMP_OK)
		err = check_wireguard(c, msg);
	if (err == VMP_OK && *c->suffix && !vmp_ini_is_name(c->suffix, "", VMP_INI_TEXT))
		err = vmp_fail(msg, VMP_EINVAL, "[names] suffix: expected a domain, such as example.net");
	if (err == VMP_OK)
		err = vmp_setting_addresses("[status] address", c->status_address, CONFIG_ADDRESSES,
					    "127.0.0.1:8485 or [::1]:8485", NULL, msg);
	return err == VMP_OK ? vmp_setting_log_level(c->log_level, msg) : err;
}

int config_read(const char *path, struct config *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err;

	memset(out, 0, sizeof(*out));
	if (!path)
		return vmp_ini_presets(config_options, out, msg);
	err = vmp_ini_read(path, config_options, out, msg);
	if (err != VMP_OK)
		return err;
	err = check(out, &why);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path, why.text);
}
