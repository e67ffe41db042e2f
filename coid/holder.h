/** The holder of one licence for its own machine: what it asks, and until when it may use what it was given
 * (docs/PROTOCOL.md, "Licences").  No I/O: time, randomness and answers come in.
 *
 * A lease counts from when its request was sent, and is used until 1 % of it, a second at least, is left; keys work
 * through the grace that follows.  Times are milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps.
 */
#ifndef HOLDER_H
#define HOLDER_H

#include "lease.h"

#define HOLDER_BODY   320	    /**< [octets] of a request, and its NUL */
#define HOLDER_REASON (VMP_MSG_MAX) /**< [octets] */

enum holder_state {
	HOLDER_NONE,  /**< nothing was given yet */
	HOLDER_HELD,  /**< in its life */
	HOLDER_GRACE, /**< its life is over, and keys work on */
	HOLDER_OVER,  /**< and that as well */
	HOLDER_STATES
};

enum holder_result {
	HOLDER_GRANTED,	 /**< or renewed */
	HOLDER_REFUSED,	 /**< there is none for it, or it may not ask */
	HOLDER_STALE,	 /**< it has to learn where its account is, and asks again at once */
	HOLDER_RETURNED, /**< given back */
	HOLDER_FAILED,	 /**< no answer, or none that counts */
	HOLDER_RESULTS
};

struct holder {
	char product[VMP_PRODUCT];
	char request_id[VMP_UUID_TEXT]; /**< of what is not answered yet; "": a new request */
	int64_t seen;			/**< seq of the last answer */
	bool has, wants;
	bool open;				   /**< the server may have something on record for it */
	bool asking;				   /**< a request is under way */
	bool asked;				   /**< what it wants, or that nobody has answered */
	int64_t sent_ms;			   /**< when it was sent */
	int64_t ask_ms;				   /**< when to ask next */
	int64_t end_ms;				   /**< of the life; 0: never had one */
	int64_t lapse_ms;			   /**< of the grace */
	int64_t duration_ms;			   /**< as given last */
	unsigned failures;			   /**< since an answer that was one */
	unsigned refusals;			   /**< since a grant */
	unsigned stales;			   /**< in a row */
	char reason[HOLDER_REASON];		   /**< why there is none, or why the last request failed; "" */
	unsigned long long result[HOLDER_RESULTS]; /**< how often */
};

/** @param product  that the machine needs; copied. It wants it at once. */
void holder_init(struct holder *holder, const char *product, int64_t now_ms);
/** What it may use now. */
enum holder_state holder_state(const struct holder *holder, int64_t now_ms);
const char *holder_state_name(enum holder_state state);
const char *holder_result_name(enum holder_result result);
/** Does it have to ask now? */
bool holder_is_due(const struct holder *holder, int64_t now_ms);
/** [ms] When something has to be done next: asked, or its state changes; INT64_MAX: nothing. */
int64_t holder_next(const struct holder *holder, int64_t now_ms);

/** The request to send: the one that was not answered once more, or a new one.  Nothing else may be asked until
 * holder_answer().
 * @return VMP_OK; VMP_EIO: no randomness. */
VMP_CHECKED int holder_request(struct holder *holder, int64_t now_ms, char out[HOLDER_BODY]);
/** What came of it. @param status  0: no answer, and why says so. @param body  len octets; fuzzed.
 * @param drawn  random, so that machines do not come all at once. */
enum holder_result holder_answer(struct holder *holder, int status, const char *body, size_t len, const char *why,
				 uint32_t drawn, int64_t now_ms);
/** It could not be sent. */
void holder_unsent(struct holder *holder, const char *why, uint32_t drawn, int64_t now_ms);
/** Ask as soon as may be, whatever pause there is: something has changed. */
void holder_hurry(struct holder *holder, int64_t now_ms);
/** Give it back: it is used no more, from now on. */
void holder_release(struct holder *holder, int64_t now_ms);
/** Is there nothing left to tell the server? */
bool holder_is_released(const struct holder *holder);

#endif
