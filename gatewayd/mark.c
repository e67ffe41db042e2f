#include "mark.h"
#include "boot_clock.h"
#include "commit.h"
#include "file.h"
#include "log.h"
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 1000
#define MARK_MAX 64 /* [octets] */

static int64_t written_seq = -1, written_ms;

static void path_of(char out[VMP_INI_TEXT + 8])
{
	snprintf(out, VMP_INI_TEXT + 8, "%s-mark", loop.config->store_path);
}

void mark_check(void)
{
	char path[VMP_INI_TEXT + 8], *text = NULL, *end = NULL;
	struct vmp_msg msg = { "" };
	int64_t seq = broker_seq(loop.broker), marked;
	size_t len = 0;
	int err;

	path_of(path);
	err = vmp_file_read(path, MARK_MAX, false, &text, &len, &msg);
	if (err == VMP_ENOENT && seq == 0)
		return;
	errno = 0;
	marked = err == VMP_OK ? strtoll(text, &end, 10) : INT64_MAX;
	if (err == VMP_OK && (errno || end == text || marked < 0))
		marked = INT64_MAX;
	free(text);
	if (marked <= seq)
		return;
	vmp_log(VMP_LOG_WARNING, "licence-recovery", "why",
		marked == INT64_MAX ? "the store's mark is missing or damaged" : "the store is an older copy", "store",
		loop.config->store_path, NULL);
	broker_recover(loop.broker, marked == INT64_MAX ? seq : marked, (int64_t)boot_clock_ms());
}

void mark_upkeep(int64_t now_ms)
{
	char path[VMP_INI_TEXT + 8], text[MARK_MAX];
	struct vmp_msg msg = { "" };
	int64_t seq = broker_seq(loop.broker);
	struct commit_status commits;
	int len;

	/* A recovery that mark_check() has begun is on the disk before the mark is that tells of it. */
	commit_status(&commits);
	if (commits.commits == 0)
		return;
	if (seq == written_seq || (written_seq >= 0 && now_ms - written_ms < PAUSE_MS))
		return;
	path_of(path);
	len = snprintf(text, sizeof(text), "%lld\n", (long long)seq);
	written_ms = now_ms;
	/* With a disk that is full the one before stays: a copy from before that is still told. */
	if (vmp_file_replace(path, text, (size_t)len, 0640, &msg) == VMP_OK)
		written_seq = seq;
}
