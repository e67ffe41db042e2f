#include "identity_token.h"
#include "file.h"
#include "pki.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 1024 /* [octets] */

bool identity_token_is_one(const char *text)
{
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0 && len < IDENTITY_TOKEN;
}

int identity_token_read(const char *path, char out[IDENTITY_TOKEN], struct vmp_msg *msg)
{
	static const char blanks[] = " \t\r\n";
	size_t len = 0, skip;
	char *text = NULL;
	int err = vmp_file_read(path, FILE_MAX, true, &text, &len, msg);

	if (err)
		return err;
	skip = strspn(text, blanks);
	while (len > skip && strchr(blanks, text[len - 1]))
		text[--len] = '\0';
	if (identity_token_is_one(text + skip))
		memcpy(out, text + skip, strlen(text + skip) + 1);
	else
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected a join token alone", path);
	vmp_wipe(text, len);
	free(text);
	return err;
}

void identity_token_remove(const char *path)
{
	(void)unlink(path);
}
