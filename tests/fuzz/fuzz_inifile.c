/* Configuration files. */
#include "inifile.h"

#include <stdlib.h>
#include <string.h>

struct into {
	char text[VMP_INI_TEXT];
	int64_t num, life;
	bool flag;
};

static const struct vmp_option options[] = {
	{ "a", "text", VMP_OPT_TEXT, offsetof(struct into, text), "preset", 0, 0 },
	{ "a", "num", VMP_OPT_INT, offsetof(struct into, num), "5", 1, 10 },
	{ "b", "life", VMP_OPT_DURATION, offsetof(struct into, life), "1h", 1, 86400 },
	{ "b", "flag", VMP_OPT_BOOL, offsetof(struct into, flag), "no", 0, 1 },
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_msg msg = { "" };
	struct into into;
	char word[16];
	const char *at;
	int err = vmp_ini_text("fuzz", (const char *)data, size, options, &into, &msg);

	if (err != VMP_OK && !*msg.text)
		abort();
	if (err == VMP_OK &&
	    (into.num < 1 || into.num > 10 || into.life < 1 || into.life > 86400 || strlen(into.text) >= VMP_INI_TEXT))
		abort();
	for (at = into.text; err == VMP_OK && vmp_ini_word(&at, word, sizeof(word));) {
		if (!*word)
			abort();
	}
	return 0;
}
