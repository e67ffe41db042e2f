/* A file as hosts(5) has it, of anything, that names of machines are written into: the first line is the names, with
 * blanks between them, the rest is the file. */
#include "../../member/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 32

static struct prefix six = { .family = AF_INET6, .bits = 128, .address = { 0xfd, [15] = 1 } };
static struct prefix four = { .family = AF_INET, .bits = 32, .address = { 10, 0, 0, 1 } };

static void check(bool good)
{
	if (!good)
		abort();
}

static size_t split(char *line, struct names_entry *out)
{
	char *at, *next = line;
	size_t n = 0;

	while (n < NAMES && (at = strsep(&next, " ")))
		out[n++] = (struct names_entry){ at, &six, &four };
	return n;
}

/* What is written stays when it is written again, and goes when there are no names. */
static void write_names(const char *old, size_t len, const struct names_entry *entries, size_t n)
{
	char *text, *again;
	size_t text_len, again_len;
	struct vmp_msg msg = { "" };

	if (names_text(old, len, ".coi", entries, n, &text, &text_len, &msg) != VMP_OK) {
		check(*msg.text);
		return;
	}
	check(names_text(text, text_len, ".coi", entries, n, &again, &again_len, NULL) == VMP_OK);
	check(again_len == text_len && memcmp(again, text, text_len) == 0);
	free(again);
	check(names_text(text, text_len, ".coi", NULL, 0, &again, &again_len, NULL) == VMP_OK);
	check(again_len <= len + 1);
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *feed = size ? memchr(data, '\n', size) : NULL;
	size_t len = feed ? (size_t)(feed - data) : size;
	struct names_entry entries[NAMES];
	char *line = strndup(size ? (const char *)data : "", len);

	if (line)
		write_names(feed ? (const char *)feed + 1 : "", feed ? size - len - 1 : 0, entries,
			    split(line, entries));
	free(line);
	return 0;
}
