#include "rlm_vmprov.h"

#include <pthread.h>
#include <sched.h>

/*
 *	A connection for each thread that asks at the same time.  The server's own pool would cost a mutex
 *	and the time of day at each end of a look-up that itself takes two microseconds, and would hold back
 *	requests for its retry_delay after a failed open; here a thread finds the connection it had last
 *	time with one exchange, and a store that was gone is back with the next request.
 */
#define MAX_CONNS 256

struct vmprov_conn {
	bool taken;
	struct vmp_store *store;	/* opened at the first use, and again after it failed; else NULL */
} __attribute__((aligned(64)));		/* no two threads' in one cache line */

struct vmprov_pool {
	vmprov_conn_t conn[MAX_CONNS];
	bool tidying;			/* the thread below was started */
	bool stop;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
};

static unsigned threads;
static __thread unsigned my_slot = MAX_CONNS;

int conn_pool_init(rlm_vmprov_t *inst)
{
	if (posix_memalign((void **) &inst->pool, 64, sizeof(*inst->pool)) != 0) return -1;
	memset(inst->pool, 0, sizeof(*inst->pool));
	pthread_mutex_init(&inst->pool->mutex, NULL);
	pthread_cond_init(&inst->pool->stopped, NULL);
	return 0;
}

static void conn_idle(vmprov_conn_t *conn)
{
	if (__atomic_test_and_set(&conn->taken, __ATOMIC_ACQUIRE)) return;
	if (conn->store) vmp_store_idle(conn->store);
	__atomic_clear(&conn->taken, __ATOMIC_RELEASE);
}

/*
 *	Ends the read transactions that connections keep between look-ups when no further look-up comes.
 */
static void *pool_tidy(void *arg)
{
	vmprov_pool_t *pool = arg;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stop) {
		struct timespec until;
		size_t i;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += VMP_STORE_KEPT_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&pool->stopped, &pool->mutex, &until);
		for (i = 0; i < MAX_CONNS; i++) conn_idle(&pool->conn[i]);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/*
 *	At the first look-up rather than at the start, after which the server may yet fork.
 */
static void pool_tidy_start(vmprov_pool_t *pool)
{
	if (__atomic_load_n(&pool->tidying, __ATOMIC_ACQUIRE)) return;

	pthread_mutex_lock(&pool->mutex);
	if (!pool->tidying && pthread_create(&pool->thread, NULL, pool_tidy, pool) == 0) {
		__atomic_store_n(&pool->tidying, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&pool->mutex);
}

void conn_pool_free(vmprov_pool_t *pool)
{
	size_t i;

	if (!pool) return;
	if (pool->tidying) {
		pthread_mutex_lock(&pool->mutex);
		pool->stop = true;
		pthread_cond_signal(&pool->stopped);
		pthread_mutex_unlock(&pool->mutex);
		pthread_join(pool->thread, NULL);
	}
	pthread_mutex_destroy(&pool->mutex);
	pthread_cond_destroy(&pool->stopped);
	for (i = 0; i < MAX_CONNS; i++) vmp_store_close(pool->conn[i].store);
	free(pool);
}

static vmprov_conn_t *conn_take(vmprov_pool_t *pool)
{
	if (my_slot == MAX_CONNS) my_slot = __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % MAX_CONNS;

	for (;;) {
		unsigned i;

		for (i = 0; i < MAX_CONNS; i++) {
			vmprov_conn_t *conn = &pool->conn[(my_slot + i) % MAX_CONNS];

			if (!__atomic_test_and_set(&conn->taken, __ATOMIC_ACQUIRE)) return conn;
		}
		sched_yield();
	}
}

void conn_done(vmprov_conn_t *conn)
{
	if (conn->store) vmp_store_end(conn->store);
	__atomic_clear(&conn->taken, __ATOMIC_RELEASE);
}

/*
 *	Once when the file was replaced under us, the second time on the new one.
 */
static int try_decide(rlm_vmprov_t *inst, vmprov_conn_t *conn, uint64_t mac, struct vmp_request const *req,
		      struct vmp_decision *out, struct vmp_msg *msg)
{
	int tries, err = VMP_ENOENT;

	for (tries = 0; tries < 2 && err == VMP_ENOENT; tries++) {
		if (!conn->store) {
			err = vmp_store_open(&conn->store, inst->filename, VMP_STORE_POLICY, VMP_STORE_READ,
					     (int) inst->busy_timeout, msg);
			if (err != VMP_OK) return err;
		}
		err = vmp_store_decide(conn->store, mac, req, out, msg);
		if (err == VMP_OK) return VMP_OK;

		vmp_store_end(conn->store);
		if (err != VMP_EBUSY) {
			vmp_store_close(conn->store);
			conn->store = NULL;
		}
	}
	return err;
}

int conn_decide(rlm_vmprov_t *inst, REQUEST *request, uint64_t mac, struct vmp_request const *req,
		struct vmp_decision *out, vmprov_conn_t **conn)
{
	struct vmp_msg msg = { "" };
	int err;

	pool_tidy_start(inst->pool);
	*conn = conn_take(inst->pool);
	err = try_decide(inst, *conn, mac, req, out, &msg);
	if (err == VMP_OK) return VMP_OK;

	conn_done(*conn);
	*conn = NULL;
	RATE_LIMIT(ERROR("rlm_vmprov (%s): %s", inst->name, msg.text));
	module_failure_msg(request, "rlm_vmprov (%s): %s", inst->name, msg.text);
	return err;
}

int conn_eap_md5(vmprov_conn_t *conn, char out[129])
{
	return vmp_store_eap_md5(conn->store, out, NULL);
}
