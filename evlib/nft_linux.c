#include "nft_linux.h"

#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>

/* The first line of what libnftables says, without the place in our text that it points at. */
static const char *first_line(char *text)
{
	char *error = strstr(text, "rror: ");

	text[strcspn(text, "\n")] = '\0';
	return error && *error ? error + 6 : *text ? text : "no reason given";
}

int nft_run(const char *commands, struct vmp_msg *msg)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char said[VMP_MSG_MAX] = "";
	int err = VMP_OK;

	if (!nft)
		return vmp_fail(msg, VMP_ENOMEM, "nftables: out of memory");
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, commands) != 0) {
		snprintf(said, sizeof(said), "%s", nft_ctx_get_error_buffer(nft));
		err = vmp_fail(msg, VMP_EIO, "nftables: %s", first_line(said));
	}
	nft_ctx_free(nft);
	return err;
}
