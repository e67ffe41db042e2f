#include "coi_internal.h"
#include "pki.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#define PURPOSE_MAX 8
#define INFO_MAX    (PURPOSE_MAX + 8 + 4 + 2 * VMP_COI_ID + 2 * VMP_COI_SECRET)

/* -- X25519 -- */

static EVP_PKEY *private_of(const uint8_t octets[VMP_COI_SECRET])
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, octets, VMP_COI_SECRET);
}

int vmp_coi_public(const uint8_t own_private[VMP_COI_SECRET], uint8_t out[VMP_COI_SECRET])
{
	EVP_PKEY *key = private_of(own_private);
	size_t len = VMP_COI_SECRET;
	bool good = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == VMP_COI_SECRET;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return good ? VMP_OK : VMP_EIO;
}

int vmp_coi_private_new(uint8_t out[VMP_COI_SECRET])
{
	if (vmp_random(out, VMP_COI_SECRET) != VMP_OK)
		return VMP_EIO;
	/* RFC 7748, 5: decodeScalar25519 */
	out[0] &= 248;
	out[31] &= 127;
	out[31] |= 64;
	return VMP_OK;
}

/* OpenSSL refuses a result of zeros (RFC 7748, 6.1). */
static bool exchange(const uint8_t own_private[VMP_COI_SECRET], const uint8_t peer_public[VMP_COI_SECRET],
		     uint8_t out[VMP_COI_SECRET])
{
	EVP_PKEY *own = private_of(own_private);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer_public, VMP_COI_SECRET);
	EVP_PKEY_CTX *ctx = own && peer ? EVP_PKEY_CTX_new(own, NULL) : NULL;
	size_t len = VMP_COI_SECRET;
	bool good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		    EVP_PKEY_derive(ctx, out, &len) == 1 && len == VMP_COI_SECRET;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	ERR_clear_error();
	return good;
}

int vmp_coi_ends_set(struct vmp_coi_ends *out, bool *leads, const uint8_t own_id[VMP_COI_ID],
		     const uint8_t own_private[VMP_COI_SECRET], const uint8_t peer_id[VMP_COI_ID],
		     const uint8_t peer_public[VMP_COI_SECRET], struct vmp_msg *msg)
{
	uint8_t own_public[VMP_COI_SECRET];
	int order, own;

	if (vmp_coi_public(own_private, own_public) != VMP_OK)
		return vmp_fail(msg, VMP_EIO, "X25519: no public key of this machine's private key");
	order = memcmp(own_public, peer_public, VMP_COI_SECRET);
	if (order == 0)
		return vmp_fail(msg, VMP_EINVAL, "the other machine has this machine's public key");
	if (memcmp(own_id, peer_id, VMP_COI_ID) == 0)
		return vmp_fail(msg, VMP_EINVAL, "the other machine has this machine's UUID");
	if (!exchange(own_private, peer_public, out->dh)) {
		vmp_wipe(out->dh, sizeof(out->dh));
		return vmp_fail(msg, VMP_EINVAL, "the other machine's public key is none of X25519's (RFC 7748, 6.1)");
	}
	*leads = order < 0;
	own = *leads ? 0 : 1;
	memcpy(out->id[own], own_id, VMP_COI_ID);
	memcpy(out->id[1 - own], peer_id, VMP_COI_ID);
	memcpy(out->public_key[own], own_public, VMP_COI_SECRET);
	memcpy(out->public_key[1 - own], peer_public, VMP_COI_SECRET);
	return VMP_OK;
}

/* -- HKDF -- */

static size_t info_write(const struct vmp_coi_ends *ends, uint64_t coi, uint32_t epoch, const char *purpose,
			 uint8_t out[INFO_MAX])
{
	size_t len = strlen(purpose);
	uint8_t *at = out;

	memcpy(at, purpose, len);
	at = coi_put(at + len, coi, 8);
	at = coi_put(at, epoch, 4);
	memcpy(at, ends->id, sizeof(ends->id));
	at += sizeof(ends->id);
	memcpy(at, ends->public_key, sizeof(ends->public_key));
	at += sizeof(ends->public_key);
	return (size_t)(at - out);
}

static bool hkdf(EVP_KDF_CTX *ctx, uint8_t key[2 * VMP_COI_SECRET], uint8_t *info, size_t len,
		 uint8_t out[VMP_COI_SECRET])
{
	char digest[] = "SHA256", salt[] = "vmprov coi 1";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt) - 1),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, 2 * VMP_COI_SECRET),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, len),
				OSSL_PARAM_construct_end() };

	EVP_KDF_CTX_reset(ctx);
	return EVP_KDF_derive(ctx, out, VMP_COI_SECRET, params) == 1;
}

int vmp_coi_derive(const struct vmp_coi_ends *ends, uint64_t coi, uint32_t epoch, const uint8_t coi_key[VMP_COI_SECRET],
		   struct vmp_coi_keys *out)
{
	static const char *const purposes[] = { "leader", "follower", "recovery" };
	uint8_t *const outs[] = { out->of[0], out->of[1], out->recovery };
	uint8_t key[2 * VMP_COI_SECRET], info[INFO_MAX];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool good = ctx != NULL;
	size_t i;

	memcpy(key, coi_key, VMP_COI_SECRET);
	memcpy(key + VMP_COI_SECRET, ends->dh, VMP_COI_SECRET);
	for (i = 0; good && i < sizeof(outs) / sizeof(outs[0]); i++)
		good = hkdf(ctx, key, info, info_write(ends, coi, epoch, purposes[i], info), outs[i]);
	if (!good)
		vmp_wipe(out, sizeof(*out));
	vmp_wipe(key, sizeof(key));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return good ? VMP_OK : VMP_EIO;
}
