#include "config.h"
#include "account.h"
#include "inifile_named.h"
#include "guest.h"
#include "listen.h"
#include "setting.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#define TEXT(section, name, member, preset) VMP_OPTION(struct config, section, name, VMP_OPT_TEXT, member, preset, 0, 0)
#define NUM(section, name, type, member, preset, min, max)                                                             \
	VMP_OPTION(struct config, section, name, type, member, preset, min, max)
#define UPLINK_TEXT(name, member, preset)                                                                              \
	VMP_OPTION(struct config_uplink, "uplink", name, VMP_OPT_TEXT, member, preset, 0, 0)
#define UPLINK_NUM(name, type, member, preset, min, max)                                                               \
	VMP_OPTION(struct config_uplink, "uplink", name, type, member, preset, min, max)
#define DAY 86400

#ifndef VMPROV_SYSCONFDIR
#define VMPROV_SYSCONFDIR "/etc"
#endif
#ifndef VMPROV_STATEDIR
#define VMPROV_STATEDIR "/var/lib/vmprov"
#endif

const struct vmp_option config_options[] = {
	TEXT("process", "user", user, "vmprov-host"),
	TEXT("process", "on_stop", on_stop, "leave"),
	NUM("process", "fence", VMP_OPT_BOOL, fence, "yes", 0, 1),
	TEXT("control", "path", control_path, "/run/vmprov/hostd.sock"),
	TEXT("control", "group", control_group, ""),
	TEXT("status", "address", status_address, "127.0.0.1:8481"),
	TEXT("policyd", "url", policyd_url, ""),
	TEXT("policyd", "ca", policyd_ca, VMPROV_SYSCONFDIR "/vmprov/policyd-ca.pem"),
	TEXT("policyd", "token_file", token_file, VMPROV_SYSCONFDIR "/vmprov/host.token"),
	NUM("policyd", "timeout", VMP_OPT_DURATION, policyd_timeout, "10s", 1, 300),
	TEXT("identity", "certificate", certificate, VMPROV_STATEDIR "/host/host.pem"),
	TEXT("identity", "key", key, VMPROV_STATEDIR "/host/host.key"),
	NUM("identity", "enrol", VMP_OPT_BOOL, enrol, "yes", 0, 1),
	TEXT("eap", "methods", methods, "tls"),
	TEXT("eap", "ca", eap_ca, VMPROV_SYSCONFDIR "/vmprov/radius-ca.pem"),
	TEXT("eap", "server_name", server_name, ""),
	TEXT("eap", "identity", eap_identity, "%m"),
	TEXT("eap", "passwords", passwords, VMPROV_SYSCONFDIR "/vmprov/eap-md5.conf"),
	TEXT("eap", "tls_versions", tls_versions, "1.2 1.3"),
	NUM("eap", "resumption", VMP_OPT_BOOL, resumption, "yes", 0, 1),
	NUM("pae", "eapol_version", VMP_OPT_INT, eapol_version, "2", 1, 3),
	NUM("pae", "start_period", VMP_OPT_DURATION, start_period, "3s", 1, 3600),
	NUM("pae", "max_start", VMP_OPT_INT, max_start, "5", 1, 100),
	NUM("pae", "auth_period", VMP_OPT_DURATION, auth_period, "30s", 1, 3600),
	NUM("pae", "held_period", VMP_OPT_DURATION, held_period, "10s", 1, DAY),
	NUM("pae", "held_max", VMP_OPT_DURATION, held_max, "10m", 1, DAY),
	NUM("pae", "silent_period", VMP_OPT_DURATION, silent_period, "30s", 0, DAY),
	NUM("pae", "reauth_period", VMP_OPT_DURATION, reauth_period, "1h", 0, 30 * DAY),
	NUM("pae", "jitter", VMP_OPT_INT, jitter, "25", 0, 50),
	NUM("guests", "libvirt", VMP_OPT_BOOL, libvirt, "yes", 0, 1),
	NUM("guests", "netlink", VMP_OPT_BOOL, netlink, "no", 0, 1),
	TEXT("guests", "libvirt_uri", libvirt_uri, "qemu:///system"),
	TEXT("guests", "ports", ports, "* !vnet*"),
	TEXT("guests", "mac_from", mac_from, "alias frame"),
	TEXT("guests", "template", template_name, ""),
	TEXT("guests", "serve", serve, VMPROV_SYSCONFDIR "/vmprov/guests.conf"),
	NUM("guests", "macs_per_port", VMP_OPT_INT, macs_per_port, "1", 1, GUEST_NICS),
	TEXT("migration", "authenticate", authenticate, "resume"),
	NUM("cidata", "enabled", VMP_OPT_BOOL, cidata, "yes", 0, 1),
	NUM("cidata", "attach", VMP_OPT_BOOL, attach, "no", 0, 1),
	TEXT("cidata", "directory", cidata_directory, VMPROV_STATEDIR "/cidata"),
	TEXT("state", "directory", state_directory, VMPROV_STATEDIR "/hostd"),
	TEXT("log", "level", log_level, "info"),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

const struct vmp_option config_uplink_options[] = {
	UPLINK_TEXT("bridge", bridge, ""),
	UPLINK_TEXT("replies", replies, "auto"),
	UPLINK_NUM("host", VMP_OPT_BOOL, host, "no", 0, 1),
	UPLINK_NUM("window", VMP_OPT_INT, window, "32", 1, 4096),
	UPLINK_NUM("rate", VMP_OPT_INT, rate, "200", 1, 100000),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

/* Texts that take one word of a few, or several of them in an order of their own. */
static const struct {
	const char *option;
	size_t offset;
	const char *words;
	bool several;
} word_options[] = {
	{ "[process] on_stop", offsetof(struct config, on_stop), "leave logoff", false },
	{ "[eap] methods", offsetof(struct config, methods), "tls md5", true },
	{ "[eap] tls_versions", offsetof(struct config, tls_versions), "1.2 1.3", true },
	{ "[guests] mac_from", offsetof(struct config, mac_from), "alias frame port", true },
	{ "[migration] authenticate", offsetof(struct config, authenticate), "resume start", false },
	{ "[log] level", offsetof(struct config, log_level), "error warning info debug", false },
};

/* Texts that are paths, of at most so many octets; 0: as they come. */
static const struct {
	const char *option;
	size_t offset, max;
} path_options[] = {
	{ "[control] path", offsetof(struct config, control_path), sizeof(((struct sockaddr_un *)0)->sun_path) - 1 },
	{ "[identity] certificate", offsetof(struct config, certificate), 0 },
	{ "[identity] key", offsetof(struct config, key), 0 },
	{ "[cidata] directory", offsetof(struct config, cidata_directory), 0 },
	{ "[state] directory", offsetof(struct config, state_directory), 0 },
};

static int check_words(const char *option, const char *text, const char *words, bool several, struct vmp_msg *msg)
{
	const char *at = text;
	char word[VMP_INI_TEXT];
	int n = 0;

	while (vmp_ini_word(&at, word, sizeof(word))) {
		/* The same one again would stand in what follows. */
		if (!vmp_ini_has_word(words, word) || vmp_ini_has_word(at, word) || (n++ && !several))
			return vmp_fail(msg, VMP_EINVAL, "%s: %s: expected %s: %s", option, word,
					several ? "one or more of" : "one of", words);
	}
	return n ? VMP_OK
		 : vmp_fail(msg, VMP_EINVAL, "%s: expected %s: %s", option, several ? "one or more of" : "one of",
			    words);
}

static int check_path(const char *option, const char *path, size_t max, struct vmp_msg *msg)
{
	int err = vmp_setting_path(option, path, msg);

	if (err == VMP_OK && max && strlen(path) > max)
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu octets", option, max);
	return err;
}

static int check_texts(const struct config *c, struct vmp_msg *msg)
{
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < sizeof(word_options) / sizeof(word_options[0]) && err == VMP_OK; i++)
		err = check_words(word_options[i].option, (const char *)c + word_options[i].offset,
				  word_options[i].words, word_options[i].several, msg);
	for (i = 0; i < sizeof(path_options) / sizeof(path_options[0]) && err == VMP_OK; i++)
		err = check_path(path_options[i].option, (const char *)c + path_options[i].offset, path_options[i].max,
				 msg);
	return err;
}

/* Linux allows more; what else it takes would need quotes in nftables' rules. */
bool config_is_interface(const char *name)
{
	return vmp_ini_is_name(name, "@+", IF_NAMESIZE) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* [uplink NAME]: vmp_ini_option_fn. */
static int take_uplink(void *ctx, const char *section, const char *name, const char *value, int line,
		       struct vmp_msg *why)
{
	struct config *c = ctx;
	const struct vmp_ini_named uplinks = {
		.kind = "uplink",
		.options = config_uplink_options,
		.array = c->uplink,
		.size = sizeof(c->uplink[0]),
		.max = CONFIG_UPLINKS,
		.n = &c->n_uplink,
		.name = offsetof(struct config_uplink, name),
		.seen = offsetof(struct config_uplink, seen),
		.is_name = config_is_interface,
		.expected = "the name of an interface, up to 15 of A-Z a-z 0-9 . _ - @ +",
	};

	(void)line;
	return vmp_ini_named_take(&uplinks, section, name, value, why);
}

enum config_replies config_replies(const struct config_uplink *uplink)
{
	return strcmp(uplink->replies, "unicast") == 0 ? CONFIG_REPLIES_UNICAST
	       : strcmp(uplink->replies, "group") == 0 ? CONFIG_REPLIES_GROUP
						       : CONFIG_REPLIES_AUTO;
}

static int check_uplink(const struct config *c, const struct config_uplink *u, struct vmp_msg *msg)
{
	char option[VMP_INI_TEXT];
	const struct config_uplink *other;

	snprintf(option, sizeof(option), "[uplink %s] replies", u->name);
	if (*u->bridge && !config_is_interface(u->bridge))
		return vmp_fail(msg, VMP_EINVAL, "[uplink %s] bridge: expected the name of an interface", u->name);
	for (other = c->uplink; *u->bridge && other < u; other++) {
		if (strcmp(other->bridge, u->bridge) == 0)
			return vmp_fail(msg, VMP_EINVAL, "[uplink %s] bridge: %s is [uplink %s]'s already", u->name,
					u->bridge, other->name);
	}
	return check_words(option, u->replies, "auto unicast group", false, msg);
}

static int check_accounts(const struct config *c, struct vmp_msg *msg)
{
	struct vmp_msg why;
	unsigned gid;
	int err = vmp_setting_user("[process] user", c->user, msg);

	if (err != VMP_OK)
		return err;
	err = vmp_account_group(c->control_group, &gid, &why);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "[control] group: %s", why.text);
}

static int check(const struct config *c, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int i, err = check_texts(c, msg);

	if (err == VMP_OK && *c->status_address && vmp_listen_check(c->status_address, &why) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "[status] address: %s", why.text);
	if (err == VMP_OK && *c->policyd_url && strncmp(c->policyd_url, "https://", 8) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "[policyd] url: expected https://...");
	if (err == VMP_OK && c->held_max < c->held_period)
		err = vmp_fail(msg, VMP_EINVAL, "[pae] held_max: expected no less than held_period");
	if (err == VMP_OK && !*c->eap_identity)
		err = vmp_fail(msg, VMP_EINVAL, "[eap] identity: expected at least one character");
	for (i = 0; i < c->n_uplink && err == VMP_OK; i++)
		err = check_uplink(c, &c->uplink[i], msg);
	return err == VMP_OK ? check_accounts(c, msg) : err;
}

int config_read(const char *path, struct config *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err;

	memset(out, 0, sizeof(*out));
	if (!path)
		return vmp_ini_presets(config_options, out, msg);
	err = vmp_ini_read_with(path, config_options, out, take_uplink, out, msg);
	if (err != VMP_OK)
		return err;
	err = out->n_uplink ? check(out, &why)
			    : vmp_fail(&why, VMP_EINVAL, "expected at least one section [uplink INTERFACE]");
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path, why.text);
}
