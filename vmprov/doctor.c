/* doctor: what is wrong, and what to do. */
#include "findings.h"
#include "record.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef VMPROV_RADDB
#define VMPROV_RADDB "/etc/freeradius/3.0"
#endif
#ifndef VMPROV_SYSCONFDIR
#define VMPROV_SYSCONFDIR "/etc"
#endif

struct doctor {
	struct findings found;
	const char *raddb, *moddir, *group, *secrets;
};

/* One file of the store. */
static bool look_at_file(struct doctor *d, const char *path, mode_t for_group)
{
	const struct group *group = getgrnam(d->group);
	struct stat st;

	if (stat(path, &st) != 0) {
		findings_add(&d->found, VMP_GRADE_FAIL, "file",
			     "make a store with `vmprov init`, lost session data with `vmprov migrate`", "%s: %s", path,
			     strerror(errno));
		return false;
	}
	if (st.st_mode & (S_IROTH | S_IWOTH))
		findings_add(&d->found, VMP_GRADE_FAIL, "mode", "take it from the world: chmod o-rw",
			     "%s has mode %04o", path, (unsigned)st.st_mode & 07777);
	else
		findings_add(&d->found, VMP_GRADE_OK, "mode", NULL, "%s has mode %04o", path,
			     (unsigned)st.st_mode & 07777);
	if (!group)
		return true;
	if (st.st_gid != group->gr_gid || (st.st_mode & for_group) != for_group)
		findings_add(&d->found, VMP_GRADE_WARN, "group",
			     "radiusd needs it: chgrp, and chmod g+r (session.db g+rw)", "%s is not for group %s", path,
			     d->group);
	return true;
}

static void look_beside(struct doctor *d, const char *path)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	size_t i;

	for (i = 0; i < 2; i++) {
		char *name;
		struct stat st;

		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			return;
		if (stat(name, &st) != 0)
			findings_add(&d->found, VMP_GRADE_WARN, "journal",
				     "radiusd, which only reads, cannot make it: run `vmprov migrate`", "%s is missing",
				     name);
		else if (st.st_mode & (S_IROTH | S_IWOTH))
			findings_add(&d->found, VMP_GRADE_FAIL, "mode", "take it from the world: chmod o-rw",
				     "%s has mode %04o", name, (unsigned)st.st_mode & 07777);
		free(name);
	}
}

static void on_finding(void *ctx, const struct vmp_finding *f)
{
	struct doctor *d = ctx;

	if (f->grade == VMP_GRADE_OK)
		findings_add(&d->found, f->grade, f->check, NULL, "%s", "");
	else
		findings_add(&d->found, f->grade, f->check, f->advice, "%lld: %s", (long long)f->count, f->examples);
}

static void look_at_nases(struct doctor *d, struct vmp_store *store)
{
	int address = vmp_column_find(VMP_NOUN_NAS, "address", strlen("address"));
	int dialect = vmp_column_find(VMP_NOUN_NAS, "dialect", strlen("dialect"));
	struct vmp_msg msg = { "" };
	struct vmp_records *rs;
	struct vmp_record rec;
	struct vmp_addr addr;
	int n = 0, err = vmp_records_new(&rs, store, VMP_NOUN_NAS, &msg);

	if (err == VMP_OK)
		err = vmp_record_select(rs, NULL, &msg);
	for (; err == VMP_OK && (err = vmp_record_next(rs, &rec, &msg)) == VMP_OK; n++) {
		if (vmp_addr_parse(rec.value[address].text, &addr) != VMP_OK)
			findings_add(&d->found, VMP_GRADE_FAIL, "NAS addresses",
				     "set its address: radiusd never finds this NAS", "%s has %s", rec.value[0].text,
				     rec.value[address].text);
		if (!doctor_has_dialect(d->raddb, rec.value[dialect].text))
			findings_add(&d->found, VMP_GRADE_WARN, "NAS dialects",
				     "set its dialect to one that is installed", "%s has %s", rec.value[0].text,
				     rec.value[dialect].text);
	}
	if (err == VMP_ENOENT)
		findings_add(&d->found, VMP_GRADE_OK, "NASes", NULL, "%d", n);
	else
		findings_add(&d->found, VMP_GRADE_FAIL, "NASes", "see the message", "%s", msg.text);
	vmp_records_free(rs);
}

static void look_inside(struct doctor *d, const char *path, enum vmp_store_kind kind)
{
	struct vmp_msg msg = { "" };
	struct vmp_store *store;
	int err = vmp_store_open(&store, path, kind, VMP_STORE_READ, CLI_BUSY_MS, &msg);

	if (err != VMP_OK) {
		findings_add(&d->found, VMP_GRADE_FAIL, "open", "see the message", "%s", msg.text);
		return;
	}
	findings_add(&d->found, VMP_GRADE_OK, "schema", NULL, "version %d", vmp_store_version(store));
	err = vmp_store_examine(store, on_finding, d, &msg);
	if (err != VMP_OK)
		findings_add(&d->found, VMP_GRADE_FAIL, "content", "stop the writers and restore a backup", "%s",
			     msg.text);
	if (err == VMP_OK && kind == VMP_STORE_POLICY) {
		look_at_nases(d, store);
		doctor_policyd(&d->found, store);
	}
	vmp_store_close(store);
}

static void look_at_store(struct doctor *d, const char *path, enum vmp_store_kind kind, mode_t for_group)
{
	if (!look_at_file(d, path, for_group))
		return;
	look_beside(d, path);
	look_inside(d, path, kind);
}

/* policyd refuses a file that others can read; here it is seen before it is started anew. */
static void look_at_secrets(struct doctor *d)
{
	struct stat st;

	/* No NAS may take CoA, policyd may be on another machine, and not everybody may look. */
	if (stat(d->secrets, &st) != 0)
		return;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		findings_add(&d->found, VMP_GRADE_WARN, "NAS secrets", "policyd refuses it: chmod 0600",
			     "%s has mode %04o", d->secrets, (unsigned)st.st_mode & 07777);
	else
		findings_add(&d->found, VMP_GRADE_OK, "NAS secrets", NULL, "%s has mode %04o", d->secrets,
			     (unsigned)st.st_mode & 07777);
}

static const char *or_environment(const char *option, const char *name, const char *otherwise)
{
	const char *env = getenv(name);

	if (option)
		return option;
	return env && *env ? env : otherwise;
}

int doctor_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_RADDB = 256, OPT_MODDIR, OPT_GROUP, OPT_SECRETS };
	static const struct option own[] = { { "raddb", required_argument, NULL, OPT_RADDB },
					     { "moddir", required_argument, NULL, OPT_MODDIR },
					     { "group", required_argument, NULL, OPT_GROUP },
					     { "secrets", required_argument, NULL, OPT_SECRETS },
					     { NULL, 0, NULL, 0 } };
	struct doctor d = { .group = "freerad", .secrets = VMPROV_SYSCONFDIR "/vmprov/nas-secrets.conf" };
	const char **const to[] = { &d.raddb, &d.moddir, &d.group, &d.secrets };
	char *session;
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1)
		*to[c - OPT_RADDB] = optarg;
	if (optind != argc)
		return cli_usage(cli, "doctor takes no operands");
	d.found.cli = cli;
	d.raddb = or_environment(d.raddb, "VMPROV_RADDB", VMPROV_RADDB);
	d.moddir = or_environment(d.moddir, "VMPROV_MODDIR", NULL);
	session = cli_session_path(cli);
	look_at_store(&d, cli->store, VMP_STORE_POLICY, S_IRGRP);
	look_at_store(&d, session, VMP_STORE_SESSION, S_IRGRP | S_IWGRP);
	look_at_secrets(&d);
	doctor_radius(&d.found, d.raddb, d.moddir);
	free(session);
	return findings_end(&d.found);
}
