/* A request for licences: who may ask, what is answered, and what is written of it. */
#include "licences.h"
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* [ms] That a product is short is said no more often. */
#define SHORTAGE_MS 10000
#define DETAIL	    200

/* A product that others were refused of. */
struct shortage {
	char product[VMP_PRODUCT];
	int64_t at_ms;
};

/* A request, and all that belongs to it. */
struct ask {
	struct state *s;
	const struct message *m;
	struct vmp_msg *msg;
	const struct message_lease *lease;
	struct vmp_identity who;
	struct vmp_licence_asker asker;
	int64_t owned; /* in the pools that it may draw on */
	struct vmp_lease_answer answer;
};

/* -- who may ask ---------------------------------------------------------------------------------------------- */

static int check_gateway(const struct ask *a)
{
	if (!a->asker.broker)
		return vmp_fail(a->msg, VMP_EACCES, "%s: its template is not one of licence brokers", a->who.name);
	return VMP_OK;
}

/* A VM has one licence, of what its template needs; what it has of another product it may give back. */
static int check_vm(const struct ask *a)
{
	const struct message_lease *l = a->lease;

	if (l->wants > 1 || l->least > 1 || l->n_started || l->n_stopped || l->all || l->elsewhere)
		return vmp_fail(a->msg, VMP_EINVAL, "a VM wants one licence, for itself");
	if (l->wants && strcmp(l->product, a->asker.product) != 0)
		return vmp_fail(a->msg, VMP_EACCES, "%s: its template needs no licence of %s", a->who.name, l->product);
	if (l->wants && *a->asker.gateway && !a->s->config->licence_direct)
		return vmp_fail(a->msg, VMP_EACCES, "%s: its gateway %s gives it the licence", a->who.name,
				a->asker.gateway);
	return VMP_OK;
}

static int identify(struct ask *a)
{
	int err = state_identify(a->s, a->m, STATE_GUESTS, &a->who, a->msg);

	if (err != VMP_OK)
		return err;
	vmp_licence_asker_of(&a->who, &a->asker);
	return a->who.kind == VMP_CERT_GATEWAY ? check_gateway(a) : check_vm(a);
}

/* -- what is written of it ------------------------------------------------------------------------------------ */

static int audit(const struct ask *a, const char *event, const char *detail)
{
	char actor[STATE_ACTOR];

	state_actor(&a->who, actor);
	return state_audit(a->s, event, "policyd", actor, detail, a->msg);
}

/* "web-std: 3 -> 5 of 6 wanted, 10 owned" */
static void change_text(const struct ask *a, char out[DETAIL])
{
	snprintf(out, DETAIL, "%s: %" PRId64 " -> %" PRId64 " of %" PRIu64 " wanted, %" PRId64 " owned",
		 a->lease->product, a->answer.before, a->answer.granted, a->lease->wants, a->owned);
}

static int audit_change(const struct ask *a)
{
	const struct vmp_lease_answer *out = &a->answer;
	char detail[DETAIL];
	int err = VMP_OK;

	if (out->granted == out->before)
		return VMP_OK;
	change_text(a, detail);
	if (out->granted > out->before)
		err = audit(a, "licence-granted", detail);
	else
		err = audit(a, a->lease->wants < (uint64_t)out->before ? "licence-returned" : "licence-reduced",
			    detail);
	if (err != VMP_OK || out->overdrawn <= 0)
		return err;
	snprintf(detail, sizeof(detail), "%s: %" PRId64 " beyond the %" PRId64 " owned", a->lease->product,
		 out->overdrawn, a->owned);
	vmp_log(VMP_LOG_WARNING, "licence-overdraft", "whom", a->who.name, "detail", detail, NULL);
	return audit(a, "licence-overdraft", detail);
}

/* Has this been said of the product lately?  If not, it is now. */
static bool said_short(struct licences *l, const char *product, int64_t now_ms)
{
	struct shortage *of = NULL, *more;
	size_t i;

	for (i = 0; i < l->n_shortage && !of; i++) {
		if (strcmp(l->shortage[i].product, product) == 0)
			of = &l->shortage[i];
	}
	if (of && now_ms - of->at_ms < SHORTAGE_MS)
		return true;
	if (!of) {
		more = realloc(l->shortage, (l->n_shortage + 1) * sizeof(*more));
		if (!more)
			return true;
		l->shortage = more;
		of = &l->shortage[l->n_shortage++];
		snprintf(of->product, sizeof(of->product), "%s", product);
	}
	of->at_ms = now_ms;
	return false;
}

/* Others who have more than they need are told; without a pool there is nobody to tell. */
static int tell_shortage(const struct ask *a)
{
	if (a->answer.reason != VMP_LEASE_EXHAUSTED ||
	    said_short(a->s->licences, a->lease->product, a->s->clock.boot_ms))
		return VMP_OK;
	return vmp_licence_short(a->s->store, a->lease->product, a->msg);
}

static int write_denial(const struct ask *a)
{
	const char *reason = vmp_lease_reason_text(a->answer.reason);
	const struct vmp_licence_denial denial = { .holder = a->who.uuid,
						   .product = a->lease->product,
						   .reason = reason,
						   .mac = a->who.mac,
						   .tenant_id = a->asker.tenant_id,
						   .wants = (int64_t)a->lease->wants,
						   .available = a->answer.available };
	char detail[DETAIL + 80], change[DETAIL];
	int err = vmp_licence_deny(a->s->store, &denial, a->s->clock.now, a->msg);

	if (err == VMP_OK)
		err = tell_shortage(a);
	if (err != VMP_OK || ++a->s->denials > STATE_DENIALS)
		return err;
	change_text(a, change);
	snprintf(detail, sizeof(detail), "%s: %s", change, reason);
	vmp_log(VMP_LOG_WARNING, "licence-denied", "whom", a->who.name, "product", a->lease->product, "why", reason,
		NULL);
	return audit(a, "licence-denied", detail);
}

static void count(const struct vmp_lease_answer *out, uint64_t wants)
{
	static const enum metric refused[VMP_LEASE_REASONS] = {
		[VMP_LEASE_FINE] = METRIC_LICENCE_REFUSED_EXHAUSTED,
		[VMP_LEASE_EXHAUSTED] = METRIC_LICENCE_REFUSED_EXHAUSTED,
		[VMP_LEASE_NO_POOL] = METRIC_LICENCE_REFUSED_NO_POOL,
		[VMP_LEASE_CLOSED] = METRIC_LICENCE_REFUSED_CLOSED,
		[VMP_LEASE_RECOVERING] = METRIC_LICENCE_REFUSED_RECOVERING,
		[VMP_LEASE_REDUCED] = METRIC_LICENCE_REFUSED_REDUCED,
	};

	if (out->stale)
		metric_add(METRIC_LICENCE_STALE, 1);
	else if (out->repeated)
		metric_add(METRIC_LICENCE_REPEATED, 1);
	else if (out->refused)
		metric_add(refused[out->reason], 1);
	else
		metric_add((uint64_t)out->granted < wants ? METRIC_LICENCE_SMALLER : METRIC_LICENCE_GRANTED, 1);
}

/* -- the answer ----------------------------------------------------------------------------------------------- */

/* How many guests a gateway may have licensed: what counts as its own, and what it has from others if we believe it. */
static int64_t guests_allowed(const struct ask *a)
{
	const struct vmp_lease *is = vmp_lease_find(a->s->licences->book, a->who.uuid, a->lease->product);

	return (is ? vmp_lease_occupied(is) : 0) + (a->s->config->licence_elsewhere ? (int64_t)a->lease->elsewhere : 0);
}

/* @param refused  out: a list, or NULL for none. */
static int reports(const struct ask *a, json_t **refused, int64_t *licensed)
{
	const struct message_lease *l = a->lease;
	int err = VMP_OK;

	*licensed = a->answer.granted;
	if (a->who.kind == VMP_CERT_VM)
		return VMP_OK;
	if (l->n_started)
		*refused = json_array();
	if (!a->answer.stale)
		err = licences_reported(a->s, &a->who, &a->asker, l, guests_allowed(a), a->answer.repeated, *refused,
					a->msg);
	return err == VMP_OK ? vmp_licensed_count(a->s->store, a->who.uuid, l->product, licensed, a->msg) : err;
}

/* A text of printable ASCII as JSON has it. */
static void quote(const char *text, char out[2 * VMP_PRODUCT])
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '\0';
}

/* By hand, since each grant is one.  The reasons are constants that need no quoting. */
static int send_answer(const struct ask *a, const char *reason, int64_t licensed, const char *refused)
{
	const struct vmp_lease_answer *out = &a->answer;
	bool refusal = out->stale || out->refused;
	size_t room = strlen(refused) + 1024;
	char *text = malloc(room), product[2 * VMP_PRODUCT];
	int len, err;

	if (!text)
		return VMP_ENOMEM;
	quote(a->lease->product, product);
	len = snprintf(text, room,
		       "{\"product\":\"%s\",\"request_id\":\"%s\",\"seq\":%" PRId64 ",\"granted\":%" PRId64
		       ",\"duration_s\":%" PRId64 ",\"grace_s\":%" PRId64 ",\"available\":%" PRId64
		       ",\"reason\":\"%s\",\"short\":%s,\"licensed\":%" PRId64 ",\"refused\":%s%s%s%s%s}",
		       product, a->lease->id, out->seq, out->granted, out->life_ms / 1000, out->grace_ms / 1000,
		       out->available, reason, out->is_short ? "true" : "false", licensed, refused,
		       refusal ? ",\"error\":\"" : "", refusal ? reason : "", refusal ? "\"" : "",
		       out->stale ? ",\"stale\":true" : "");
	err = refusal ? state_answer_refusal(a->s, a->m->id, reason, text, (size_t)len)
		      : state_answer(a->s, a->m->id, text, (size_t)len);
	free(text);
	return err;
}

static int reply(const struct ask *a)
{
	const char *reason = a->answer.stale ? "the request was made before the last answer"
					     : vmp_lease_reason_text(a->answer.reason);
	json_t *refused = NULL;
	char *list = NULL;
	int64_t licensed = 0;
	int err = reports(a, &refused, &licensed);

	if (err == VMP_OK && json_array_size(refused) && !(list = json_dumps(refused, JSON_COMPACT)))
		err = VMP_ENOMEM;
	if (err == VMP_OK)
		err = send_answer(a, reason, licensed, list ? list : "[]");
	free(list);
	json_decref(refused);
	return err;
}

/* Before it is decided, but not of a request that will be answered as it was, or as stale: who has stopped; and what
 * guests on record have is not given back while they have it, unless all is. */
static int keep_licensed(const struct ask *a, struct vmp_lease_request *request)
{
	const struct vmp_lease *is = vmp_lease_find(a->s->licences->book, request->holder, request->product);
	int64_t n = 0;
	int err;

	if (a->who.kind == VMP_CERT_VM || request->seen != (is ? is->seq : 0) ||
	    (is && strcmp(is->request_id, request->id) == 0))
		return VMP_OK;
	err = licences_stopped(a->s, a->who.uuid, a->lease, a->msg);
	if (err != VMP_OK || !is || !request->wants || request->wants >= vmp_lease_occupied(is))
		return err;
	err = vmp_licensed_count(a->s->store, a->who.uuid, a->lease->product, &n, a->msg);
	n -= a->s->config->licence_elsewhere ? (int64_t)a->lease->elsewhere : 0;
	n = n < vmp_lease_occupied(is) ? n : vmp_lease_occupied(is);
	request->wants = n > request->wants ? n : request->wants;
	return err;
}

static int decide(struct ask *a)
{
	struct licences *l = a->s->licences;
	int64_t pools[LICENCES_CANDIDATES], before = vmp_lease_recovering(l->book);
	struct vmp_lease_request request = { .holder = a->who.uuid,
					     .product = a->lease->product,
					     .id = a->lease->id,
					     .seen = (int64_t)a->lease->seen,
					     .has = (int64_t)a->lease->has,
					     .in_use = (int64_t)a->lease->in_use,
					     .wants = (int64_t)a->lease->wants,
					     .least = (int64_t)a->lease->least,
					     .pools = pools,
					     .trusted = a->who.kind == VMP_CERT_GATEWAY };
	int err;

	request.n_pools = licences_candidates(a->s, a->asker.tenant_id, a->lease->product, pools, &a->owned);
	l->holder = (struct vmp_licence_holder){
		.kind = a->who.kind, .mac = a->who.mac, .tenant_id = a->asker.tenant_id, .has = request.has
	};
	l->elsewhere = a->s->config->licence_elsewhere && a->lease->elsewhere;
	err = keep_licensed(a, &request);
	if (err == VMP_OK)
		err = vmp_lease_ask(l->book, &request, a->s->clock.boot_ms, &a->answer, a->msg);
	if (err == VMP_OK && vmp_lease_recovering(l->book) > before)
		err = licences_recovering(a->s, a->who.name, a->msg);
	else if (err == VMP_OK && before && !vmp_lease_recovering(l->book))
		err = licences_recovered(a->s, a->msg);
	return err;
}

int licences_lease(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct ask a = { .s = s, .m = m, .msg = msg, .lease = &m->lease };
	int err = identify(&a);

	if (err == VMP_OK)
		err = licences_open(s, msg);
	if (err == VMP_OK)
		err = decide(&a);
	if (err == VMP_OK && !a.answer.stale && !a.answer.repeated)
		err = audit_change(&a);
	if (err == VMP_OK && a.answer.refused && !a.answer.stale && !a.answer.repeated)
		err = write_denial(&a);
	if (err != VMP_OK)
		return err;
	count(&a.answer, m->lease.wants);
	return reply(&a);
}
