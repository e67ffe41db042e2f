/** Guests: VMs that a host has started from a template, their join tokens and their enrolment.
 * Source: automated provisioning, paragraphs 60-64; seed claims 1-4.  Writes belong inside vmp_store_begin() and
 * _commit(). */
#ifndef VMP_STORE_GUEST_H
#define VMP_STORE_GUEST_H

#include "store_cert.h"

#define VMP_TOKEN_TEXT 44  /**< a token: 32 random octets in base64url, and a NUL */
#define VMP_TOKEN_S    600 /**< [s] a token's life, at most */

/** A host says that a guest starts. */
struct vmp_start {
	const char *uuid; /**< canonical */
	uint64_t mac;
	const char *template_name;
	const char *name; /**< for a VM that is made; NULL: its MAC */
	int64_t host_id;  /**< 0: an administrator says it */
};

/** What a guest is told to join with. */
struct vmp_join {
	char uuid[VMP_UUID_TEXT];
	uint64_t mac;
	char name[129];
	char template_name[65];
	char gateway[254]; /**< empty: none */
	char licence[65];  /**< product; empty: none */
	bool created;	   /**< the VM record was made now */
	size_t n_coi;
	char coi[VMP_LINK_MAX][65];
};

/** Create or check the VM record, remember where the guest runs, and give it a new join token in place of all older
 * ones.
 *
 * A MAC that no VM has is made a VM, with the template's tenant, enclave and COIs, if the template has auto_create.  A
 * VM that is there and never was a guest is bound to the UUID, if it is of the template's tenant and enclave; by a
 * template of gateways without auto_create only when an administrator says it.  It joins the template's COIs if it is
 * in none, else keeps exactly its own.  Later starts change no membership, so that an administrator's removal stays.
 *
 * @param token_hash  SHA-256 of the token's text; the token lives for ttl_s seconds of both clocks: within one boot
 * that of CLOCK_BOOTTIME alone counts, so that a stepped clock neither ends nor prolongs it.
 * @return VMP_OK; VMP_ENOENT: no such template, or no such VM and the template makes none; VMP_EEXIST: the MAC is
 * another guest's, or the UUID has another MAC; VMP_EACCES: the host may not speak for this VM (bound to other hosts,
 * tenant, enclave), or the VM, its tenant or enclave, or the template is disabled, or the VM was made from another
 * template, or is of another tenant or enclave than the template, or may be made a gateway by an administrator only.
 */
VMP_CHECKED int vmp_store_guest_start(struct vmp_store *store, const struct vmp_start *start,
				      const struct vmp_clock *clock, int ttl_s, const uint8_t token_hash[VMP_DIGEST],
				      struct vmp_join *out, struct vmp_msg *msg);

/** The host says that the guest is gone: tokens void, directory entry gone, certificates revoked
 * (cessationOfOperation).
 * @param host_id  0: an administrator.
 * @return VMP_OK, also when it was stopped already; VMP_ENOENT; VMP_EACCES: it runs on another host, or nobody said
 * where and this host may not speak for it. */
VMP_CHECKED int vmp_store_guest_stop(struct vmp_store *store, const char *uuid, int64_t host_id, int64_t now,
				     struct vmp_msg *msg);

/** A guest's directory entry. @param wg_key  base64 of 32 octets. @param endpoint  "192.0.2.1:51820" or
 * "[2001:db8::1]:51820", or "" for one that others cannot reach. A repetition changes nothing.  VMP_EINVAL, also for
 * the key of another guest; VMP_EACCES when the guest is stopped, or the VM is none. */
VMP_CHECKED int vmp_store_guest_self(struct vmp_store *store, uint64_t mac, const char *wg_key, const char *endpoint,
				     struct vmp_msg *msg);

/** A token for a host's own first certificate, made by an administrator; voids the host's older ones. VMP_ENOENT,
 * VMP_EACCES. */
VMP_CHECKED int vmp_store_host_token(struct vmp_store *store, const char *host, const struct vmp_clock *clock,
				     int ttl_s, const uint8_t token_hash[VMP_DIGEST], struct vmp_msg *msg);

/** Draw a token. */
VMP_CHECKED int vmp_token_new(char token[VMP_TOKEN_TEXT], uint8_t hash[VMP_DIGEST]);
/** The hash of a token as a client sent it. @return VMP_OK; VMP_EINVAL when it has not the form of one. */
VMP_CHECKED int vmp_token_hash(const char *token, uint8_t hash[VMP_DIGEST]);

/** An enrolment: checked first, recorded once the signer has made the certificate. */
struct vmp_enrolment {
	struct vmp_identity who; /**< whom the certificate will stand for */
	uint8_t key_digest[VMP_DIGEST];
	bool by_token;
	uint8_t token_hash[VMP_DIGEST]; /**< if by_token */
	bool done;			/**< the same key was enrolled with this token before: der is the certificate */
	uint8_t der[VMP_CERT_MAX];
	size_t der_len;
};

/** May this token enrol this key under this label?  Changes nothing.
 * @param label  the EST label, the template's name ("host" for hosts); NULL: whatever the token says.
 * @return VMP_OK; VMP_EACCES: no such token, ended, void, used with another key, another template's, or the VM or host
 * may not have a certificate now, or the host that asked for it is disabled or does not run the guest any more.  The
 * message for the client never tells whether a token exists; out->who does, for the audit event: it is empty when there
 * is none. */
VMP_CHECKED int vmp_store_token_check(struct vmp_store *store, const uint8_t token_hash[VMP_DIGEST],
				      const struct vmp_clock *clock, const char *label,
				      const uint8_t key_digest[VMP_DIGEST], struct vmp_enrolment *out,
				      struct vmp_msg *msg);

/** Record the certificate, and that the token is used; checks all of vmp_store_token_check() again, for another
 * enrolment may have come first: then VMP_EACCES, or VMP_OK with *e done and that certificate.
 * @param row  its who.serial, kind, not_before, not_after, subject, key_digest, der, issued_at are read. */
VMP_CHECKED int vmp_store_enrol(struct vmp_store *store, struct vmp_enrolment *e, const struct vmp_cert_row *row,
				const struct vmp_clock *clock, struct vmp_msg *msg);

/** Sessions of a host's guests that a NAS has taken down, as the audit trail has them.
 * @param after  in: told up to this audit id; out: up to where it was looked. At most 1000 rows of the trail are looked
 * through.
 * @param each   a guest's MAC address; the same may come twice. What it returns other than VMP_OK ends it, and is
 * returned. */
VMP_CHECKED int vmp_store_guest_disconnected(struct vmp_store *store, int64_t host_id, int64_t *after,
					     int (*each)(void *ctx, uint64_t mac), void *ctx, struct vmp_msg *msg);
/** The audit trail's last id, 0: it is empty. */
VMP_CHECKED int vmp_store_guest_last_notice(struct vmp_store *store, int64_t *id, struct vmp_msg *msg);

/** A guest's UUID and its template's name. @return VMP_OK; VMP_ENOENT: no guest, and both are empty. */
VMP_CHECKED int vmp_store_guest_find(struct vmp_store *store, uint64_t mac, char uuid[VMP_UUID_TEXT],
				     char template_name[65], struct vmp_msg *msg);

/** The MAC of the guest with a UUID, which is canonical. @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_store_guest_mac(struct vmp_store *store, const char *uuid, uint64_t *mac, struct vmp_msg *msg);

#endif
