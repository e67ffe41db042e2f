/* The store process: the one writer among policyd's, with the files of the store and nothing else. */
#include "account.h"
#include "log.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor of O_PATH takes no fchmod(). */
static int share(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, 0660);
}

/* Only a plain file, and only under this name: the directory is another user's, who might have put a link there. */
static int give(const char *path, unsigned uid, const char *user, bool shared, struct vmp_msg *msg)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = VMP_OK;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? VMP_OK : vmp_fail(msg, VMP_EIO, "%s: cannot open: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		err = vmp_fail(msg, VMP_EIO, "%s: expected a file with one name", path);
	else if (st.st_uid != uid && fchownat(fd, "", uid, (gid_t)-1, AT_EMPTY_PATH) != 0)
		err = vmp_fail(msg, VMP_EIO, "%s: cannot give it to %s: %s", path, user, strerror(errno));
	if (err == VMP_OK && shared && share(fd) != 0)
		err = vmp_fail(msg, VMP_EIO, "%s: cannot make it writable for its group: %s", path, strerror(errno));
	close(fd);
	return err;
}

static int give_store(const char *store, unsigned uid, const char *user, bool shared, struct vmp_msg *msg)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[VMP_INI_TEXT + 8];
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && err == VMP_OK; i++) {
		snprintf(path, sizeof(path), "%s%s", store, suffixes[i]);
		err = give(path, uid, user, shared, msg);
	}
	return err;
}

/* The directory of the store, made if need be, and the store's files are the store user's. */
int store_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	char path[VMP_INI_TEXT + 8];
	unsigned uid, gid;
	char *slash;
	int err = vmp_account_user(env->config->store_user, &uid, &gid, msg);

	if (err != VMP_OK || uid == (unsigned)-1)
		return err;
	snprintf(path, sizeof(path), "%s", env->config->store_path);
	slash = strrchr(path, '/');
	if (slash && slash != path) {
		*slash = '\0';
		if (mkdir(path, 02750) == 0 && chown(path, uid, (gid_t)-1) != 0)
			return vmp_fail(msg, VMP_EIO, "%s: cannot give it to %s: %s", path, env->config->store_user,
					strerror(errno));
	}
	err = give_store(env->config->store_path, uid, env->config->store_user, false, msg);
	/* radiusd writes it too, as a member of its group.  What is wrong with it will show when it is opened, again
	 * and again; all else goes on meanwhile. */
	if (err == VMP_OK && env->config->coa_enabled &&
	    give_store(env->config->session_path, uid, env->config->store_user, true, msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "sessions-unreadable", "why", msg->text, NULL);
	return err;
}

static int open_store(struct state *s, struct vmp_msg *msg)
{
	int from = 0, to = 0;
	int err = vmp_store_open(&s->store, s->config->store_path, VMP_STORE_POLICY, VMP_STORE_CREATE,
				 (int)s->config->busy_ms, msg);

	if (err == VMP_OK)
		err = vmp_store_migrate(s->store, &from, &to, msg);
	if (err == VMP_OK && from != to)
		vmp_log(VMP_LOG_INFO, "store-migrated", "path", s->config->store_path, "before", vmp_log_num(from),
			"version", vmp_log_num(to), NULL);
	return err;
}

static void on_batch(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	state_batch(ctx);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	upkeep_tick(ctx);
}

/* Later, when both channels have been read: what they brought goes into one transaction. */
static void ready(void *ctx)
{
	struct state *s = ctx;

	event_active(s->batch, EV_TIMEOUT, 1);
}

static int set_up(struct state *s, const struct proc_env *env, struct vmp_msg *msg)
{
	static const struct timeval interval = { .tv_usec = 100 * 1000 };
	int err;

	s->config = env->config;
	vmp_clock_read(&s->clock);
	s->clock_offset_s = s->clock.now - s->clock.boot_ms / 1000;
	TAILQ_INIT(&s->jobs);
	waiters_init(&s->waiters, &directory_kind);
	waiters_init(&s->filters, &filters_kind);
	waiters_init(&s->notices, &notices_kind);
	err = open_store(s, msg);
	if (err != VMP_OK)
		return err;
	if (licences_begin(s) != VMP_OK)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	s->base = event_base_new();
	s->outbox = evbuffer_new();
	if (!s->base || !s->outbox)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	s->batch = event_new(s->base, -1, 0, on_batch, s);
	s->tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	s->net = channel_new(s->base, env->channel[PROC_NET], "net", ready, s);
	s->signer = channel_new(s->base, env->channel[PROC_SIGNER], "signer", ready, s);
	if (!s->batch || !s->tick || !s->net || !s->signer || event_add(s->tick, &interval) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return s->config->coa_enabled ? network_begin(s, env->channel[PROC_COA], msg) : VMP_OK;
}

int store_run(const struct proc_env *env, struct vmp_msg *msg)
{
	static struct state s;
	int err;

	vmp_store_tune_process();
	err = set_up(&s, env, msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg->text, NULL);
		_exit(PROC_CONFIG);
	}
	enrolment_begin(&s);
	event_base_dispatch(s.base);
	return VMP_OK;
}
