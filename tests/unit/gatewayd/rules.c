#include "rules.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char *or_else(const char *text, const char *other)
{
	return text ? text : other;
}

const char *rules_text(int version, const struct rules_one *rules, size_t n)
{
	static char text[65536];
	size_t at = 0, i;

	at += (size_t)snprintf(text, sizeof(text), "{\"version\": %d, \"full\": true, \"rules\": [", version);
	for (i = 0; i < n; i++) {
		const struct rules_one *r = &rules[i];

		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "%s{\"id\": %d, \"coi\": \"%s\", \"position\": %zu, \"direction\": \"%s\", "
				       "\"source\": [%s], \"destination\": [%s], \"protocol\": \"%s\", "
				       "\"source_ports\": [%s], \"ports\": [%s], \"action\": \"%s\", \"log\": %s}",
				       i ? "," : "", r->id, or_else(r->coi, "web"), i * 10, or_else(r->direction, "in"),
				       or_else(r->source, ""), or_else(r->destination, ""), or_else(r->protocol, "tcp"),
				       or_else(r->source_ports, ""), or_else(r->ports, ""),
				       or_else(r->action, "accept"), r->log ? "true" : "false");
	}
	snprintf(text + at, sizeof(text) - at, "]}");
	ck_assert_uint_lt(at + 3, sizeof(text));
	return text;
}

struct filter_set rules_set(int version, const struct rules_one *rules, size_t n)
{
	struct filter_set set = { .version = 0 };
	struct vmp_msg msg = { "" };
	const char *text = rules_text(version, rules, n);

	ck_assert_msg(filter_read(text, strlen(text), &set, &msg) == VMP_OK, "%s", msg.text);
	return set;
}

struct prefix rules_prefix(const char *text)
{
	struct prefix prefix;
	struct vmp_msg msg = { "" };

	ck_assert_msg(prefix_read(text, &prefix, &msg) == VMP_OK, "%s", msg.text);
	return prefix;
}
