#include "config.h"
#include "account.h"
#include "ca.h"
#include "coa/sockets.h"
#include "setting.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	TEXT("process", "net_user", net_user, "vmprov-net"),
	TEXT("process", "store_user", store_user, "vmprov"),
	TEXT("process", "signer_user", signer_user, "vmprov-signer"),
	TEXT("process", "coa_user", coa_user, "vmprov-coa"),
	TEXT("listen", "address", address, "[::]:8443"),
	NUM("listen", "max_connections", VMP_OPT_INT, max_connections, "16384", 16, 1000000),
	NUM("listen", "request_timeout", VMP_OPT_DURATION, request_timeout, "20s", 1, 600),
	NUM("listen", "idle_timeout", VMP_OPT_DURATION, idle_timeout, "5m", 1, DAY),
	TEXT("forwarded", "address", forwarded_address, ""),
	TEXT("forwarded", "serves", forwarded_serves, "licences"),
	TEXT("status", "address", status_address, "127.0.0.1:8480"),
	TEXT("server", "names", names, ""),
	TEXT("server", "url", url, ""),
	TEXT("store", "path", store_path, VMPROV_STATEDIR "/policy.db"),
	NUM("store", "busy_ms", VMP_OPT_INT, busy_ms, "1000", 0, 60000),
	NUM("store", "keep_certificates", VMP_OPT_DURATION, keep_certificates, "30d", 0, 3650LL * DAY),
	NUM("store", "keep_changes", VMP_OPT_DURATION, keep_changes, "30d", 3600, 3650LL * DAY),
	NUM("store", "keep_audit", VMP_OPT_DURATION, keep_audit, "400d", 90 * DAY, 36500LL * DAY),
	TEXT("ca", "certificate", ca_certificate, VMPROV_STATEDIR "/ca/ca.pem"),
	TEXT("ca", "key", ca_key, VMPROV_STATEDIR "/ca/ca.key"),
	NUM("ca", "create", VMP_OPT_BOOL, ca_create, "yes", 0, 1),
	TEXT("ca", "name", ca_name, "vmprov CA"),
	NUM("ca", "life", VMP_OPT_DURATION, ca_life, "3650d", DAY, 36500LL * DAY),
	TEXT("ca", "crl_url", crl_url, ""),
	TEXT("ca", "ocsp_url", ocsp_url, ""),
	NUM("ca", "crl_life", VMP_OPT_DURATION, crl_life, "1h", 60, 30 * DAY),
	NUM("certificate", "vm_life", VMP_OPT_DURATION, vm_life, "24h", 300, 365 * DAY),
	NUM("certificate", "host_life", VMP_OPT_DURATION, host_life, "90d", 300, 3650LL * DAY),
	NUM("token", "life", VMP_OPT_DURATION, token_life, "10m", 10, 600),
	TEXT("coi", "master_key", master_key, VMPROV_STATEDIR "/ca/master.key"),
	TEXT("coi", "master_unlock", master_unlock, ""),
	NUM("coi", "rotate", VMP_OPT_DURATION, rotate, "24h", 0, 365 * DAY),
	NUM("coi", "grace", VMP_OPT_DURATION, grace, "10m", 1, 30 * DAY),
	NUM("directory", "longest_wait", VMP_OPT_DURATION, longest_wait, "55s", 1, 3600),
	NUM("licence", "direct", VMP_OPT_BOOL, licence_direct, "no", 0, 1),
	NUM("licence", "elsewhere", VMP_OPT_BOOL, licence_elsewhere, "no", 0, 1),
	NUM("licence", "keep_denials", VMP_OPT_DURATION, keep_denials, "400d", DAY, 36500LL * DAY),
	TEXT("session", "path", session_path, VMPROV_STATEDIR "/session.db"),
	NUM("coa", "enabled", VMP_OPT_BOOL, coa_enabled, "yes", 0, 1),
	TEXT("coa", "secrets", coa_secrets, VMPROV_SYSCONFDIR "/vmprov/nas-secrets.conf"),
	TEXT("coa", "dialects", coa_dialects, VMPROV_SYSCONFDIR "/vmprov/coa-dialects.conf"),
	TEXT("coa", "dictionary", coa_dictionary, "/usr/share/freeradius"),
	TEXT("coa", "address", coa_address, ""),
	NUM("coa", "rate", VMP_OPT_INT, coa_rate, "500", 1, 100000),
	NUM("coa", "window", VMP_OPT_INT, coa_window, "32", 1, 250),
	NUM("coa", "timeout_ms", VMP_OPT_INT, coa_timeout_ms, "1000", 50, 60000),
	NUM("coa", "transmissions", VMP_OPT_INT, coa_transmissions, "5", 1, 10),
	NUM("coa", "verify", VMP_OPT_DURATION, coa_verify, "10s", 1, 3600),
	NUM("coa", "tries", VMP_OPT_INT, coa_tries, "300", 1, 100000),
	NUM("coa", "keep_jobs", VMP_OPT_DURATION, coa_keep_jobs, "1d", 60, 365 * DAY),
	TEXT("log", "level", log_level, "info"),
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

static const char *const serves[CONFIG_SERVES] = {
	[CONFIG_SERVES_LICENCES] = "licences",
	[CONFIG_SERVES_EST] = "est",
	[CONFIG_SERVES_COI] = "coi",
};

bool config_serves(const struct config *config, enum config_serve what)
{
	const char *list = config->forwarded_serves;
	char word[VMP_INI_TEXT];

	while (vmp_ini_word(&list, word, sizeof(word))) {
		if (strcmp(word, serves[what]) == 0)
			return true;
	}
	return false;
}

static int check_serves(const struct config *c, struct vmp_msg *msg)
{
	const char *list = c->forwarded_serves;
	char word[VMP_INI_TEXT];
	int i, n;

	for (n = 0; vmp_ini_word(&list, word, sizeof(word)); n++) {
		for (i = 0; i < CONFIG_SERVES && strcmp(word, serves[i]) != 0; i++)
			;
		if (i == CONFIG_SERVES)
			return vmp_fail(msg, VMP_EINVAL, "[forwarded] serves: %s: expected licences, est or coi", word);
	}
	return n || !*c->forwarded_address
		       ? VMP_OK
		       : vmp_fail(msg, VMP_EINVAL, "[forwarded] serves: expected licences, est or coi");
}

static int check_users(const struct config *c, struct vmp_msg *msg)
{
	const char *const names[] = { c->net_user, c->store_user, c->signer_user, c->coa_enabled ? c->coa_user : "" };
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && err == VMP_OK; i++) {
		struct vmp_msg why;
		unsigned uid, gid;

		err = vmp_account_user(names[i], &uid, &gid, &why);
		if (err != VMP_OK)
			vmp_fail(msg, err, "[process] %s", why.text);
	}
	return err;
}

/* What the host's name settles: the names in policyd's certificate, and the URL that guests are told. */
static int fill_names(struct config *c, struct vmp_msg *msg)
{
	const char *at = c->names, *listen = c->address, *port;
	char first[VMP_INI_TEXT] = "", address[VMP_INI_TEXT] = "";

	if (!*c->names && gethostname(c->names, sizeof(c->names) - 1) != 0)
		return vmp_fail(msg, VMP_EINVAL, "[server] names: not given, and this host has no name: %s",
				strerror(errno));
	if (!vmp_ini_word(&at, first, sizeof(first)) || !vmp_ini_word(&listen, address, sizeof(address)))
		return vmp_fail(msg, VMP_EINVAL, "[listen] address: expected at least one");
	port = strrchr(address, ':');
	if (*c->url)
		return VMP_OK;
	if (snprintf(c->url, sizeof(c->url), strchr(first, ':') ? "https://[%s]%s" : "https://%s%s", first,
		     port ? port : "") >= (int)sizeof(c->url))
		return vmp_fail(msg, VMP_EINVAL, "[server] names: %s: too long", first);
	return VMP_OK;
}

static int check(struct config *c, struct vmp_msg *msg)
{
	static const char such_as[] = "192.0.2.1:8443 or [::]:8443";
	int err = vmp_setting_addresses("[listen] address", c->address, CONFIG_ADDRESSES, such_as, NULL, msg);

	if (err == VMP_OK)
		err = vmp_setting_addresses("[forwarded] address", c->forwarded_address, CONFIG_ADDRESSES, such_as,
					    NULL, msg);
	if (err == VMP_OK)
		err = check_serves(c, msg);
	if (err == VMP_OK)
		err = vmp_setting_addresses("[status] address", c->status_address, CONFIG_ADDRESSES, such_as, NULL,
					    msg);
	if (err == VMP_OK)
		err = sockets_check(c->coa_address, msg);
	if (err == VMP_OK)
		err = vmp_setting_log_level(c->log_level, msg);
	if (err == VMP_OK && (strlen(c->ca_name) < 1 || strlen(c->ca_name) > 64))
		err = vmp_fail(msg, VMP_EINVAL, "[ca] name: expected 1 to 64 characters");
	if (err == VMP_OK && strncmp(c->url, "https://", 8) != 0 && *c->url)
		err = vmp_fail(msg, VMP_EINVAL, "[server] url: expected https://...");
	if (err == VMP_OK)
		err = check_users(c, msg);
	return err;
}

int config_read(const char *path, struct config *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err = path ? vmp_ini_read(path, config_options, out, msg)
		       : vmp_ini_text("presets", "", 0, config_options, out, msg);

	if (err != VMP_OK)
		return err;
	err = fill_names(out, &why);
	if (err == VMP_OK)
		err = check(out, &why);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s: %s", path ? path : "presets", why.text);
}
