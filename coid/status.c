#include "status.h"
#include "boot_clock.h"
#include "exposition.h"
#include "identity.h"
#include "jsontext.h"
#include "licence.h"
#include "loop.h"
#include "member.h"
#include "prometheus.h"

static void metrics(struct http_exchange *x)
{
	prometheus_answer(x, exposition_write);
}

/* -- in short ----------------------------------------------------------------------------------------------------- */

static json_t *well_or(const char *why)
{
	return vmp_json_text(why ? why : "ok");
}

/* In its grace a machine goes on. */
static const char *licence_hinders(void)
{
	return licence_permits() ? NULL : licence_trouble();
}

static void healthz(struct http_exchange *x)
{
	const char *identity = identity_trouble(true), *licence = licence_hinders(), *member = member_trouble();
	bool bad = loop.stopping || identity || licence || member;

	http_exchange_json(x, bad ? 503 : 200,
			   json_pack("{s:o, s:o, s:o}", "identity", well_or(identity), "lease",
				     well_or(licence ? licence : licence_trouble()), "member",
				     well_or(loop.stopping ? "stopping" : member)));
}

/* -- for people --------------------------------------------------------------------------------------------------- */

static json_t *identity_object(void)
{
	struct identity_status s;

	identity_status(&s);
	return json_pack("{s:o, s:s, s:I, s:I, s:o}", "name", vmp_json_text(s.name), "serial", s.serial, "not_after",
			 (json_int_t)s.not_after, "renew_at", (json_int_t)s.renew_at, "error",
			 vmp_json_text(s.error ? s.error : ""));
}

static json_int_t left_s(int64_t at_ms)
{
	int64_t now_ms = (int64_t)boot_clock_ms();

	return at_ms > now_ms ? (at_ms - now_ms) / 1000 : 0;
}

static json_t *lease_object(void)
{
	const struct holder *h = licence_holder();

	if (!h)
		return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "product", "", "gateway", "", "state", "not-needed",
				 "ends_in_s", 0, "lapses_in_s", 0, "reason", "");
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "product", h->product, "gateway", loop.bundle.gateway,
			 "state", holder_state_name(holder_state(h, (int64_t)boot_clock_ms())), "ends_in_s",
			 left_s(h->end_ms), "lapses_in_s", left_s(h->lapse_ms), "reason", vmp_json_text(h->reason));
}

static json_t *machine_object(void)
{
	return json_pack("{s:s, s:o, s:s}", "uuid", loop.bundle.uuid, "name", vmp_json_text(loop.bundle.name),
			 "template", loop.bundle.label);
}

static void status(struct http_exchange *x)
{
	const char *why = loop_trouble();
	json_t *all = member_status(),
	       *own = json_pack("{s:s, s:b, s:o, s:s, s:o, s:o, s:o}", "version", VMPROV_VERSION, "well", (int)!why,
				"why", vmp_json_text(why ? why : ""), "policyd", loop.policyd, "machine",
				machine_object(), "identity", identity_object(), "lease", lease_object());

	if (!all || !own || json_object_update(all, own) != 0) {
		json_decref(all);
		all = NULL;
	}
	json_decref(own);
	http_exchange_json(x, 200, all);
}

static void renew(struct http_exchange *x)
{
	loop_renew();
	http_exchange_json(x, 200, json_object());
}

const struct http_route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ EVHTTP_REQ_GET, "/readyz", healthz, false },
	{ EVHTTP_REQ_GET, "/v1/status", status, false },
	{ 0, NULL, NULL, false },
};

const struct http_route control_routes[] = {
	{ EVHTTP_REQ_POST, "/v1/renew", renew, false },
	{ 0, NULL, NULL, false },
};
