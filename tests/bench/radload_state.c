/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void file_size(int fd, const char *path, off_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("%s: %s", path, strerror(errno));
	if (st.st_size != 0 && st.st_size != size)
		die("%s: kept for a range of %lld MACs", path,
		    (long long)st.st_size / (long long)sizeof(struct state_record));
	if (ftruncate(fd, size) < 0)
		die("%s: %s", path, strerror(errno));
}

struct state *state_open(const char *path, uint64_t count)
{
	struct state *s = calloc(1, sizeof(*s));
	size_t size = (size_t)count * sizeof(*s->records);
	int fd = -1;

	if (!s)
		die("out of memory");
	if (path) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			die("%s: %s", path, strerror(errno));
		file_size(fd, path, (off_t)size);
	}
	s->count = count;
	s->records = mmap(NULL, size, PROT_READ | PROT_WRITE, path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	if (s->records == MAP_FAILED)
		die("no room to keep the state of %llu MACs: %s", (unsigned long long)count, strerror(errno));
	if (fd >= 0)
		close(fd);
	return s;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	munmap(s->records, (size_t)s->count * sizeof(*s->records));
	free(s);
}

uint64_t state_count(const struct state *s, uint8_t flag)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < s->count; i++)
		n += (s->records[i].flags & flag) != 0;
	return n;
}
