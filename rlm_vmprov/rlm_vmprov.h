/** rlm_vmprov: authorizes guests' MAC addresses from a vmprov store.
 *
 * What a request is (ask.c), what the store answers (conn.c), what the answer's values are called
 * (fact.c), how a make of switch wants to be told (dialect.c), and what an administrator's unlang
 * can ask for (xlat.c).  This header comes after FreeRADIUS's own.
 */
#ifndef RLM_VMPROV_H
#define RLM_VMPROV_H

#include <freeradius/radiusd.h>
#include <freeradius/modules.h>

#include "mac.h"
#include "store.h"

typedef struct dialect dialect_t;
typedef struct vmprov_conn vmprov_conn_t;
typedef struct vmprov_pool vmprov_pool_t;

/** Counters that are no verdict. */
enum { STAT_NOT_OURS = VMP_VERDICTS, STAT_FAILED, STAT_MISMATCH, STATS };

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

	uint32_t stat[STATS];         /**< since the server's start; wrap as Counter32 does */

	vmprov_pool_t *pool;
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
	char mac[VMP_MAC_TEXT];
	char class[128];
	char priority_table[9];
	char acl[2048];
} answer_t;

typedef struct fact fact_t;

void answer_init(answer_t *answer, rlm_vmprov_t const *inst, struct vmp_decision const *decision);
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
 *	rlm_vmprov.c
 */
/** Index in rlm_vmprov_t.stat of a counter, as radmin names it without "stat_"; -1: none. */
int stat_by_name(char const *name);

/*
 *	xlat.c
 */
int vmprov_xlat_init(rlm_vmprov_t *inst);
/** For the length of a dialect's slow lines: what %{vmprov:...} speaks of. */
void vmprov_xlat_current(answer_t *answer);

#endif
