/** coid.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include "inifile.h"

#define CONFIG_ADDRESSES 16

struct config {
	/* [join] */
	char join_directory[VMP_INI_TEXT]; /**< "": none */
	bool join_credential;
	char join_cidata[VMP_INI_TEXT]; /**< "yes", "no", or the path of a device or an image */
	bool join_again;
	/* [identity] */
	char certificate[VMP_INI_TEXT], key[VMP_INI_TEXT], ca[VMP_INI_TEXT]; /**< never "" once it is read */
	bool ca_is_bundles;						     /**< ca is written from the join bundle */
	char label[VMP_INI_TEXT];
	bool enrol;
	/* [policyd] */
	char policyd_url[VMP_INI_TEXT];
	int64_t policyd_timeout;
	/* [wireguard] */
	char interface[VMP_INI_TEXT], engine[VMP_INI_TEXT], program[VMP_INI_TEXT], endpoint[VMP_INI_TEXT];
	int64_t port, mtu, mark, table;
	/* [peers] */
	int64_t idle, most;
	/* [names] */
	char hosts[VMP_INI_TEXT], suffix[VMP_INI_TEXT];
	/* [lease] */
	bool lease_enabled;
	int64_t lease_port;
	/* [status] */
	char status_address[VMP_INI_TEXT], status_socket[VMP_INI_TEXT];
	/* [state] */
	char state[VMP_INI_TEXT];
	/* [log] */
	char log_level[VMP_INI_TEXT];
};

extern const struct vmp_option config_options[];

/** Read a file; NULL: the presets alone, unchecked.  Checks what the table cannot. */
VMP_CHECKED int config_read(const char *path, struct config *out, struct vmp_msg *msg);
/** Does anything lead to a join bundle? */
bool config_joins(const struct config *config);

#endif
