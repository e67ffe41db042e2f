/** gatewayd.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include "broker.h"
#include "inifile.h"

#define CONFIG_ADDRESSES 16
#define CONFIG_INTERFACE 16 /**< [octets] an interface's name and its NUL */
#define CONFIG_CLEAR	 8  /**< interfaces of the clear side */
#define CONFIG_INPUTS	 32 /**< words of [coi] input */

/** [server NAME] */
struct config_server {
	char name[VMP_BROKER_SERVER];
	char url[VMP_INI_TEXT], proxy[VMP_INI_TEXT];
	bool home;
	uint64_t seen;
};

struct config {
	/* [process] */
	char user[VMP_INI_TEXT];
	/* [listen] */
	char address[VMP_INI_TEXT];
	int64_t max_connections, request_timeout, idle_timeout;
	/* [status] */
	char status_address[VMP_INI_TEXT];
	/* [store] */
	char store_path[VMP_INI_TEXT];
	/* [identity] */
	char certificate[VMP_INI_TEXT], key[VMP_INI_TEXT], ca[VMP_INI_TEXT], token_file[VMP_INI_TEXT],
		label[VMP_INI_TEXT], identity_url[VMP_INI_TEXT];
	bool enrol;
	/* [broker] */
	int64_t lease, refresh, timeout, wait, margin, spare, slack;
	/* [coi] */
	bool coi_enabled, coi_forwarding, coi_transit, coi_masquerade;
	char coi_state[VMP_INI_TEXT], coi_status_address[VMP_INI_TEXT], coi_interface[VMP_INI_TEXT],
		coi_engine[VMP_INI_TEXT], coi_program[VMP_INI_TEXT], coi_endpoint[VMP_INI_TEXT],
		coi_clear[VMP_INI_TEXT], coi_input[VMP_INI_TEXT];
	int64_t coi_port, coi_mtu, coi_mark, coi_table, coi_idle, coi_most;
	/* [log] */
	char log_level[VMP_INI_TEXT];

	struct config_server server[BROKER_SERVERS]; /**< in the file's order */
	int n_server, home;
};

extern const struct vmp_option config_options[], config_server_options[];

/** Read a file; NULL: the presets alone, unchecked.  Checks what the tables cannot. */
VMP_CHECKED int config_read(const char *path, struct config *out, struct vmp_msg *msg);

/** May an interface have this name? */
bool config_is_interface(const char *name);

/** A word of [coi] input: what machines may reach on the gateway itself. */
struct config_input {
	enum { CONFIG_ICMP, CONFIG_TCP, CONFIG_UDP } protocol;
	uint16_t port; /**< 0: icmp */
};
/** @return whether it is one. */
bool config_input_word(const char *word, struct config_input *out);

#endif
