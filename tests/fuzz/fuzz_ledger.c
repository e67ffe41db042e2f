/* A file of hostd's ledger, and a guest's name as policyd is told it. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), name[GUEST_NAME], again[GUEST_NAME];
	struct ledger_entry e = { .mac = 0 };

	if (!text)
		return 0;
	if (ledger_read_line((const char *)data, size, &e, NULL) == VMP_OK &&
	    (!e.mac || e.source >= GUEST_SOURCES || !memchr(e.name, 0, sizeof(e.name))))
		abort();
	ledger_name(text, name);
	ledger_name(name, again);
	if (strcmp(name, again) != 0 || strlen(name) > strlen(text))
		abort();
	free(text);
	return 0;
}
