/** Certificates in the store, and whom they stand for.  Writes belong inside vmp_store_begin() and _commit(). */
#ifndef VMP_STORE_CERT_H
#define VMP_STORE_CERT_H

#include "ca.h"
#include "store.h"

/** Two clocks: the one that people see, and one that nobody can set. */
struct vmp_clock {
	int64_t now;	  /**< [s] since 1970, UTC */
	int64_t boot_ms;  /**< [ms] CLOCK_BOOTTIME */
	char boot_id[37]; /**< which boot that counts from: /proc/sys/kernel/random/boot_id */
};
void vmp_clock_read(struct vmp_clock *clock);

/** Whom a certificate stands for. */
struct vmp_identity {
	enum vmp_cert_kind kind;
	uint8_t serial[VMP_SERIAL];
	int64_t not_before, not_after; /**< [s] since 1970, UTC */
	uint64_t mac;		       /**< VMs and gateways, else 0 */
	char uuid[VMP_UUID_TEXT];      /**< VMs and gateways, else empty */
	int64_t host_id;	       /**< hosts, else 0 */
	char name[129];		       /**< the VM's or the host's */
	char dns[254];		       /**< hosts: the name in the certificate */
	char template_name[65];	       /**< VMs and gateways */
	int64_t life_s;		       /**< [s] of its next certificate; 0: policyd's default */
	enum vmp_cert_kind next_kind;  /**< of its next certificate: VMs' and gateways' follow their template */
	/* VMs and gateways: what licences go by, as struct vmp_licence_asker has it. */
	int64_t tenant_id, enclave_id;
	char licence[65], gateway[254];
	bool broker;
};

/** The identity behind a certificate that TLS has verified.  At its first use, the older certificates of the same VM or
 * host are revoked as superseded: until then both are good, so that a reply lost on the way locks nobody out.
 *
 * That first use is a write: the caller has a transaction open, in a handle that may write.  All later uses read.
 *
 * @return VMP_OK; VMP_ENOENT: not issued here; VMP_EACCES: revoked, expired, or its VM or host is disabled, expired or
 * not yet valid, or its tenant or enclave disabled; *out is filled then, for the audit event.
 * Cost: one look-up of seven rows. */
VMP_CHECKED int vmp_store_identify(struct vmp_store *store, const uint8_t serial[VMP_SERIAL], int64_t now,
				   struct vmp_identity *out, struct vmp_msg *msg);

/** A certificate as it is kept. */
struct vmp_cert_row {
	struct vmp_identity who; /**< serial, kind, life, whom */
	char subject[129];
	int64_t issued_at, used_at, revoked_at; /**< [s] since 1970; 0: not */
	uint8_t reason;				/**< CRLReason */
	uint8_t key_digest[VMP_DIGEST];
	const uint8_t *der; /**< borrowed */
	size_t der_len;
};

/** Record a certificate that no token or renewal stands behind: policyd's own.  VMP_EEXIST when the serial number is
 * taken. */
VMP_CHECKED int vmp_store_cert_add(struct vmp_store *store, const struct vmp_cert_row *row, struct vmp_msg *msg);

/** Is there already an unused, live certificate that identity was given for this key?  Copies it: a client that asks
 * again, since the reply was lost, gets the same; not when its kind is not who->next_kind any more.  @param len  in:
 * room, out: length. @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_store_cert_prepared(struct vmp_store *store, const struct vmp_identity *who,
					const uint8_t key_digest[VMP_DIGEST], int64_t now, uint8_t *der, size_t *len,
					struct vmp_msg *msg);

/** The DER of a certificate.  @param len  in: room, out: length. @return VMP_OK, VMP_ENOENT. */
VMP_CHECKED int vmp_store_cert_der(struct vmp_store *store, const uint8_t serial[VMP_SERIAL], uint8_t *der, size_t *len,
				   struct vmp_msg *msg);

/** Revoke.  Its VM's directory entry goes; a reason other than superseded (4) and cessationOfOperation (5) makes the
 * VM's COIs change their keys.  The schema's triggers see to both, and write the audit event, so that sqlite3 does the
 * same.
 * @param which   a serial number in hexadecimal, a VM (MAC or name) or "host:NAME": all their live certificates.
 * @param by      who, for the audit event. @param n  out, how many.
 * @return VMP_OK; VMP_ENOENT when there is no such certificate, VM or host. */
VMP_CHECKED int vmp_store_cert_revoke(struct vmp_store *store, const char *which, int reason, const char *by,
				      int64_t now, int *n, struct vmp_msg *msg);
/** CRLReason by its name ("keyCompromise", ...). @return VMP_OK, VMP_EINVAL with the names. */
VMP_CHECKED int vmp_crl_reason(const char *name, int *out, struct vmp_msg *msg);
const char *vmp_crl_reason_name(int reason);

/** Each certificate, newest first: of one VM or host (as in revoke) or NULL for all; with_ended: revoked and expired
 * too. */
VMP_CHECKED int vmp_store_cert_each(struct vmp_store *store, const char *which, bool with_ended, int64_t now,
				    int (*each)(void *ctx, const struct vmp_cert_row *row), void *ctx,
				    struct vmp_msg *msg);

/** What the CRL lists: revoked and not yet expired.  @param list  malloc'd; free() it. */
VMP_CHECKED int vmp_store_revoked(struct vmp_store *store, int64_t now, struct vmp_revoked **list, size_t *n,
				  struct vmp_msg *msg);
/** Fill in the status of each item that is ours. */
VMP_CHECKED int vmp_store_ocsp(struct vmp_store *store, struct vmp_ocsp *ask, struct vmp_msg *msg);
/** The next CRLNumber: counts up durably. */
VMP_CHECKED int vmp_store_crl_number(struct vmp_store *store, int64_t *out, struct vmp_msg *msg);

/** Forget certificates that ended more than keep_s ago, tokens that ended more than a day ago; at most max rows a call.
 * @param n  out, how many. */
VMP_CHECKED int vmp_store_cert_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n,
				    struct vmp_msg *msg);

#endif
