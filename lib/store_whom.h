/** Whom a row with a mac or a host_id stands for, and whether that may be served; for lib/store*.c alone. */
#ifndef VMP_STORE_WHOM_H
#define VMP_STORE_WHOM_H

#include "store_cert.h"
#include "store_stmt.h"

/** SELECT ... WHOM_COLUMNS FROM table AS w WHOM_JOIN ...: the VM or host behind w. */
#define WHOM_COLUMNS                                                                                                   \
	"w.mac, w.host_id, guest.uuid, coalesce(vm.name, host.name), coalesce(host.cert_name, host.name), "            \
	"template.name, template.cert_life_s, template.kind, coalesce(vm.enabled, host.enabled), vm.not_before, "      \
	"vm.not_after, "                                                                                               \
	"tenant.enabled, enclave.enabled, vm.tenant_id, vm.enclave_id, "                                               \
	"iif(template.kind = 'vm', template.licence_product, ''), template.gateway, template.broker "
#define WHOM_JOIN                                                                                                      \
	" LEFT JOIN vm ON vm.mac = w.mac LEFT JOIN guest ON guest.mac = w.mac "                                        \
	"LEFT JOIN template ON template.id = guest.template_id LEFT JOIN host ON host.id = w.host_id "                 \
	"LEFT JOIN tenant ON tenant.id = coalesce(vm.tenant_id, host.tenant_id) "                                      \
	"LEFT JOIN enclave ON enclave.id = coalesce(vm.enclave_id, host.enclave_id) "

/** Read WHOM_COLUMNS, which start at col: all of out but kind, serial and times, which are zeroed. */
void vmp_whom_read(sqlite3_stmt *stmt, int col, struct vmp_identity *out);
/** Why it may not be served now, as words behind its name; NULL: it may. */
const char *vmp_whom_refusal(sqlite3_stmt *stmt, int col, int64_t now);

/** The same for five columns: enabled, not_before, not_after, the tenant's enabled, the enclave's enabled. */
#define STANDING_COLUMNS "vm.enabled, vm.not_before, vm.not_after, tenant.enabled, enclave.enabled "
const char *vmp_standing_refusal(sqlite3_stmt *stmt, int col, int64_t now);

/** "vm 52:54:00:00:01:01" or "host hv1", for messages. */
#define WHOM_TEXT 140
const char *vmp_whom_text(const struct vmp_identity *who, char out[WHOM_TEXT]);

/** "vm", "gateway", "host", "server", "signer"; "" for none of these. */
const char *vmp_kind_word(enum vmp_cert_kind kind);
/** 0 for none of these. */
enum vmp_cert_kind vmp_kind_of(const char *word);

/** Insert a certificate for who.  The rest comes from row. */
VMP_CHECKED int vmp_cert_insert(struct vmp_store *store, const struct vmp_identity *who, const struct vmp_cert_row *row,
				struct vmp_msg *msg);

/** A host that says something. */
struct vmp_speaker {
	int64_t id;		       /**< 0: an administrator, who may say anything */
	int64_t tenant_id, enclave_id; /**< 0: any */
	char name[65];
};
/** @return VMP_OK; VMP_EACCES: not there, or disabled. */
VMP_CHECKED int vmp_speaker_read(struct vmp_store *store, int64_t id, struct vmp_speaker *out, struct vmp_msg *msg);
/** May it speak for a VM of this tenant and enclave, and, where hosts are bound to it, for this VM?  VMP_EACCES. */
VMP_CHECKED int vmp_speaker_check(struct vmp_store *store, const struct vmp_speaker *speaker, uint64_t mac,
				  int64_t tenant_id, int64_t enclave_id, struct vmp_msg *msg);

/** Void the older tokens of a VM or of a host (the other is 0), and record one. */
VMP_CHECKED int vmp_token_issue(struct vmp_store *store, uint64_t mac, int64_t host_id, int64_t template_id,
				int64_t by_host, const struct vmp_clock *clock, int ttl_s,
				const uint8_t hash[VMP_DIGEST], struct vmp_msg *msg);

#endif
