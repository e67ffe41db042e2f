/** Who may be where, with what: the rule of authorization, without I/O.
 *
 * A VM's effective policy is, field by field, its own value, else its primary COI's, else its
 * enclave's.  The primary COI is the one with the lowest priority number, then the fewest
 * members, then the lowest id.  Source: DESIGN section 4; automated provisioning, paragraphs 39 and 46.
 */
#ifndef VMP_POLICY_H
#define VMP_POLICY_H

#include "err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define VMP_LINK_MAX 64 /**< COIs, hosts or NASes of one VM */
#define VMP_VLAN_MAX 64 /**< tagged VLANs in one list */

/** What a policy can say.  Numbers are 0 where a level says "explicitly none", except CoS. */
enum vmp_field {
	VMP_F_VLAN,	    /**< untagged VLAN id, 1-4094 */
	VMP_F_TAGGED_VLANS, /**< text, "10,20" */
	VMP_F_COS,	    /**< 802.1p priority, 0-7 */
	VMP_F_INGRESS,	    /**< [kbit/s] from the guest into the switch */
	VMP_F_EGRESS,	    /**< [kbit/s] from the switch to the guest */
	VMP_F_ACL,	    /**< text: a name, or rules, one a line */
	VMP_F_TIMEOUT,	    /**< [s] until re-authentication */
	VMP_F_MAB,	    /**< 1: MAC authentication bypass is allowed */
	VMP_FIELDS
};

/** The field's column name in the store, such as "ingress_kbps". */
const char *vmp_field_name(enum vmp_field field);

/** One level's values. */
struct vmp_policy {
	unsigned set; /**< bit (1 << enum vmp_field) for each value that this level has */
	union {
		uint32_t num;
		const char *text; /**< borrowed */
	} value[VMP_FIELDS];
};

struct vmp_tenant {
	int64_t id;
	const char *name;
	bool enabled;
};

struct vmp_enclave {
	int64_t id;
	const char *name;
	bool enabled;
	uint32_t acct_interim_s; /**< [s] 0: none */
	struct vmp_policy policy;
};

struct vmp_coi {
	int64_t id;
	const char *name;
	bool enabled;
	uint32_t priority;
	int64_t member_count;
	struct vmp_policy policy;
};

/** An address as it stands in a packet: IPv4 in the last four octets behind ::ffff:0:0/96. */
struct vmp_addr {
	uint8_t octet[16];
};

struct vmp_nas {
	int64_t id;
	const char *name;
	struct vmp_addr address;
	const char *dialect;
	uint16_t quarantine_vlan; /**< 0: none of its own */
	enum vmp_nas_coa { VMP_NAS_AS_DIALECT, VMP_NAS_COA, VMP_NAS_DISCONNECT, VMP_NAS_NONE } coa;
	uint16_t coa_port; /**< 0: the dialect's */
	uint32_t coa_rate; /**< [1/s] 0: policyd's */
};

struct vmp_host {
	int64_t id;
	const char *name;
	const char *cert_name;
	int64_t tenant_id, enclave_id; /**< 0: any */
	bool enabled;
};

struct vmp_uplink {
	int64_t host_id, nas_id;
	const char *port; /**< "" is any port */
};

/** The small tables of a store, in memory, as of one generation.  Arrays ascend by id
 * (NASes by address, hosts by cert_name without case); uplinks by host. */
struct vmp_catalog {
	int64_t generation;
	size_t n_tenant, n_enclave, n_coi, n_nas, n_host, n_uplink;
	struct vmp_tenant *tenant;
	struct vmp_enclave *enclave;
	struct vmp_coi *coi;
	struct vmp_nas *nas;
	struct vmp_host *host;
	struct vmp_uplink *uplink;
};

/** One VM's row and links. */
struct vmp_vm {
	uint64_t mac;
	const char *name;
	bool enabled;
	bool has_eap_md5;	       /**< an EAP-MD5 password is recorded for it */
	int64_t not_before, not_after; /**< [s] since 1970, UTC; 0 and INT64_MAX when open */
	int64_t tenant_id, enclave_id;
	struct vmp_policy policy;
	size_t n_coi, n_host, n_nas;
	int64_t coi_id[VMP_LINK_MAX], host_id[VMP_LINK_MAX], nas_id[VMP_LINK_MAX];
};

/** How the guest is being authenticated. */
enum vmp_method {
	VMP_METHOD_MAB,
	VMP_METHOD_EAP, /**< in progress, its type not yet settled */
	VMP_METHOD_EAP_MD5,
	VMP_METHOD_EAP_TLS,
	VMP_METHOD_EAP_OTHER /**< a type that proves nothing to us */
};

/** What is asked. */
struct vmp_request {
	enum vmp_method method;
	struct vmp_addr nas;
	const char *port_id;	      /**< NAS-Port-Id as the NAS sent it; NULL when absent */
	int64_t port;		      /**< NAS-Port; -1 when absent */
	const char *const *cert_name; /**< EAP-TLS: the certificate's DNS names, else its common name; NULL ends */
	int64_t now;		      /**< [s] since 1970, UTC */
};

enum vmp_verdict {
	VMP_ALLOW,
	VMP_UNKNOWN, /**< no VM has this MAC */
	VMP_VM_DISABLED,
	VMP_NOT_YET,
	VMP_EXPIRED,
	VMP_TENANT_DISABLED,
	VMP_ENCLAVE_DISABLED,
	VMP_COI_DISABLED, /**< its primary COI is */
	VMP_WRONG_NAS,	  /**< bound to NASes, this is none of them */
	VMP_WRONG_HOST,	  /**< bound to hosts; the request comes from another, or from no port of theirs */
	VMP_HOST_UNKNOWN, /**< EAP-TLS: the certificate names no host */
	VMP_HOST_DISABLED,
	VMP_HOST_SCOPE, /**< EAP-TLS: the host serves another tenant or enclave */
	VMP_NO_MAB,
	VMP_NO_EAP_MD5,
	VMP_NO_EAP_TYPE,
	VMP_VERDICTS
};

/** The verdict's word for logs and counters, such as "vm-disabled". */
const char *vmp_verdict_name(enum vmp_verdict verdict);
/** The verdict in a sentence for Reply-Message. */
const char *vmp_verdict_text(enum vmp_verdict verdict);
/** Whether the verdict says that somebody asked from where they must not: an audit event. */
bool vmp_verdict_is_alarm(enum vmp_verdict verdict);

/** Where a field's value came from. */
enum vmp_source { VMP_FROM_NOBODY, VMP_FROM_VM, VMP_FROM_COI, VMP_FROM_ENCLAVE };

/** The answer.  All pointers are borrowed from the catalog and the VM. */
struct vmp_decision {
	enum vmp_verdict verdict;
	const struct vmp_nas *nas; /**< NULL: not in the store */
	/* What follows is set for known VMs. */
	const struct vmp_vm *vm;
	const struct vmp_tenant *tenant;
	const struct vmp_enclave *enclave;
	const struct vmp_coi *primary; /**< NULL: member of none */
	const struct vmp_host *host;   /**< EAP-TLS: whose certificate; else NULL */
	struct vmp_policy effective;
	enum vmp_source source[VMP_FIELDS];
	size_t n_coi; /**< all its COIs, as they stand in the store */
	const struct vmp_coi *coi[VMP_LINK_MAX];
	size_t n_tagged; /**< effective tagged VLANs, the other COIs' among them */
	uint16_t tagged[VMP_VLAN_MAX];
};

/** Decide one request.
 *
 * @param vm  NULL when no VM has the MAC.
 * @param out filled whole; the effective policy also when the verdict is not VMP_ALLOW.
 * Ids in vm that the catalog lacks are skipped (the schema does not let them arise), a tenant
 * or enclave that it lacks counts as disabled.
 * Cost: O(COIs of the VM * log COIs); no allocation.
 */
void vmp_policy_decide(const struct vmp_catalog *cat, const struct vmp_vm *vm, const struct vmp_request *req,
		       struct vmp_decision *out);

/** A number for what a NAS was told: VLANs, CoS, rates, ACL, timers, and its dialect.  Two decisions with the same
 * number configure a port alike.  It stands in session.db, so it is the same in each program of one version; never 0.
 */
uint64_t vmp_policy_digest(const struct vmp_decision *decision);
/** Was a NAS with this digest told what the decision says?  Also true when nobody can tell: it comes from a version
 * that counts otherwise.  An upgrade must not have every guest of the site authenticate again.
 * @param digest  0: nothing is known of what it was told, so it was not told this. */
bool vmp_policy_was_told(uint64_t digest, const struct vmp_decision *decision);

const struct vmp_coi *vmp_catalog_coi(const struct vmp_catalog *cat, int64_t id);
const struct vmp_tenant *vmp_catalog_tenant(const struct vmp_catalog *cat, int64_t id);
const struct vmp_enclave *vmp_catalog_enclave(const struct vmp_catalog *cat, int64_t id);
const struct vmp_nas *vmp_catalog_nas(const struct vmp_catalog *cat, const struct vmp_addr *address);
/** By certificate name, without case. */
const struct vmp_host *vmp_catalog_host(const struct vmp_catalog *cat, const char *cert_name);

/** Read "10, 20" into at most VMP_VLAN_MAX different ids appended to list.
 * @return VMP_OK; VMP_EINVAL when it is no such list, list then as before. */
VMP_CHECKED int vmp_vlans_add(const char *text, uint16_t list[VMP_VLAN_MAX], size_t *n);

/** @return VMP_OK; VMP_EINVAL when text is neither an IPv4 nor an IPv6 address. */
VMP_CHECKED int vmp_addr_parse(const char *text, struct vmp_addr *out);
void vmp_addr_v4(const struct in_addr *in, struct vmp_addr *out);
bool vmp_addr_is_v4(const struct vmp_addr *addr);
#define VMP_ADDR_TEXT 46
/** IPv4 as such, not as a mapped IPv6 address. */
void vmp_addr_format(const struct vmp_addr *addr, char out[VMP_ADDR_TEXT]);

#endif
