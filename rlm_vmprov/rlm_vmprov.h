/** rlm_vmprov: authorizes guests' MAC addresses from a vmprov store, and keeps who is where.
 *
 * What a request is (ask.c), what the store answers (conn.c), what the answer's values are called
 * (fact.c), how a make of switch wants to be told (dialect.c), and what an administrator's unlang
 * can ask for (xlat.c).  What the network says of guests (report.c) is written to session.db by one
 * thread (writer.c), which answers accounting once it is durable; account.c has the methods for it.
 * Two guests with one MAC are told apart as far as possible (clone.c).  This header comes after
 * FreeRADIUS's own.
 */
#ifndef RLM_VMPROV_H
#define RLM_VMPROV_H

#include <freeradius/radiusd.h>
#include <freeradius/modules.h>

#include "class.h"
#include "mac.h"
#include "store.h"
#include "store_session.h"

typedef struct dialect dialect_t;
typedef struct vmprov_conn vmprov_conn_t;
typedef struct vmprov_pool vmprov_pool_t;
typedef struct writer writer_t;
typedef struct bars bars_t;
typedef struct counted counted_t;

/** Counters that are no verdict. */
enum {
	STAT_NOT_OURS = VMP_VERDICTS, STAT_FAILED, STAT_MISMATCH,
	STAT_CLONE_REFUSED,           /**< refused since the MAC is in use in two places */
	STAT_ACCOUNTED,               /**< Accounting-Responses, after the commit */
	STAT_NOT_ACCOUNTED,           /**< accounting left without a response: it could not be written */
	STAT_SESSION_WRITTEN,         /**< reports in session.db, authorizations and accounting */
	STAT_SESSION_LOST,            /**< authorizations that could not be written */
	STAT_MOVED, STAT_CLONES,
	STATS
};

/** What a clone alarm leads to, for session.clone_hold seconds. */
typedef enum clone_action { CLONE_NONE, CLONE_NEWER, CLONE_OLDER, CLONE_BOTH } clone_action_t;

typedef struct rlm_vmprov {
	char const *name;
	char const *filename;         /**< policy.db */
	uint32_t busy_timeout;        /**< [ms] wait for a lock of the store */
	char const *default_dialect;  /**< for NASes that the store does not have */
	uint32_t quarantine_vlan;     /**< for unknown MACs at NASes without their own; 0: none */
	char const *mab_password;     /**< accepted beside the MAC itself; empty: none */
	bool export;                  /**< copy the policy to &control:VMProv-* */
	bool nas_from_attributes;     /**< requests come through proxies: trust NAS-IP-Address */
	char const *dictionary;       /**< read when VMProv-* attributes are not yet known */

	struct {
		char const *filename;         /**< session.db; empty: sessions are not written */
		uint32_t clone_window;        /**< [s] 0: no clone alarms */
		char const *clone_action_name;
		clone_action_t clone_action;
		uint32_t clone_hold;          /**< [s] how long a place is refused after a clone alarm */
		uint32_t keep;                /**< [s] past sessions and notices */
	} session;

	uint32_t stat[STATS];         /**< since the server's start; wrap as Counter32 does */

	counted_t *counted;           /**< by name: what reloads leave alone */
	vmprov_pool_t *pool;
	writer_t *writer;             /**< NULL: sessions are not written */
	bars_t *bars;
	dialect_t *dialects;          /**< a list, the default one first */
} rlm_vmprov_t;

/*
 *	conn.c: the pool of read-only connections.
 */
int conn_pool_init(rlm_vmprov_t *inst);
void conn_pool_free(vmprov_pool_t *pool);
/** Decide on a free connection.  On VMP_OK conn_done() must follow when the decision is used up. */
VMP_CHECKED int conn_decide(rlm_vmprov_t *inst, REQUEST *request, uint64_t mac, struct vmp_request const *req,
			    struct vmp_decision *out, vmprov_conn_t **conn);
/** The EAP-MD5 password of the VM just decided on, as vmp_store_eap_md5(). */
VMP_CHECKED int conn_eap_md5(vmprov_conn_t *conn, char out[129]);
void conn_done(vmprov_conn_t *conn);

/*
 *	ask.c
 */
/** What the request says of itself. */
typedef struct ask {
	uint64_t mac;
	char const *mismatch;         /**< why it cannot be a MAC authentication; NULL when it can */
	struct vmp_request req;
	char const *cert_name[9];
} ask_t;

/** @return false when there is no MAC in the request: not ours. */
bool ask_init(rlm_vmprov_t const *inst, REQUEST *request, ask_t *out);

/** An attribute to find, and where the pointer to its first pair goes in a struct of them. */
typedef struct wanted {
	unsigned int attr;
	size_t offset;
} wanted_t;
/** All in one pass: requests carry a dozen, and each search would walk them.  No vendor's. */
void pairs_find(REQUEST *request, wanted_t const *wanted, size_t n, void *out);
/** The pair is text that is a MAC address. */
bool pair_mac(VALUE_PAIR const *vp, uint64_t *mac);
/** The address that the shared secret belongs to, or the one that NAS attributes claim, as configured. */
void nas_address(rlm_vmprov_t const *inst, REQUEST *request, VALUE_PAIR const *nas_ip_address,
		 VALUE_PAIR const *nas_ipv6_address, struct vmp_addr *out);

/*
 *	fact.c: the internal attributes.  One value is text, or a number when text is NULL.
 */
typedef struct value {
	char const *text;
	uint32_t num;
} value_t;

#define FACT_VALUES VMP_VLAN_MAX

/** An answer whose values can be asked for; text lives as long as it. */
typedef struct answer {
	struct vmp_decision const *decision;
	rlm_vmprov_t const *inst;
	uint32_t quarantine_vlan;     /**< not 0: the answer to an unknown MAC */
	uint64_t token;               /**< of this authorization, in Class; 0: not asked for yet */
	char mac[VMP_MAC_TEXT];
	char class[VMP_CLASS_MAX];
	char priority_table[9];
	char acl[2048];
} answer_t;

typedef struct fact fact_t;

void answer_init(answer_t *answer, rlm_vmprov_t const *inst, struct vmp_decision const *decision);
/** The answer's token, made at the first call: higher than all before it. */
uint64_t answer_token(answer_t *answer);
/** Find the facts' attributes in the dictionaries, reading the configured file if they are not there. */
int facts_init(rlm_vmprov_t const *inst, CONF_SECTION *conf);
/** By attribute; NULL when it is none of ours. */
fact_t const *fact_by_da(DICT_ATTR const *da);
/** By the name in lower case after "VMProv-", len octets of it. */
fact_t const *fact_by_name(char const *name, size_t len);
/** The fact's values; 0 when it has none. */
size_t fact_values(fact_t const *fact, answer_t *answer, value_t out[FACT_VALUES]);
/** Set a pair of whatever type from a value.  @return false when the type cannot hold it. */
bool fact_to_pair(VALUE_PAIR *vp, value_t const *value);
/** VMProv-Quarantine-VLAN's attribute. */
DICT_ATTR const *quarantine_da(void);
/** The first pair of an attribute in a list, of tag where that is not TAG_ANY. */
VALUE_PAIR *pair_first(VALUE_PAIR *list, DICT_ATTR const *da, int8_t tag);
/** Write num in decimal. @return its digits, somewhere in out. */
char const *decimal(uint32_t num, char out[11]);
/** All facts that have values into &control:. */
void facts_export(REQUEST *request, answer_t *answer);

/*
 *	dialect.c
 */
int dialects_init(rlm_vmprov_t *inst, CONF_SECTION *conf);
dialect_t const *dialect_find(rlm_vmprov_t const *inst, char const *name);
/** The dialect that the answer's NAS speaks; NULL when the store names one that is not configured. */
dialect_t const *dialect_of(answer_t const *answer);
/** Build the reply. @return false when out of memory. */
bool dialect_apply(dialect_t const *dialect, REQUEST *request, answer_t *answer);

/*
 *	report.c: what a packet says of a guest's session.
 */
/** A report and its texts. */
typedef struct report {
	struct vmp_report vmp;
	char nas[VMP_ADDR_TEXT], nas_ip[VMP_ADDR_TEXT], framed_ip[VMP_ADDR_TEXT];
	char detail[256];
} report_t;

/** What was answered to an authorization, from authorize to post-auth. */
typedef struct answered {
	uint64_t mac, token, policy;
	enum vmp_method method;
	bool quarantined;
	uint16_t vlan;
	uint32_t timeout_s;
	char cert_name[254];
} answered_t;
void answered_init(answered_t *out, ask_t const *ask, answer_t *answer);

void report_authorized(rlm_vmprov_t const *inst, REQUEST *request, answered_t const *answered, report_t *out);
void report_refused(rlm_vmprov_t const *inst, REQUEST *request, uint64_t mac, report_t *out);
/** @return RLM_MODULE_OK; RLM_MODULE_NOOP: no guest's and no NAS's restart; RLM_MODULE_INVALID: accounting that lacks
 * what RFC 2866 asks for, which the request's log tells. */
rlm_rcode_t report_accounting(rlm_vmprov_t const *inst, REQUEST *request, report_t *out);

/*
 *	writer.c: session.db.
 */
int writer_init(rlm_vmprov_t *inst);
/** A reload has put another instance in its place: what is queued and what yet comes is written, and no more is done.
 * NULL is allowed. */
void writer_retire(writer_t *writer);
/** Writes what is queued, and ends. */
void writer_free(writer_t *writer);
/** Take a copy of a report.  Accounting is answered once it is durable: by the thread itself where reply is there, which
 * it takes; else this call waits.
 * @return true; false when it could not be taken or, where this call waits, written. */
bool writer_put(writer_t *writer, struct vmp_report const *report, RADIUS_PACKET *reply);

/*
 *	account.c
 */
rlm_rcode_t mod_preacct(void *instance, REQUEST *request);
rlm_rcode_t mod_accounting(void *instance, REQUEST *request);

/*
 *	clone.c: places that are refused for a while, since one MAC was seen in two.
 */
int clone_init(rlm_vmprov_t *inst, CONF_SECTION *conf);
void clone_free(bars_t *bars);
/** Is the session that lasts to end as well, after an alarm?  Not where the other place is refused already: then the one
 * that lasts is who was there first, and has come back. */
bool clone_evicts(rlm_vmprov_t const *inst, uint64_t mac, struct vmp_report_effect const *effect, time_t now);
/** An alarm was raised: refuse what the configuration says. */
void clone_bar(rlm_vmprov_t *inst, uint64_t mac, struct vmp_report_effect const *effect, time_t now);
/** Is this place refused? */
bool clone_barred(rlm_vmprov_t const *inst, uint64_t mac, struct vmp_request const *req);

/*
 *	rlm_vmprov.c
 */
void count(rlm_vmprov_t *inst, int stat);
/** Index in rlm_vmprov_t.stat of a counter, as radmin names it without "stat_"; -1: none. */
int stat_by_name(char const *name);

/*
 *	xlat.c
 */
int vmprov_xlat_init(rlm_vmprov_t *inst);
/** For the length of a dialect's slow lines: what %{vmprov:...} speaks of. */
void vmprov_xlat_current(answer_t *answer);

#endif
