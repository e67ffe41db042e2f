/** policyd.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include "inifile.h"

#define CONFIG_ADDRESSES 16

/** What [forwarded] serves can name. */
enum config_serve { CONFIG_SERVES_LICENCES, CONFIG_SERVES_EST, CONFIG_SERVES_COI, CONFIG_SERVES };

struct config {
	/* [process] */
	char net_user[VMP_INI_TEXT], store_user[VMP_INI_TEXT], signer_user[VMP_INI_TEXT], coa_user[VMP_INI_TEXT];
	/* [listen] */
	char address[VMP_INI_TEXT];
	int64_t max_connections, request_timeout, idle_timeout;
	/* [forwarded] */
	char forwarded_address[VMP_INI_TEXT], forwarded_serves[VMP_INI_TEXT];
	/* [status] */
	char status_address[VMP_INI_TEXT];
	/* [server] */
	char names[VMP_INI_TEXT], url[VMP_INI_TEXT];
	/* [store] */
	char store_path[VMP_INI_TEXT];
	int64_t busy_ms, keep_certificates, keep_changes, keep_audit;
	/* [ca] */
	char ca_certificate[VMP_INI_TEXT], ca_key[VMP_INI_TEXT], ca_name[VMP_INI_TEXT];
	char crl_url[VMP_INI_TEXT], ocsp_url[VMP_INI_TEXT];
	bool ca_create;
	int64_t ca_life, crl_life;
	/* [certificate] */
	int64_t vm_life, host_life;
	/* [token] */
	int64_t token_life;
	/* [coi] */
	char master_key[VMP_INI_TEXT], master_unlock[VMP_INI_TEXT];
	int64_t rotate, grace;
	/* [directory] */
	int64_t longest_wait;
	/* [licence] */
	bool licence_direct, licence_elsewhere;
	int64_t keep_denials;
	/* [session] */
	char session_path[VMP_INI_TEXT];
	/* [coa] */
	bool coa_enabled;
	char coa_secrets[VMP_INI_TEXT], coa_dialects[VMP_INI_TEXT], coa_dictionary[VMP_INI_TEXT],
		coa_address[VMP_INI_TEXT];
	int64_t coa_rate, coa_window, coa_timeout_ms, coa_transmissions, coa_verify, coa_tries, coa_keep_jobs;
	/* [log] */
	char log_level[VMP_INI_TEXT];
};

extern const struct vmp_option config_options[];

/** Read a file; NULL: the presets alone.  Checks what the table cannot: addresses, names, users, level.
 * server names and url that the file leaves empty are made from the host's name. */
VMP_CHECKED int config_read(const char *path, struct config *out, struct vmp_msg *msg);

/** Does [forwarded] serves name it? */
bool config_serves(const struct config *config, enum config_serve what);

#endif
