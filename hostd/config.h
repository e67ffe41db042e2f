/** hostd.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include "inifile.h"
#include "mac.h"

#include <net/if.h>

#define CONFIG_UPLINKS 16

/** How a switch addresses its frames to guests. */
enum config_replies { CONFIG_REPLIES_AUTO, CONFIG_REPLIES_UNICAST, CONFIG_REPLIES_GROUP };

/** One [uplink NAME]. */
struct config_uplink {
	char name[IF_NAMESIZE];	    /**< of the interface */
	char bridge[VMP_INI_TEXT];  /**< the guests' bridge; empty: the one whose port it is, or none (macvtap) */
	char replies[VMP_INI_TEXT]; /**< auto, unicast, group */
	bool host;		    /**< authenticate the host's own address first */
	int64_t window;		    /**< conversations at a time */
	int64_t rate;		    /**< EAPOL-Starts a second */
	uint64_t seen;		    /**< of the file: which options it gives */
};

struct config {
	/* [process] */
	char user[VMP_INI_TEXT], on_stop[VMP_INI_TEXT];
	bool fence;
	/* [control] */
	char control_path[VMP_INI_TEXT], control_group[VMP_INI_TEXT];
	/* [status] */
	char status_address[VMP_INI_TEXT];
	/* [policyd] */
	char policyd_url[VMP_INI_TEXT], policyd_ca[VMP_INI_TEXT], token_file[VMP_INI_TEXT];
	int64_t policyd_timeout;
	/* [identity] */
	char certificate[VMP_INI_TEXT], key[VMP_INI_TEXT];
	bool enrol;
	/* [eap] */
	char methods[VMP_INI_TEXT], eap_ca[VMP_INI_TEXT], server_name[VMP_INI_TEXT], eap_identity[VMP_INI_TEXT],
		passwords[VMP_INI_TEXT], tls_versions[VMP_INI_TEXT];
	bool resumption;
	/* [pae] */
	int64_t eapol_version, start_period, max_start, auth_period, held_period, held_max, silent_period,
		reauth_period, jitter; /* jitter: per cent */
	/* [guests] */
	bool libvirt, netlink;
	char libvirt_uri[VMP_INI_TEXT], ports[VMP_INI_TEXT], mac_from[VMP_INI_TEXT], template_name[VMP_INI_TEXT],
		serve[VMP_INI_TEXT];
	int64_t macs_per_port;
	/* [migration] */
	char authenticate[VMP_INI_TEXT]; /* resume, start */
	/* [cidata] */
	bool cidata, attach;
	char cidata_directory[VMP_INI_TEXT];
	/* [state] */
	char state_directory[VMP_INI_TEXT];
	/* [log] */
	char log_level[VMP_INI_TEXT];
	/* [uplink NAME] */
	struct config_uplink uplink[CONFIG_UPLINKS];
	int n_uplink;
};

/** The options of all sections but [uplink NAME], and those of [uplink NAME] with "uplink" as section and offsets in
 * struct config_uplink; both ended by a NULL name. */
extern const struct vmp_option config_options[];
extern const struct vmp_option config_uplink_options[];

/** Read a file; NULL: the presets alone, without an uplink.  Checks what the tables cannot: addresses, words, users,
 * names of interfaces, and that there is an uplink.  Of URLs only https:// is taken. */
VMP_CHECKED int config_read(const char *path, struct config *out, struct vmp_msg *msg);

/** The name of an interface, as far as we take it: letters, digits and . _ - @ + */
bool config_is_interface(const char *name);
enum config_replies config_replies(const struct config_uplink *uplink);

#endif
