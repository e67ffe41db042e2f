/* init and migrate: the store's files. */
#include "cli.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* radiusd reads policy.db and writes session.db. */
static const struct {
	enum vmp_store_kind kind;
	const char *name;
	mode_t mode;
} files[] = {
	{ VMP_STORE_POLICY, "policy", 0640 },
	{ VMP_STORE_SESSION, "session", 0660 },
};

#define N_FILES (sizeof(files) / sizeof(files[0]))

struct places {
	char *path[N_FILES];
};

static struct places places_of(const struct cli *cli)
{
	struct places p = { { strdup(cli->store), cli_session_path(cli) } };

	if (!p.path[0])
		exit(cli_fail(CLI_STORE, "out of memory"));
	return p;
}

static void places_clear(struct places *p)
{
	size_t i;

	for (i = 0; i < N_FILES; i++)
		free(p->path[i]);
}

/* Who may read it: the file and what SQLite keeps beside it.
 * @param group  (gid_t)-1: leave it. */
static int give_to(const char *path, mode_t mode, gid_t group)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name;
		int failed;

		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			return cli_fail(CLI_STORE, "out of memory");
		failed = (group != (gid_t)-1 && chown(name, (uid_t)-1, group) != 0) || chmod(name, mode) != 0;
		if (failed && errno == ENOENT && i)
			failed = 0;
		if (failed)
			cli_fail(CLI_STORE, "%s: cannot set group and mode: %s", name, strerror(errno));
		free(name);
		if (failed)
			return CLI_STORE;
	}
	return CLI_OK;
}

static int make_folder(const char *store, gid_t group)
{
	char *copy = strdup(store);
	const char *folder = copy ? dirname(copy) : ".";
	int code = CLI_OK;

	if (mkdir(folder, 0750) == 0) {
		if (group != (gid_t)-1 && chown(folder, (uid_t)-1, group) != 0)
			code = cli_fail(CLI_STORE, "%s: cannot set the group: %s", folder, strerror(errno));
	} else if (errno != EEXIST) {
		code = cli_fail(CLI_STORE, "%s: cannot make this folder: %s", folder, strerror(errno));
	}
	free(copy);
	return code;
}

static int bring_up(const char *path, enum vmp_store_kind kind, int *from, int *to)
{
	struct vmp_msg msg = { "" };
	struct vmp_store *store;
	int err = vmp_store_open(&store, path, kind, VMP_STORE_CREATE, CLI_BUSY_MS, &msg);

	if (err == VMP_OK)
		err = vmp_store_migrate(store, from, to, &msg);
	vmp_store_close(store);
	return err == VMP_OK ? CLI_OK : cli_fail(CLI_STORE, "%s", msg.text);
}

static void report(const struct cli *cli, size_t i, const char *path, int from, int to)
{
	if (cli->json)
		printf("%s{\"store\": \"%s\", \"from\": %d, \"to\": %d}%s\n", i ? "" : "[", files[i].name, from, to,
		       i + 1 < N_FILES ? "," : "]");
	else if (from == to)
		printf("%s: schema version %d already\n", path, to);
	else
		printf("%s: schema version %d -> %d\n", path, from, to);
}

static int make_store(const struct cli *cli, const struct places *p, gid_t group)
{
	int code = make_folder(cli->store, group), from, to;
	size_t i;

	for (i = 0; i < N_FILES && code == CLI_OK; i++) {
		code = bring_up(p->path[i], files[i].kind, &from, &to);
		if (code == CLI_OK)
			code = give_to(p->path[i], files[i].mode, group);
		if (code == CLI_OK)
			report(cli, i, p->path[i], from, to);
	}
	return code;
}

int init_run(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = { { "group", required_argument, NULL, 256 }, { NULL, 0, NULL, 0 } };
	const char *name = NULL;
	const struct group *group;
	struct places p;
	int code = CLI_OK;
	size_t i;

	while (cli_option(cli, argc, argv, own) != -1)
		name = optarg;
	if (optind != argc)
		return cli_usage(cli, "init takes no operands");
	group = getgrnam(name ? name : "freerad");
	if (name && !group)
		return cli_fail(CLI_NOT_FOUND, "%s: no such group", name);
	/* Without being asked to, only root gives files away. */
	if (!name && geteuid() != 0)
		group = NULL;
	p = places_of(cli);
	for (i = 0; i < N_FILES && code == CLI_OK; i++) {
		if (access(p.path[i], F_OK) == 0)
			code = cli_fail(CLI_REFUSED, "%s: exists; vmprov migrate brings it to the present schema",
					p.path[i]);
	}
	if (code == CLI_OK)
		code = make_store(cli, &p, group ? group->gr_gid : (gid_t)-1);
	if (code == CLI_OK && group && !cli->json)
		printf("group %s may read policy.db and write session.db\n", group->gr_name);
	places_clear(&p);
	return code;
}

int migrate_run(struct cli *cli, int argc, char **argv)
{
	struct places p;
	struct stat st;
	int code = CLI_OK, from, to;
	size_t i;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind != argc)
		return cli_usage(cli, "migrate takes no operands");
	p = places_of(cli);
	if (stat(p.path[0], &st) != 0)
		code = cli_fail(CLI_STORE, "store %s: cannot open: %s; vmprov init makes one", p.path[0],
				strerror(errno));
	for (i = 0; i < N_FILES && code == CLI_OK; i++) {
		bool missing = access(p.path[i], F_OK) != 0;

		code = bring_up(p.path[i], files[i].kind, &from, &to);
		/* A session store that was lost is made again, for the same readers. */
		if (code == CLI_OK && missing)
			code = give_to(p.path[i], files[i].mode, st.st_gid);
		if (code == CLI_OK)
			report(cli, i, p.path[i], from, to);
	}
	places_clear(&p);
	return code;
}
