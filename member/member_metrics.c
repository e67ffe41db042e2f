#include "member_parts.h"
#include "pair.h"
#include "peers.h"
#include "prometheus.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void phases(struct evbuffer *out)
{
	static const char *const names[] = {
		[VMP_COI_IDLE] = "idle",     [VMP_COI_ASKING] = "asking",     [VMP_COI_AGREED] = "agreed",
		[VMP_COI_UNSURE] = "unsure", [VMP_COI_RECOVERY] = "recovery",
	};
	long long n[COUNT(names)] = { 0 };
	struct pair *pair;
	size_t i;

	for (pair = pairs_first(); pair; pair = pair->next)
		n[pair->seen.phase]++;
	prometheus_head(out, "vmprov_coi_pairs", "gauge",
			"Machines that somebody needs, by how far keys are agreed on.");
	for (i = 0; i < COUNT(names); i++)
		evbuffer_add_printf(out, "vmprov_coi_pairs{state=\"%s\"} %lld\n", names[i], n[i]);
}

static void packets(struct evbuffer *out)
{
	const struct member_counters *c = &member.count;

	prometheus_number(out, "vmprov_coi_packets_held_total", "counter",
			  "Packets that waited for a machine to become a peer.", (long long)c->held);
	prometheus_number(out, "vmprov_coi_packets_dropped_total", "counter",
			  "Packets that waited too long, or were too many.", (long long)c->dropped);
	prometheus_number(out, "vmprov_coi_packets_refused_total", "counter",
			  "Packets for addresses that this machine may not talk to.", (long long)c->refused);
}

static void messages(struct evbuffer *out)
{
	const struct member_counters *c = &member.count;

	prometheus_number(out, "vmprov_coi_messages_sent_total", "counter", "Messages to other machines.",
			  (long long)c->sent);
	prometheus_number(out, "vmprov_coi_messages_received_total", "counter", "Datagrams on the messages' port.",
			  (long long)c->received);
	prometheus_head(out, "vmprov_coi_messages_dropped_total", "counter",
			"Of those: no messages, of machines that are not known, not sealed with a key of the pair.");
	evbuffer_add_printf(out,
			    "vmprov_coi_messages_dropped_total{reason=\"invalid\"} %llu\n"
			    "vmprov_coi_messages_dropped_total{reason=\"unknown\"} %llu\n"
			    "vmprov_coi_messages_dropped_total{reason=\"refused\"} %llu\n",
			    c->invalid, c->unknown, c->refusals);
}

static void failures(struct evbuffer *out)
{
	const struct member_counters *c = &member.count;

	prometheus_head(out, "vmprov_coi_failures_total", "counter",
			"What WireGuard, the kernel's routes or the file of names did not take.");
	evbuffer_add_printf(out,
			    "vmprov_coi_failures_total{what=\"wireguard\"} %llu\n"
			    "vmprov_coi_failures_total{what=\"route\"} %llu\n"
			    "vmprov_coi_failures_total{what=\"names\"} %llu\n",
			    c->wg_failures, c->route_failures, c->names_failures);
}

static void peers(struct evbuffer *out)
{
	const struct member_counters *c = &member.count;

	prometheus_number(out, "vmprov_coi_machines", "gauge", "Machines in the directory.", (long long)peers_count());
	prometheus_number(out, "vmprov_coi_peers", "gauge", "WireGuard peers.", (long long)pairs_up());
	phases(out);
	prometheus_number(out, "vmprov_coi_peers_up_total", "counter", "Machines that became WireGuard peers.",
			  (long long)c->up);
	prometheus_number(out, "vmprov_coi_evicted_total", "counter", "Peers that went since there were too many.",
			  (long long)c->evicted);
	prometheus_number(out, "vmprov_coi_stalled_total", "counter",
			  "Times that a peer was sent to and did not answer.", (long long)c->stalled);
	prometheus_number(out, "vmprov_coi_agreements_total", "counter", "Session keys agreed on.",
			  (long long)c->agreed);
	prometheus_number(out, "vmprov_coi_recovery_keys_total", "counter",
			  "Times that a peer got the recovery key, since it was not heard of.",
			  (long long)c->recoveries);
}

void member_metrics(struct evbuffer *out)
{
	const struct keys_one *keys;

	if (!member.base)
		return;
	prometheus_number(out, "vmprov_coi_up", "gauge", "Whether policyd knows this machine, and it may talk.",
			  member.state == MEMBER_UP);
	prometheus_number(out, "vmprov_coi_directory_up", "gauge", "Whether the directory's last request was answered.",
			  !*member.directory_why && member.directory);
	prometheus_number(out, "vmprov_coi_directory_version", "gauge", "The last change that the directory told.",
			  member.version);
	prometheus_number(out, "vmprov_coi_keys", "gauge", "Live epochs of this machine's COIs.",
			  member.keys ? (long long)keys_all(member.keys, &keys) : 0);
	peers(out);
	packets(out);
	messages(out);
	failures(out);
}
