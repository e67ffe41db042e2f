#include "nas.h"

#include <stdlib.h>
#include <string.h>

#define IDS	     256
#define REQUEST_COST 1000000LL	      /* of credit, which grows by the rate each microsecond */
#define LONGEST_US   (10 * 1000000LL) /* that are counted at once */
#define BURSTS	     20		      /* a burst is what comes in so long: a twentieth of a second */

struct nas {
	struct vmp_addr address;
	uint16_t port;
	const struct nas_ops *ops;
	const struct nas_limits *limits;
	void *owner;
	struct task *first, **last; /* that wait */
	struct {
		struct task *task;
		int64_t quiet_until;
	} id[IDS];
	int on_way;
	uint8_t last_id;
	uint32_t rate;
	int64_t credit, counted_at;
};

static int64_t burst(const struct nas *nas)
{
	int64_t n = nas->rate / BURSTS;

	if (n > nas->limits->window)
		n = nas->limits->window;
	return (n > 1 ? n : 1) * REQUEST_COST;
}

struct nas *nas_new(const struct vmp_addr *address, uint16_t port, const struct nas_ops *ops,
		    const struct nas_limits *limits, int64_t now)
{
	struct nas *nas = calloc(1, sizeof(*nas));

	if (!nas)
		return NULL;
	nas->address = *address;
	nas->port = port;
	nas->ops = ops;
	nas->limits = limits;
	nas->last = &nas->first;
	/* So that a process that was restarted does not begin with the identifiers of the one before. */
	nas->last_id = (uint8_t)ops->random(ops->ctx);
	nas->rate = limits->rate;
	nas->credit = burst(nas);
	nas->counted_at = now;
	return nas;
}

void nas_free(struct nas *nas)
{
	struct task *task;
	int i;

	if (!nas)
		return;
	while ((task = nas->first) != NULL) {
		nas->first = task->next;
		task_free(task);
	}
	for (i = 0; i < IDS; i++)
		task_free(nas->id[i].task);
	free(nas);
}

const struct vmp_addr *nas_address(const struct nas *nas)
{
	return &nas->address;
}

uint16_t nas_port(const struct nas *nas)
{
	return nas->port;
}

void nas_set_owner(struct nas *nas, void *owner)
{
	nas->owner = owner;
}

void *nas_owner(const struct nas *nas)
{
	return nas->owner;
}

bool nas_is_idle(const struct nas *nas, int64_t now)
{
	int i;

	if (nas->first || nas->on_way > 0)
		return false;
	for (i = 0; i < IDS; i++) {
		if (nas->id[i].quiet_until > now)
			return false;
	}
	return true;
}

static void count_credit(struct nas *nas, int64_t now)
{
	int64_t passed = now - nas->counted_at;

	if (passed > LONGEST_US)
		passed = LONGEST_US;
	if (passed > 0)
		nas->credit += passed * nas->rate;
	if (nas->credit > burst(nas))
		nas->credit = burst(nas);
	nas->counted_at = now;
}

/* The next in turn that is free; one that is quiet if there is no other. @return -1: none. */
static int pick_id(const struct nas *nas, int64_t now)
{
	int best = -1, i;

	for (i = 1; i <= IDS; i++) {
		int id = (nas->last_id + i) % IDS;

		if (nas->id[id].task)
			continue;
		if (nas->id[id].quiet_until <= now)
			return id;
		if (best < 0 || nas->id[id].quiet_until < nas->id[best].quiet_until)
			best = id;
	}
	return best;
}

/* Each wait is twice the one before, and up to a tenth longer or shorter, so that NASes that fell silent together are
 * not asked together. */
static int64_t wait_after(struct nas *nas, int transmission)
{
	int64_t wait = nas->limits->timeout << (transmission - 1);
	uint32_t draw = nas->ops->random(nas->ops->ctx) % 2001;

	return wait + wait / 10000 * ((int64_t)draw - 1000);
}

static void transmit(struct nas *nas, struct task *task, int64_t now)
{
	task->send_errno = nas->ops->send(nas->ops->ctx, nas, task->packet);
	task->sent++;
	task->sent_at = now;
	task->due = now + wait_after(nas, task->sent);
	nas->credit -= REQUEST_COST;
}

static void finish(struct nas *nas, struct task *task, const struct task_result *result)
{
	nas->ops->done(nas->ops->ctx, result);
	task_free(task);
}

/* Give its identifier back. @param quiet_until  0: it may be used at once. */
static void leave(struct nas *nas, uint8_t id, int64_t quiet_until)
{
	nas->id[id].task = NULL;
	nas->id[id].quiet_until = quiet_until;
	nas->on_way--;
}

static struct task *next_task(struct nas *nas)
{
	struct task *task = nas->first;

	nas->first = task->next;
	if (!nas->first)
		nas->last = &nas->first;
	task->next = NULL;
	return task;
}

static bool may_start(const struct nas *nas)
{
	return nas->first && nas->on_way < nas->limits->window;
}

static void start_tasks(struct nas *nas, int64_t now)
{
	int id;

	while (may_start(nas) && nas->credit >= REQUEST_COST && (id = pick_id(nas, now)) >= 0) {
		struct task *task = next_task(nas);
		struct task_result result;

		if (!task_encode(task, (uint8_t)id, nas->ops->wall(nas->ops->ctx), &result)) {
			finish(nas, task, &result);
			continue;
		}
		nas->id[id].task = task;
		nas->last_id = (uint8_t)id;
		nas->on_way++;
		transmit(nas, task, now);
	}
}

/* Somebody waits for a test. */
#define TEST_TRANSMISSIONS 3

static int transmissions(const struct nas *nas, const struct task *task)
{
	int all = nas->limits->transmissions;

	return task->action == VMP_COA_TEST && all > TEST_TRANSMISSIONS ? TEST_TRANSMISSIONS : all;
}

static void repeat_or_give_up(struct nas *nas, int64_t now)
{
	int i;

	for (i = 0; i < IDS; i++) {
		struct task *task = nas->id[i].task;
		struct task_result result;

		if (!task || task->due > now)
			continue;
		if (task->sent < transmissions(nas, task)) {
			transmit(nas, task, now);
			continue;
		}
		task_silent(task, &result);
		leave(nas, (uint8_t)i, now + NAS_QUIET_US);
		finish(nas, task, &result);
	}
}

static void set_wake(struct nas *nas, int64_t now)
{
	int64_t at = INT64_MAX;
	int i;

	for (i = 0; i < IDS && nas->on_way > 0; i++) {
		if (nas->id[i].task && nas->id[i].task->due < at)
			at = nas->id[i].task->due;
	}
	if (may_start(nas)) {
		int64_t credit_at = now + (REQUEST_COST - nas->credit) / nas->rate + 1;

		if (credit_at < at)
			at = credit_at;
	}
	nas->ops->wake(nas->ops->ctx, nas, at);
}

void nas_run(struct nas *nas, int64_t now)
{
	count_credit(nas, now);
	repeat_or_give_up(nas, now);
	start_tasks(nas, now);
	set_wake(nas, now);
}

void nas_add(struct nas *nas, struct task *task, int64_t now)
{
	uint32_t rate = task->job.rate ? task->job.rate : nas->limits->rate;

	count_credit(nas, now);
	nas->rate = rate;
	task->next = NULL;
	*nas->last = task;
	nas->last = &task->next;
	nas_run(nas, now);
}

static void put_first(struct nas *nas, struct task *task)
{
	task->next = nas->first;
	nas->first = task;
	if (!task->next)
		nas->last = &task->next;
}

int nas_answer(struct nas *nas, const uint8_t *octet, size_t len, int64_t now, struct vmp_msg *why)
{
	struct task *task = len >= PACKET_HEADER ? nas->id[octet[1]].task : NULL;
	enum packet_code code;
	struct task_result result;
	uint32_t cause;
	uint8_t id;
	int err;

	if (!task)
		return vmp_fail(why, VMP_EINVAL, "answers no request that is open");
	err = packet_verify(task->packet, task->secret, octet, len, &code, &cause, why);
	if (err == VMP_EACCES)
		task->unverified++;
	if (err != VMP_OK)
		return err;
	id = octet[1];
	leave(nas, id, 0);
	if (task_answered(task, code, cause, now, &result))
		finish(nas, task, &result);
	else
		put_first(nas, task);
	nas_run(nas, now);
	return VMP_OK;
}
