#include "folder.h"
#include "suites.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];

void folder_setup(void)
{
	snprintf(folder, sizeof(folder), "%s/vmprov-unit.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

void folder_teardown(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const char *name)
{
	static char paths[8][FOLDER_PATH];
	static unsigned turn;
	char *out = paths[turn++ % 8];

	snprintf(out, FOLDER_PATH, "%s%s%s", folder, name ? "/" : "", name ? name : "");
	return out;
}

void folder_write(const char *name, const char *text, unsigned mode)
{
	FILE *f = fopen(folder_path(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(folder_path(name), mode), 0);
}

const char *folder_read(const char *name)
{
	static char text[65536];
	FILE *f = fopen(folder_path(name), "r");
	size_t n;

	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

int folder_count(const char *name)
{
	DIR *d = opendir(folder_path(name));
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}
