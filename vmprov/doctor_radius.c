/* doctor: FreeRADIUS, and what of ours it has. */
#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of folders, separated by colons, that has this file; NULL. */
static const char *find_in(const char *folders, const char *name, char *room, size_t size)
{
	while (*folders) {
		size_t n = strcspn(folders, ":");

		if (snprintf(room, size, "%.*s/%s", (int)n, folders, name) < (int)size && access(room, F_OK) == 0)
			return room;
		folders += n + (folders[n] == ':');
	}
	return NULL;
}

/* Where FreeRADIUS's files are, relative to raddb, and what it means when they are not. */
static const struct {
	const char *path, *advice;
	enum vmp_grade grade;
} parts[] = {
	{ "mods-available/vmprov", "install vmprov's raddb files", VMP_GRADE_FAIL },
	{ "sites-available/vmprov", "install vmprov's raddb files", VMP_GRADE_FAIL },
	{ "policy.d/vmprov", "install vmprov's raddb files", VMP_GRADE_FAIL },
	{ "dictionary.vmprov", "install vmprov's raddb files", VMP_GRADE_FAIL },
	{ "mods-config/vmprov/dialects/rfc", "install vmprov's raddb files", VMP_GRADE_FAIL },
	{ "mods-enabled/vmprov", "link it to ../mods-available/vmprov", VMP_GRADE_WARN },
	{ "sites-enabled/vmprov", "link it to ../sites-available/vmprov", VMP_GRADE_WARN },
};

static void look_at_raddb(struct findings *f, const char *raddb)
{
	char path[4096];
	size_t i, missing = 0;

	if (access(raddb, R_OK | X_OK) != 0) {
		findings_add(f, VMP_GRADE_WARN, "FreeRADIUS configuration", "run doctor as root, or say --raddb",
			     "%s cannot be read", raddb);
		return;
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (find_in(raddb, parts[i].path, path, sizeof(path)))
			continue;
		missing++;
		findings_add(f, parts[i].grade, "FreeRADIUS configuration", parts[i].advice, "%s/%s is missing", raddb,
			     parts[i].path);
	}
	if (!missing)
		findings_add(f, VMP_GRADE_OK, "FreeRADIUS configuration", NULL, "%s", raddb);
}

static void look_at_module(struct findings *f, const char *moddir)
{
	static const char usual[] =
		"/usr/lib/freeradius:/usr/lib64/freeradius:/usr/local/lib/freeradius:/usr/local/lib";
	char path[4096];
	const char *found = find_in(moddir ? moddir : usual, "rlm_vmprov.so", path, sizeof(path));

	if (found)
		findings_add(f, VMP_GRADE_OK, "module", NULL, "%s", found);
	else
		findings_add(f, VMP_GRADE_FAIL, "module", "install it, or say --moddir", "rlm_vmprov.so is not in %s",
			     moddir ? moddir : usual);
}

void doctor_radius(struct findings *f, const char *raddb, const char *moddir)
{
	static const char usual[] = "/usr/sbin:/usr/local/sbin";
	char path[4096];
	const char *found = find_in(usual, "freeradius", path, sizeof(path));

	if (!found)
		found = find_in(usual, "radiusd", path, sizeof(path));
	if (!found) {
		findings_add(f, VMP_GRADE_WARN, "FreeRADIUS", "install freeradius, unless it runs on another machine",
			     "not installed here");
		return;
	}
	findings_add(f, VMP_GRADE_OK, "FreeRADIUS", NULL, "%s", found);
	look_at_module(f, moddir);
	look_at_raddb(f, raddb);
}

bool doctor_has_dialect(const char *raddb, const char *dialect)
{
	char path[4096];

	if (!find_in(raddb, "mods-config/vmprov/dialects", path, sizeof(path)))
		return true; /* not this machine's to say */
	return strchr(dialect, '/') == NULL && find_in(path, dialect, (char[4096]){ "" }, 4096) != NULL;
}
