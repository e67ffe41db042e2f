#include "coi_status.h"
#include "filter.h"
#include "filter_poll.h"
#include "identity.h"
#include "jsontext.h"
#include "member.h"
#include "prometheus.h"

/* -- /metrics ----------------------------------------------------------------------------------------------------- */

static void write_counts(struct evbuffer *out, const struct filter_view *view, const char *name, const char *help,
			 bool octets)
{
	struct filter_count count;
	size_t i;

	prometheus_head(out, name, "counter", help);
	for (i = 0; i < view->set->n; i++) {
		count = filter_counts_of(&view->counts, view->set->rule[i].id);
		evbuffer_add_printf(out, "%s{rule=\"%lld\",coi=\"%s\"} %llu\n", name, (long long)view->set->rule[i].id,
				    view->set->rule[i].coi,
				    (unsigned long long)(octets ? count.octets : count.packets));
	}
}

static void write_metrics(struct evbuffer *out)
{
	struct identity_status identity = { .error = "" };
	struct filter_view view;

	filter_look(&view);
	write_counts(out, &view, "vmprov_gateway_filter_packets_total", "Packets that a rule fits.", false);
	write_counts(out, &view, "vmprov_gateway_filter_bytes_total", "Their octets.", true);
	prometheus_number(out, "vmprov_gateway_dropped_packets_total", "counter", "Packets that no rule lets through.",
			  (long long)filter_counts_of(&view.counts, 0).packets);
	prometheus_number(out, "vmprov_gateway_filter_rules", "gauge", "Rules in force.", (long long)view.set->n);
	prometheus_number(out, "vmprov_gateway_filter_refused_total", "counter", "Sets of rules that were refused.",
			  (long long)view.refused);
	filter_counts_clear(&view.counts);
	identity_status(&identity);
	prometheus_number(out, "vmprov_gatewayd_certificate_expiry_timestamp_seconds", "gauge",
			  "The gateway's certificate's end; 0: there is none.", identity.not_after);
	member_metrics(out);
}

static void metrics(struct http_exchange *x)
{
	prometheus_answer(x, write_metrics);
}

/* -- /healthz: can machines reach the clear network through us? ---------------------------------------------------- */

static void healthz(struct http_exchange *x)
{
	const char *identity = identity_trouble(true), *member = member_trouble(), *filter = filter_trouble();

	if (!filter)
		filter = filter_poll_error();
	http_exchange_json(x, identity || member || filter ? 503 : 200,
			   json_pack("{s:o, s:o, s:o}", "identity", vmp_json_text(identity ? identity : "ok"), "member",
				     vmp_json_text(member ? member : "ok"), "filter",
				     vmp_json_text(filter ? filter : "ok")));
}

/* -- /v1/status: for people --------------------------------------------------------------------------------------- */

static json_t *rule_status(const struct filter_rule *rule, const struct filter_counts *counts)
{
	static const char *const actions[] = { "accept", "drop", "reject" };
	struct filter_count count = filter_counts_of(counts, rule->id);

	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I}", "id", (json_int_t)rule->id, "coi", rule->coi, "direction",
			 rule->direction == FILTER_IN ? "in" : "out", "action", actions[rule->action], "packets",
			 (json_int_t)count.packets, "octets", (json_int_t)count.octets);
}

static json_t *filter_status(void)
{
	const char *error = filter_poll_error();
	json_t *rules = json_array(), *out;
	struct filter_view view;
	size_t i;

	filter_look(&view);
	for (i = 0; i < view.set->n; i++)
		json_array_append_new(rules, rule_status(&view.set->rule[i], &view.counts));
	out = json_pack("{s:I, s:o, s:I, s:o, s:o, s:b, s:b}", "version", (json_int_t)view.set->version, "rules", rules,
			"dropped", (json_int_t)filter_counts_of(&view.counts, 0).packets, "refused",
			vmp_json_text(view.why), "error", vmp_json_text(error ? error : ""), "kept", (int)view.kept,
			"withdrawn", (int)view.withdrawn);
	filter_counts_clear(&view.counts);
	return out;
}

static json_t *identity_object(void)
{
	struct identity_status s = { .error = "" };

	identity_status(&s);
	return json_pack("{s:o, s:o, s:I, s:o}", "name", vmp_json_text(s.name), "serial", vmp_json_text(s.serial),
			 "not_after", (json_int_t)s.not_after, "error", vmp_json_text(s.error ? s.error : ""));
}

static void status(struct http_exchange *x)
{
	json_t *all = member_status();

	json_object_set_new(all, "version", json_string(VMPROV_VERSION));
	json_object_set_new(all, "identity", identity_object());
	json_object_set_new(all, "filter", filter_status());
	http_exchange_json(x, 200, all);
}

const struct http_route coi_status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ EVHTTP_REQ_GET, "/readyz", healthz, false },
	{ EVHTTP_REQ_GET, "/v1/status", status, false },
	{ 0, NULL, NULL, false },
};
