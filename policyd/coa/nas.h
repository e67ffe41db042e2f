/** One NAS: what waits for it, what is on its way, how fast and how much at a time.
 *
 * Does no I/O; time comes in and packets go out through its owner, so that tests can play both.  Times are [us] of
 * CLOCK_MONOTONIC.
 */
#ifndef COA_NAS_H
#define COA_NAS_H

#include "task.h"

struct nas;

struct nas_ops {
	/** @return 0 or an errno: the packet is lost then, as others are on the way. */
	int (*send)(void *ctx, const struct nas *nas, const struct packet *packet);
	/** The task is over, and freed when this returns. */
	void (*done)(void *ctx, const struct task_result *result);
	/** Call nas_run() at this time; INT64_MAX: no need. */
	void (*wake)(void *ctx, struct nas *nas, int64_t at);
	/** [s] since 1970. */
	int64_t (*wall)(void *ctx);
	uint32_t (*random)(void *ctx);
	void *ctx;
};

struct nas_limits {
	int64_t timeout;   /**< [us] for the first transmission's answer; doubled for each further one */
	int transmissions; /**< in all */
	int window;	   /**< requests on their way at a time */
	uint32_t rate;	   /**< [1/s] where the job does not say */
};

/** An identifier whose request was not answered is not used again for so long: the answer may still come. */
#define NAS_QUIET_US (30 * 1000000LL)

/** @param ops,limits  outlive it. @return NULL: out of memory. */
struct nas *nas_new(const struct vmp_addr *address, uint16_t port, const struct nas_ops *ops,
		    const struct nas_limits *limits, int64_t now);
/** With all that it has; nobody is told. */
void nas_free(struct nas *nas);

const struct vmp_addr *nas_address(const struct nas *nas);
uint16_t nas_port(const struct nas *nas);
/** What its owner keeps with it. */
void nas_set_owner(struct nas *nas, void *owner);
void *nas_owner(const struct nas *nas);
/** Nothing to do, and no answer can come any more. */
bool nas_is_idle(const struct nas *nas, int64_t now);

/** Take a task over. */
void nas_add(struct nas *nas, struct task *task, int64_t now);
/** Send and give up what is due. */
void nas_run(struct nas *nas, int64_t now);
/** What came from its address and port. @return VMP_OK; else it was ignored, with why. */
VMP_CHECKED int nas_answer(struct nas *nas, const uint8_t *octet, size_t len, int64_t now, struct vmp_msg *why);

#endif
