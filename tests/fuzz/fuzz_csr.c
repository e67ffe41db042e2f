/* A certificate request from anybody, and a certificate that TLS let pass. */
#include "pki.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_pubkey key = { .len = 0 };
	struct vmp_msg msg = { "" };
	uint8_t digest[VMP_DIGEST];
	struct vmp_peer peer;

	if (vmp_csr_read(data, size, &key, &msg) == VMP_OK) {
		if (!vmp_pubkey_is_sane(&key) || vmp_pubkey_digest(&key, digest) != VMP_OK)
			abort();
	} else if (!*msg.text || key.len) {
		abort();
	}
	if (vmp_peer_read(data, size, &peer, NULL) == VMP_OK) {
		if (peer.serial[0] < 1 || peer.serial[0] > 127 || !memchr(peer.dns, 0, sizeof(peer.dns)) ||
		    (*peer.uuid && strlen(peer.uuid) != VMP_UUID_TEXT - 1))
			abort();
	}
	return 0;
}
