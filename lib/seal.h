/** COI keys at rest: AES-256-GCM under a key derived from the master key (HKDF-SHA256). */
#ifndef VMP_SEAL_H
#define VMP_SEAL_H

#include "cms.h"

#define VMP_MASTER_KEY 32			       /**< [octets] */
#define VMP_SEALED     (1 + 8 + 12 + VMP_COI_KEY + 16) /**< version, master key's id, nonce, ciphertext, tag */

struct vmp_master;

/** Make a master key file (mode 0600) of 64 hexadecimal digits, complete under a temporary name first, on the disk when
 * this returns.
 * @return VMP_OK; VMP_EEXIST, VMP_EIO, VMP_EFULL. */
VMP_CHECKED int vmp_master_create(const char *path, struct vmp_msg *msg);
/** Read a master key.
 *
 * @param source  a file of 64 hexadecimal digits (refused if group or others may read it), "credential:NAME" for a file
 * of $CREDENTIALS_DIRECTORY (systemd.exec(5)), or a file whose name ends in ".cms": CMS EnvelopedData or
 * AuthEnvelopedData around those digits, in DER or PEM, opened with unlock.
 * @param unlock  NULL, or the private key for a ".cms" file: PEM file or URI, as for vmp_ca_open().  So a PKCS#11 token
 * guards the master key: the token's key never leaves it.
 */
VMP_CHECKED int vmp_master_open(struct vmp_master **out, const char *source, const char *unlock, struct vmp_msg *msg);
void vmp_master_free(struct vmp_master *master);
/** Eight octets that name the master key without telling it. */
void vmp_master_id(const struct vmp_master *master, uint8_t out[8]);

/** Draw a new COI key and seal it for (coi_id, epoch), which is authenticated with it. */
VMP_CHECKED int vmp_seal_new(const struct vmp_master *master, int64_t coi_id, uint32_t epoch, uint8_t out[VMP_SEALED],
			     struct vmp_msg *msg);
/** @return VMP_OK; VMP_EINVAL: altered, another COI's or epoch's; or sealed under another master key, and the message
 * says that. */
VMP_CHECKED int vmp_seal_open(const struct vmp_master *master, int64_t coi_id, uint32_t epoch, const uint8_t *sealed,
			      size_t len, uint8_t out[VMP_COI_KEY], struct vmp_msg *msg);

#endif
