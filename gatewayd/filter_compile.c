#include "filter_compile.h"
#include "filter_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT  "limit rate 20/second burst 20 packets"
#define ERRORS "ct state related meta l4proto { icmp, ipv6-icmp } "

/* The interfaces of the machines. */
struct ours {
	char text[2 * CONFIG_INTERFACE + 16];
};

static const int families[] = { AF_INET, AF_INET6 };

static const char *family_word(int family)
{
	return family == AF_INET ? "ip" : "ip6";
}

/* -- a rule ------------------------------------------------------------------------------------------------------- */

static bool has_family(const struct filter_prefixes *list, int family)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->of[i].family == family)
			return true;
	}
	return list->n == 0;
}

/* @param side  "saddr", "daddr" */
static void write_prefixes(struct filter_writer *out, const struct filter_prefixes *list, int family, const char *side)
{
	const char *between = "{ ";
	char text[PREFIX_TEXT];
	size_t i;

	if (list->n == 0)
		return;
	filter_write(out, "%s %s ", family_word(family), side);
	for (i = 0; i < list->n; i++) {
		if (list->of[i].family != family)
			continue;
		prefix_write(&list->of[i], text);
		filter_write(out, "%s%s", between, text);
		between = ", ";
	}
	filter_write(out, " } ");
}

/* @param side  "sport", "dport" */
static void write_ports(struct filter_writer *out, const struct filter_ports *list, const char *protocol,
			const char *side)
{
	size_t i;

	if (list->n == 0)
		return;
	filter_write(out, "%s %s { ", protocol, side);
	for (i = 0; i < list->n; i++) {
		filter_write(out, "%s%u", i > 0 ? ", " : "", (unsigned)list->of[i].first);
		if (list->of[i].last != list->of[i].first)
			filter_write(out, "-%u", (unsigned)list->of[i].last);
	}
	filter_write(out, " } ");
}

/* @param family  0: both at once */
static void write_match(struct filter_writer *out, const struct filter_rule *rule, int family)
{
	static const char *const protocols[] = {
		[FILTER_ANY] = NULL, [FILTER_TCP] = "tcp", [FILTER_UDP] = "udp", [FILTER_ICMP] = "{ icmp, ipv6-icmp }"
	};
	const char *protocol = protocols[rule->protocol];

	filter_write(out, "\t\t");
	if (family) {
		write_prefixes(out, &rule->source, family, "saddr");
		write_prefixes(out, &rule->destination, family, "daddr");
	}
	if (protocol)
		filter_write(out, "meta l4proto %s ", protocol);
	write_ports(out, &rule->source_ports, protocol, "sport");
	write_ports(out, &rule->ports, protocol, "dport");
}

static void write_rule(struct filter_writer *out, const struct filter_rule *rule, int family)
{
	long long id = (long long)rule->id;

	if (rule->log) {
		write_match(out, rule, family);
		filter_write(out, "ct state new " LIMIT " log prefix \"vmprov filter %lld: \"\n", id);
	}
	write_match(out, rule, family);
	filter_write(out, "counter name rule_%lld ", id);
	if (rule->action == FILTER_ACCEPT)
		filter_write(out, "ct mark set 0x%08x accept\n", rule->mark);
	else
		filter_write(out, "%s\n", rule->action == FILTER_DROP ? "drop" : "reject with icmpx admin-prohibited");
}

static void write_variants(struct filter_writer *out, const struct filter_rule *rule)
{
	size_t i;

	if (rule->source.n + rule->destination.n == 0) {
		write_rule(out, rule, 0);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (has_family(&rule->source, families[i]) && has_family(&rule->destination, families[i]))
			write_rule(out, rule, families[i]);
	}
}

/* -- a COI's chains ----------------------------------------------------------------------------------------------- */

/* Packets of connections that rules of a direction let in. @param what  which packets of them. */
static void write_let_in(struct filter_writer *out, const struct filter_set *set, const char *coi,
			 enum filter_direction direction, const char *what)
{
	const char *between = "{ ";
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct filter_rule *rule = &set->rule[i];

		if (rule->direction != direction || rule->action != FILTER_ACCEPT || strcmp(rule->coi, coi) != 0)
			continue;
		if (*between == '{')
			filter_write(out, "\t\t%sct mark ", what);
		filter_write(out, "%s0x%08x", between, rule->mark);
		between = ", ";
	}
	if (*between != '{')
		filter_write(out, " } accept\n");
}

/* Packets that go in a direction are answers to connections of the other one, errors about what those of this one were
 * answered, or what the rules are for. */
static void write_chain(struct filter_writer *out, const struct filter_set *set, const char *coi, unsigned number,
			enum filter_direction direction)
{
	enum filter_direction other = direction == FILTER_IN ? FILTER_OUT : FILTER_IN;
	size_t i;

	filter_write(out, "\tchain %s_%u {\n", direction == FILTER_IN ? "in" : "out", number);
	write_let_in(out, set, coi, other, "ct direction reply ");
	filter_write(out, "\t\tct direction reply return\n");
	write_let_in(out, set, coi, direction, ERRORS);
	/* A rule that such an error fits would mark the connection that it is about, which may be another COI's. */
	filter_write(out, "\t\t" ERRORS "return\n");
	for (i = 0; i < set->n; i++) {
		if (set->rule[i].direction == direction && strcmp(set->rule[i].coi, coi) == 0)
			write_variants(out, &set->rule[i]);
	}
	filter_write(out, "\t}\n");
}

static void write_coi(struct filter_writer *out, const struct filter_set *set, const struct filter_elements *elements,
		      const struct filter_coi *coi, unsigned number)
{
	size_t i;

	if (coi->rules) {
		write_chain(out, set, coi->name, number, FILTER_IN);
		write_chain(out, set, coi->name, number, FILTER_OUT);
	}
	for (i = 0; i < 2 && coi->remotes; i++) {
		filter_elements_write(out, elements, FILTER_MEMBERS, number, families[i]);
		filter_elements_write(out, elements, FILTER_REMOTES, number, families[i]);
	}
}

/* -- the chains that packets begin in ----------------------------------------------------------------------------- */

/* From machine to machine, through us: what a COI allows that a remote one is in. */
static void write_between(struct filter_writer *out, const struct filter_cois *cois)
{
	char members[32], remotes[32];
	unsigned number;
	size_t i;

	filter_write(out, "\tchain between {\n");
	for (number = 1; number <= cois->n; number++) {
		for (i = 0; i < 2 && cois->of[number - 1].remotes; i++) {
			const char *ip = family_word(families[i]);

			filter_set_name(FILTER_MEMBERS, number, families[i], members);
			filter_set_name(FILTER_REMOTES, number, families[i], remotes);
			filter_write(out, "\t\t%s saddr @%s %s daddr @%s accept\n", ip, members, ip, remotes);
			filter_write(out, "\t\t%s saddr @%s %s daddr @%s accept\n", ip, remotes, ip, members);
		}
	}
	filter_write(out, "\t\tgoto refuse\n\t}\n");
}

/* The set of the clear side's interfaces. @return whether there are any; none: all that are not the machines'. */
static bool clear_set(const char *list, struct filter_writer *out)
{
	char word[CONFIG_INTERFACE];
	const char *between = "{ ";

	while (vmp_ini_word(&list, word, sizeof(word))) {
		filter_write(out, "%s\"%s\"", between, word);
		between = ", ";
	}
	if (*between != '{')
		filter_write(out, " }");
	return *between != '{';
}

static void write_clear(struct filter_writer *out, const struct filter_frame *frame, const struct ours *ours)
{
	struct filter_writer clear = { .text = NULL };

	if (clear_set(frame->clear, &clear) && !clear.failed) {
		filter_write(out, "\t\tiifname %s oifname != %s goto refuse\n", ours->text, clear.text);
		filter_write(out, "\t\toifname %s iifname != %s goto refuse\n", ours->text, clear.text);
	}
	out->failed |= clear.failed;
	free(clear.text);
}

/* A packet from outside that says that it comes from a machine does not.  What the kernel forwards for our sake would
 * take others around the rules, from the machines' network straight into the clear one and back. */
static void write_forward(struct filter_writer *out, const struct filter_frame *frame, const struct ours *ours)
{
	const char *name = ours->text;
	size_t i;

	filter_write(out,
		     "\tchain refuse {\n\t\tcounter name dropped\n\t\t" LIMIT
		     " reject with icmpx admin-prohibited\n\t\tdrop\n\t}\n"
		     "\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;\n"
		     "\t\tiifname != %s oifname != %s %s\n\t\tct state invalid goto refuse\n"
		     "\t\tiifname %s oifname %s goto between\n",
		     name, name, frame->transit ? "accept" : "goto refuse", name, name);
	write_clear(out, frame, ours);
	for (i = 0; i < 2; i++) {
		const char *ip = family_word(families[i]);
		int digit = families[i] == AF_INET ? 4 : 6;

		filter_write(out, "\t\tiifname %s %s saddr vmap @from%d\n", name, ip, digit);
		filter_write(out, "\t\toifname %s %s saddr @machines%d goto refuse\n", name, ip, digit);
		filter_write(out, "\t\toifname %s %s daddr vmap @to%d\n", name, ip, digit);
	}
	filter_write(out, "\t\tgoto refuse\n\t}\n");
}

static void write_inputs(struct filter_writer *out, const char *list, const struct ours *ours)
{
	struct config_input input;
	char word[16];

	while (vmp_ini_word(&list, word, sizeof(word))) {
		if (!config_input_word(word, &input))
			continue;
		if (input.protocol == CONFIG_ICMP)
			filter_write(out,
				     "\t\tiifname %s icmp type echo-request accept\n"
				     "\t\tiifname %s icmpv6 type echo-request accept\n",
				     ours->text, ours->text);
		else
			filter_write(out, "\t\tiifname %s %s dport %u accept\n", ours->text,
				     input.protocol == CONFIG_TCP ? "tcp" : "udp", (unsigned)input.port);
	}
}

/* What is for the gateway itself.  Its inner addresses are for machines alone, and theirs come from there alone. */
static void write_input(struct filter_writer *out, const struct filter_frame *frame, const struct ours *ours)
{
	size_t i;

	filter_write(out, "\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n"
			  "\t\tiifname \"lo\" accept\n");
	for (i = 0; i < 2; i++) {
		const char *ip = family_word(families[i]);
		int digit = families[i] == AF_INET ? 4 : 6;

		filter_write(out, "\t\tiifname != %s %s daddr @own%d counter name dropped drop\n", ours->text, ip,
			     digit);
		filter_write(out, "\t\tiifname != %s %s saddr @machines%d counter name dropped drop\n", ours->text, ip,
			     digit);
	}
	filter_write(out,
		     "\t\tiifname != %s accept\n"
		     "\t\tct direction reply ct state established,related accept\n"
		     "\t\t" ERRORS "accept\n",
		     ours->text);
	write_inputs(out, frame->input, ours);
	filter_write(out, "\t\tcounter name dropped drop\n\t}\n");
}

static void write_masquerade(struct filter_writer *out, const struct ours *ours)
{
	size_t i;

	filter_write(out, "\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n");
	for (i = 0; i < 2; i++)
		filter_write(out, "\t\toifname != %s %s saddr @machines%d masquerade\n", ours->text,
			     family_word(families[i]), families[i] == AF_INET ? 4 : 6);
	filter_write(out, "\t}\n");
}

/* -- the whole ---------------------------------------------------------------------------------------------------- */

static void write_declarations(struct filter_writer *out, const struct filter_set *set,
			       const struct filter_elements *elements)
{
	static const enum filter_kind of_all[] = { FILTER_OWN, FILTER_MACHINES };
	size_t i, j;

	filter_write(out, "\tcounter dropped { }\n");
	for (i = 0; i < set->n; i++)
		filter_write(out, "\tcounter rule_%lld { }\n", (long long)set->rule[i].id);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++)
			filter_elements_write(out, elements, of_all[i], 0, families[j]);
	}
}

static void write_maps(struct filter_writer *out, const struct filter_elements *elements)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		filter_elements_write(out, elements, FILTER_TO, 0, families[i]);
		filter_elements_write(out, elements, FILTER_FROM, 0, families[i]);
	}
}

int filter_compile(const struct filter_frame *frame, const struct filter_set *set, const struct filter_cois *cois,
		   const struct filter_elements *elements, char **out, struct vmp_msg *msg)
{
	struct filter_writer text = { .text = NULL };
	struct ours ours;
	unsigned number;

	(void)snprintf(ours.text, sizeof(ours.text), "{ \"%.*s\", \"%.*sn\" }", CONFIG_INTERFACE - 1, frame->interface,
		       CONFIG_INTERFACE - 2, frame->interface);
	filter_write(&text, FILTER_AWAY "table " FILTER_TABLE " {\n");
	write_declarations(&text, set, elements);
	for (number = 1; number <= cois->n; number++)
		write_coi(&text, set, elements, &cois->of[number - 1], number);
	write_maps(&text, elements);
	write_between(&text, cois);
	write_forward(&text, frame, &ours);
	write_input(&text, frame, &ours);
	if (frame->masquerade)
		write_masquerade(&text, &ours);
	filter_write(&text, "}\n");
	return filter_writer_end(&text, out, msg);
}
