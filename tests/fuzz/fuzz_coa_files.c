/* nas-secrets.conf, or coa-dialects.conf when the first octet is D. */
#include "coa/dialect.h"
#include "coa/secret.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_secrets(const char *text, size_t len)
{
	static const struct vmp_addr address = { { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 } };
	struct secrets *secrets = NULL;
	const char *found;

	if (secrets_text("fuzz", text, len, &secrets, NULL) != VMP_OK)
		return;
	found = secrets_find(secrets, "leaf1", &address);
	if (found && (!*found || strlen(found) >= VMP_INI_TEXT))
		abort();
	secrets_free(secrets);
}

static void read_dialects(const char *text, size_t len)
{
	static bool is_open;
	struct dialects *dialects = NULL;
	const struct dialect *d;

	if (!is_open && packet_open("/usr/share/freeradius", NULL) != VMP_OK)
		abort();
	is_open = true;
	if (dialects_text("fuzz", text, len, &dialects, NULL) != VMP_OK)
		return;
	d = dialects_find(dialects, "");
	if (d && (!(d->identify & JOB_NAMES_GUEST) || !d->port))
		abort();
	dialects_free(dialects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 'D')
		read_dialects((const char *)data + 1, size - 1);
	else
		read_secrets((const char *)data, size);
	return 0;
}
