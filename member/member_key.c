#include "est.h"
#include "file.h"
#include "member_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_NAME "wireguard.key"
#define TEXT_MAX 64

/* As `wg genkey` writes it: base64 and a line's end. */
static int take(char *text, size_t len, const char *path, struct vmp_msg *msg)
{
	size_t key_len = sizeof(member.private_key);

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (vmp_unbase64(text, len, member.private_key, &key_len) != VMP_OK || key_len != sizeof(member.private_key))
		return vmp_fail(msg, VMP_EINVAL,
				"%s: a WireGuard key was expected, 32 octets in base64; without the file a new one is "
				"made",
				path);
	return VMP_OK;
}

static int make(const char *path, struct vmp_msg *msg)
{
	char *base64, line[TEXT_MAX];
	int err = vmp_coi_private_new(member.private_key);

	if (err != VMP_OK)
		return vmp_fail(msg, err, "a WireGuard key cannot be made: no randomness");
	base64 = vmp_base64(member.private_key, sizeof(member.private_key));
	if (!base64)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	snprintf(line, sizeof(line), "%s\n", base64);
	err = vmp_file_replace(path, line, strlen(line), 0600, msg);
	explicit_bzero(base64, strlen(base64));
	explicit_bzero(line, sizeof(line));
	free(base64);
	return err;
}

int member_key_load(struct vmp_msg *msg)
{
	char path[4096], *text = NULL;
	size_t len = 0;
	int err;

	if (snprintf(path, sizeof(path), "%s/" KEY_NAME, member.settings->state) >= (int)sizeof(path))
		return vmp_fail(msg, VMP_EINVAL, "%.60s...: a shorter path was expected", member.settings->state);
	vmp_file_sweep(member.settings->state, KEY_NAME);
	err = vmp_file_read(path, TEXT_MAX, true, &text, &len, msg);
	if (err == VMP_OK) {
		err = take(text, len, path, msg);
		explicit_bzero(text, len);
		free(text);
	} else if (err == VMP_ENOENT) {
		err = make(path, msg);
	}
	if (err == VMP_OK && vmp_coi_public(member.private_key, member.public_key) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "%s: no key", path);
	return err;
}
