/* Who is revoked, told in the two ways that relying parties ask: OCSP, one by one, and a CRL. */
#include "log.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

/* [ms] A CRL is not made more often than this, however often it is asked for, and a long one less often. */
#define CRL_AGE_MIN    1000
#define CRL_AGE_A_CERT 0.1

/* Who asked while one was being made. */
struct crl_waiter {
	struct crl_waiter *next;
	uint64_t id;
};

struct crl {
	bool asked; /**< one is being made, and others wait for it */
	struct crl_waiter *waiters;
	uint8_t *der;
	size_t len, n;	     /**< octets, certificates */
	int64_t made_ms;     /**< CLOCK_BOOTTIME */
	int64_t next_update; /**< [s] since 1970 */
	int64_t change;	     /**< the store's last change then */
};

static int answered(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	(void)msg;
	return state_answer(s, job->net_id, reply->blob, reply->blob_len);
}

int revocation_ocsp(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct message ask = { .type = M_SIGN_OCSP, .ocsp = m->ocsp };
	int err = vmp_store_ocsp(s->store, &ask.ocsp, msg);

	if (err != VMP_OK)
		return err;
	ask.from = (uint64_t)s->clock.now;
	ask.until = (uint64_t)(s->clock.now + s->config->crl_life);
	return state_ask(s, m, &ask, answered, NULL, NULL);
}

/* -- the CRL -------------------------------------------------------------------------------------------------- */

/* What is kept while the signer works. */
struct asked {
	int64_t next_update, change;
	size_t n;
};

static int keep(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	struct crl *crl = s->crl;
	const struct asked *asked = job->data;
	uint8_t *der = malloc(reply->blob_len ? reply->blob_len : 1);
	struct crl_waiter *w;
	int err = VMP_OK;

	if (!der)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	free(crl->der);
	memcpy(der, reply->blob, reply->blob_len);
	crl->der = der;
	crl->len = reply->blob_len;
	crl->made_ms = s->clock.boot_ms;
	crl->next_update = asked->next_update;
	crl->change = asked->change;
	crl->n = asked->n;
	while ((w = crl->waiters) && err == VMP_OK) {
		err = state_answer(s, w->id, crl->der, crl->len);
		crl->waiters = w->next;
		free(w);
	}
	return err == VMP_OK ? answered(s, job, reply, msg) : err;
}

/* Made or not, nobody waits any more. */
static void made(struct state *s, struct job *job)
{
	struct crl_waiter *w;

	free(job->data);
	while ((w = s->crl->waiters)) {
		state_answer_error(s, w->id, VMP_EIO, "the CRL could not be made");
		s->crl->waiters = w->next;
		free(w);
	}
	s->crl->asked = false;
}

static int wait_for_crl(struct state *s, uint64_t id)
{
	struct crl_waiter *w = malloc(sizeof(*w));

	if (!w)
		return VMP_ENOMEM;
	*w = (struct crl_waiter){ .next = s->crl->waiters, .id = id };
	s->crl->waiters = w;
	return STATE_LATER;
}

static bool fresh(const struct state *s)
{
	const struct crl *crl = s->crl;

	/* Half its life is left to those who fetch it; a clock set back makes it look younger than it is. */
	return crl->der && s->clock.now < crl->next_update - s->config->crl_life / 2 &&
	       (crl->change == s->last_change ||
		s->clock.boot_ms - crl->made_ms < CRL_AGE_MIN + (int64_t)((double)crl->n * CRL_AGE_A_CERT));
}

static void pack(const struct vmp_revoked *r, uint8_t *at)
{
	int i;

	memcpy(at, r->serial, VMP_SERIAL);
	for (i = 0; i < 8; i++)
		at[VMP_SERIAL + i] = (uint8_t)((uint64_t)r->at >> 8 * (7 - i));
	at[VMP_SERIAL + 8] = r->reason;
}

/* Have one made of list. */
static int sign(struct state *s, const struct message *m, const struct vmp_revoked *list, size_t n, int64_t number)
{
	struct message ask = { .type = M_SIGN_CRL, .number = (uint64_t)number, .from = (uint64_t)s->clock.now };
	uint8_t *blob = malloc(n ? n * MESSAGE_REVOKED : 1);
	struct asked *asked = malloc(sizeof(*asked));
	size_t i;
	int err;

	if (!blob || !asked) {
		free(blob);
		free(asked);
		return VMP_ENOMEM;
	}
	for (i = 0; i < n; i++)
		pack(&list[i], blob + i * MESSAGE_REVOKED);
	asked->next_update = s->clock.now + s->config->crl_life;
	asked->change = s->last_change;
	asked->n = n;
	ask.until = (uint64_t)asked->next_update;
	ask.blob = blob;
	ask.blob_len = n * MESSAGE_REVOKED;
	err = state_ask(s, m, &ask, keep, made, asked);
	free(blob);
	return err;
}

int revocation_crl(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_revoked *list = NULL;
	size_t n = 0;
	int64_t number;
	int err;

	if (!s->crl && !(s->crl = calloc(1, sizeof(*s->crl))))
		return VMP_ENOMEM;
	if (fresh(s))
		return state_answer(s, m->id, s->crl->der, s->crl->len);
	if (s->crl->asked)
		return wait_for_crl(s, m->id);
	err = vmp_store_crl_number(s->store, &number, msg);
	if (err == VMP_OK)
		err = vmp_store_revoked(s->store, s->clock.now, &list, &n, msg);
	if (err == VMP_OK)
		err = sign(s, m, list, n, number);
	s->crl->asked = err == STATE_LATER;
	free(list);
	return err;
}
