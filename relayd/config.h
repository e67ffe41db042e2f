/** relayd.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include "authority.h"
#include "filter.h"
#include "inifile.h"

#define CONFIG_SERVICES	 32
#define CONFIG_NAME	 32 /**< of a service, with its NUL */
#define CONFIG_ADDRESSES 8  /**< of [listen] */

/** One [service NAME]. */
struct config_service {
	char name[CONFIG_NAME];
	char target[VMP_INI_TEXT]; /**< in lower case: what a CONNECT must say */
	char type_word[VMP_INI_TEXT], listen[VMP_INI_TEXT], ca[VMP_INI_TEXT], server[VMP_INI_TEXT];
	uint64_t seen; /**< of the file: which options it gives */
	enum service_type type;
};

struct config {
	/* [process] */
	char user[VMP_INI_TEXT];
	/* [relay] */
	char role[VMP_INI_TEXT];
	bool chain;
	int64_t max_depth;
	/* [listen] */
	char address[VMP_INI_TEXT], peers[VMP_INI_TEXT];
	/* [next] */
	char next_address[VMP_INI_TEXT], next_name[VMP_INI_TEXT];
	/* [identity] */
	char certificate[VMP_INI_TEXT], key[VMP_INI_TEXT], ca[VMP_INI_TEXT], label[VMP_INI_TEXT],
		token_file[VMP_INI_TEXT];
	bool enrol;
	/* [policyd] */
	char policyd_url[VMP_INI_TEXT], policyd_ca[VMP_INI_TEXT], policyd_proxy[VMP_INI_TEXT];
	int64_t policyd_timeout;
	/* [limits] */
	int64_t tunnels, per_peer, connect_timeout, request_timeout, idle_timeout;
	/* [status] */
	char status_address[VMP_INI_TEXT];
	/* [log] */
	char log_level[VMP_INI_TEXT];
	/* [service NAME] */
	struct config_service service[CONFIG_SERVICES];
	int n_service;
};

/** The options of all sections but [service NAME], and those of [service NAME] with "service" as section and offsets in
 * struct config_service; both ended by a NULL name. */
extern const struct vmp_option config_options[];
extern const struct vmp_option config_service_options[];

/** Read a file.  Checks what the tables cannot: addresses, words, users, URLs, and that no two services have one
 * target. */
VMP_CHECKED int config_read(const char *path, struct config *out, struct vmp_msg *msg);

/** Does it take requests from the enclave's machines, rather than from proxies? */
bool config_is_proxy(const struct config *config);

#endif
