/* The process that speaks RADIUS to NASes: it takes jobs from the store process and sends back what became of them. Its
 * files are read and its sockets made before it gives up its rights to both. */
#include "channel.h"
#include "sockets.h"
#include "log.h"
#include "nas.h"
#include "pki.h"
#include "proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 1024
#define AT_ONCE 64 /* answers that are read before anything else is looked at */
#define SWEEP_S 60 /* NASes that have nothing to do are forgotten so often */

struct known {
	struct known *next;
	struct nas *nas;
	struct event *timer;
};

static struct {
	struct dialects *dialects; /* NULL: no file */
	struct secrets *secrets;   /* NULL: no file */
	struct sockets sockets;
	struct nas_limits limits;
	struct event_base *base;
	struct channel *store;
	struct known *known[BUCKETS];
} coa;

/* -- before the sandbox -------------------------------------------------------------------------- */

/* A file that is not there is a warning: jobs then say what is missing. */
static int excuse(int err, bool quiet, const struct vmp_msg *msg)
{
	if (err != VMP_ENOENT)
		return err;
	if (!quiet)
		vmp_log(VMP_LOG_WARNING, "coa-not-set-up", "why", msg->text, NULL);
	return VMP_OK;
}

static int read_files(const struct config *config, bool quiet, struct vmp_msg *msg)
{
	int err = packet_open(config->coa_dictionary, msg);

	if (err != VMP_OK)
		return err;
	err = excuse(dialects_read(config->coa_dialects, &coa.dialects, msg), quiet, msg);
	if (err == VMP_OK)
		err = excuse(secrets_read(config->coa_secrets, &coa.secrets, msg), quiet, msg);
	return err;
}

static void forget_files(void)
{
	secrets_free(coa.secrets);
	dialects_free(coa.dialects);
	coa.secrets = NULL;
	coa.dialects = NULL;
}

int coa_check(const struct config *config, struct vmp_msg *msg)
{
	int err;

	if (!config->coa_enabled)
		return VMP_OK;
	err = read_files(config, true, msg);
	forget_files();
	return err;
}

int coa_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	const struct config *config = env->config;
	int err = read_files(config, false, msg);

	coa.limits = (struct nas_limits){ .timeout = config->coa_timeout_ms * 1000,
					  .transmissions = (int)config->coa_transmissions,
					  .window = (int)config->coa_window,
					  .rate = (uint32_t)config->coa_rate };
	if (err == VMP_OK)
		err = sockets_open(&coa.sockets, config->coa_address, msg);
	return err;
}

/* -- what a NAS needs ----------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return time(NULL);
}

static uint32_t draw(void *ctx)
{
	uint32_t n = 0;

	(void)ctx;
	if (vmp_random(&n, sizeof(n)) != VMP_OK)
		n = (uint32_t)now_us();
	return n;
}

static int send_packet(void *ctx, const struct nas *nas, const struct packet *packet)
{
	(void)ctx;
	return sockets_send(&coa.sockets, nas_address(nas), nas_port(nas), packet->octet, packet->len);
}

static void tell(void *ctx, const struct task_result *result)
{
	struct message m = { .type = M_COA_RESULT, .number = result->number, .cause = result->cause };

	(void)ctx;
	m.action = result->action;
	m.outcome = result->outcome;
	memcpy(m.text, result->text.text, sizeof(m.text));
	channel_send(coa.store, &m);
}

static void wake(void *ctx, struct nas *nas, int64_t at)
{
	struct known *known = nas_owner(nas);
	int64_t wait = at - now_us();
	struct timeval in;

	(void)ctx;
	if (at == INT64_MAX) {
		event_del(known->timer);
		return;
	}
	if (wait < 0)
		wait = 0;
	in = (struct timeval){ .tv_sec = wait / 1000000, .tv_usec = wait % 1000000 };
	event_add(known->timer, &in);
}

static const struct nas_ops ops = { .send = send_packet, .done = tell, .wake = wake, .wall = wall, .random = draw };

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct known *known = ctx;

	(void)fd;
	(void)what;
	nas_run(known->nas, now_us());
}

/* -- the NASes ------------------------------------------------------------------------------------ */

static struct known **bucket(const struct vmp_addr *address, uint16_t port)
{
	uint32_t h = 2166136261u ^ port;
	size_t i;

	for (i = 0; i < sizeof(address->octet); i++)
		h = (h ^ address->octet[i]) * 16777619u;
	return &coa.known[h % BUCKETS];
}

static struct known *find(const struct vmp_addr *address, uint16_t port)
{
	struct known *known = *bucket(address, port);

	while (known &&
	       (nas_port(known->nas) != port || memcmp(nas_address(known->nas), address, sizeof(*address)) != 0))
		known = known->next;
	return known;
}

static void free_known(struct known *known)
{
	if (known->timer)
		event_free(known->timer);
	nas_free(known->nas);
	free(known);
}

static struct known *get(const struct vmp_addr *address, uint16_t port)
{
	struct known *known = find(address, port), **at = bucket(address, port);

	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->timer = evtimer_new(coa.base, on_timer, known);
	known->nas = nas_new(address, port, &ops, &coa.limits, now_us());
	if (!known->timer || !known->nas) {
		free_known(known);
		return NULL;
	}
	nas_set_owner(known->nas, known);
	known->next = *at;
	*at = known;
	return known;
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	int64_t now = now_us();
	size_t i;

	(void)fd;
	(void)what;
	(void)ctx;
	for (i = 0; i < BUCKETS; i++) {
		struct known **at = &coa.known[i];

		while (*at) {
			struct known *known = *at;

			if (!nas_is_idle(known->nas, now)) {
				at = &known->next;
				continue;
			}
			*at = known->next;
			free_known(known);
		}
	}
}

/* -- jobs and answers ----------------------------------------------------------------------------- */

static void on_job(const struct message *m)
{
	struct task_result result;
	struct task *task = task_new(m, coa.dialects, coa.secrets, draw(NULL), &result);
	struct known *known;

	if (!task) {
		tell(NULL, &result);
		return;
	}
	known = sockets_reach(&coa.sockets, &task->job.address) ? get(&task->job.address, task_port(task)) : NULL;
	if (known) {
		nas_add(known->nas, task, now_us());
		return;
	}
	result = (struct task_result){ .number = task->number, .action = task->action, .outcome = COA_UNABLE };
	vmp_fail(&result.text, VMP_EIO, "no socket for the NAS's kind of address; see [coa] address");
	task_free(task);
	tell(NULL, &result);
}

static void on_jobs(void *ctx)
{
	struct message m;

	(void)ctx;
	while (channel_next(coa.store, &m)) {
		if (m.type == M_COA)
			on_job(&m);
		else
			vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", "store", "type", message_name(m.type),
				NULL);
	}
}

static void ignored(const struct vmp_addr *from, uint16_t port, const char *why)
{
	char address[VMP_ADDR_TEXT];

	vmp_addr_format(from, address);
	vmp_log(VMP_LOG_DEBUG, "answer-ignored", "address", address, "port", vmp_log_num(port), "why", why, NULL);
}

static void on_answer(const struct vmp_addr *from, uint16_t port, const uint8_t *octet, size_t len)
{
	struct known *known = find(from, port);
	struct vmp_msg why;

	if (!known)
		ignored(from, port, "nothing was asked of this address and port");
	else if (nas_answer(known->nas, octet, len, now_us(), &why) != VMP_OK)
		ignored(from, port, why.text);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t room[PACKET_MAX + 1]; /* one octet more tells a packet that is too long */
	struct vmp_addr from;
	uint16_t port;
	size_t len;
	int n;

	(void)what;
	(void)ctx;
	for (n = 0; n < AT_ONCE && sockets_receive(fd, &from, &port, room, sizeof(room), &len); n++)
		on_answer(&from, port, room, len);
}

static int watch(int fd)
{
	struct event *readable;

	if (fd < 0)
		return VMP_OK;
	readable = event_new(coa.base, fd, EV_READ | EV_PERSIST, on_readable, NULL);
	return readable && event_add(readable, NULL) == 0 ? VMP_OK : VMP_ENOMEM;
}

static int start(const struct proc_env *env)
{
	static const struct timeval interval = { .tv_sec = SWEEP_S };
	struct event *sweep;

	coa.base = event_base_new();
	if (!coa.base)
		return VMP_ENOMEM;
	sweep = event_new(coa.base, -1, EV_PERSIST, on_sweep, NULL);
	coa.store = channel_new(coa.base, env->channel[PROC_STORE], "store", on_jobs, NULL);
	if (!sweep || event_add(sweep, &interval) != 0 || !coa.store)
		return VMP_ENOMEM;
	return watch(coa.sockets.v4) == VMP_OK ? watch(coa.sockets.v6) : VMP_ENOMEM;
}

int coa_run(const struct proc_env *env, struct vmp_msg *msg)
{
	int err = start(env);

	if (err == VMP_OK)
		event_base_dispatch(coa.base);
	forget_files();
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "out of memory");
}
