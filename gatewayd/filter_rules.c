#include "filter_rules.h"

#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

void filter_set_clear(struct filter_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		free(set->rule[i].source.of);
		free(set->rule[i].destination.of);
		free(set->rule[i].source_ports.of);
		free(set->rule[i].ports.of);
	}
	free(set->rule);
	*set = (struct filter_set){ .version = 0 };
}

static bool equal_prefixes(const struct filter_prefixes *a, const struct filter_prefixes *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (!prefix_equal(&a->of[i], &b->of[i]))
			return false;
	}
	return true;
}

static bool equal_ports(const struct filter_ports *a, const struct filter_ports *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (a->of[i].first != b->of[i].first || a->of[i].last != b->of[i].last)
			return false;
	}
	return true;
}

bool filter_rule_equal(const struct filter_rule *a, const struct filter_rule *b)
{
	return strcmp(a->coi, b->coi) == 0 && a->direction == b->direction && a->protocol == b->protocol &&
	       a->action == b->action && equal_prefixes(&a->source, &b->source) &&
	       equal_prefixes(&a->destination, &b->destination) && equal_ports(&a->source_ports, &b->source_ports) &&
	       equal_ports(&a->ports, &b->ports);
}

/* -- marks -------------------------------------------------------------------------------------------------------- */

static size_t place_of(const struct filter_set *set, const struct filter_rule *rule)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		if (set->rule[i].id == rule->id)
			return filter_rule_equal(&set->rule[i], rule) ? i : NONE;
	}
	return NONE;
}

/* The last place in before of what is refused ahead of rule i; NONE: something that was not refused there. @param
 * place  of each rule, in before. @return one more than the place, 0: nothing is refused ahead. */
static size_t refused_ahead(const struct filter_set *set, const size_t *place, size_t i)
{
	const struct filter_rule *rule = &set->rule[i], *other;
	size_t j, last = 0;

	for (j = 0; j < i; j++) {
		other = &set->rule[j];
		if (other->action == FILTER_ACCEPT || other->direction != rule->direction ||
		    strcmp(other->coi, rule->coi) != 0)
			continue;
		if (place[j] == NONE)
			return NONE;
		if (place[j] + 1 > last)
			last = place[j] + 1;
	}
	return last;
}

void filter_marks(struct filter_set *set, const struct filter_set *before, uint32_t *last)
{
	size_t *place = calloc(set->n + 1, sizeof(*place)), i;

	for (i = 0; i < set->n; i++) {
		struct filter_rule *rule = &set->rule[i];
		size_t ahead;

		if (place)
			place[i] = place_of(before, rule);
		ahead = place ? refused_ahead(set, place, i) : NONE;
		if (ahead != NONE && place[i] != NONE && ahead <= place[i]) {
			rule->mark = before->rule[place[i]].mark;
			continue;
		}
		*last += *last == UINT32_MAX ? 2 : 1;
		rule->mark = *last;
	}
	free(place);
}
