/* Rules as policyd would tell them, for the tests of filters. */
#ifndef RULES_H
#define RULES_H

#include "filter_rules.h"

/* A rule's text: what is NULL is what most have ("web", "in", "tcp", "accept", empty lists). */
struct rules_one {
	int id;
	const char *coi, *direction, *protocol, *source, *destination, *source_ports, *ports, *action;
	bool log;
};
/* An answer of n rules, until the next call. */
const char *rules_text(int version, const struct rules_one *rules, size_t n);
/* The same, read; it must be good. For filter_set_clear(). */
struct filter_set rules_set(int version, const struct rules_one *rules, size_t n);

struct prefix rules_prefix(const char *text);

#endif
