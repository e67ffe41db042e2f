#include "serve.h"
#include "inifile.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BITS 48

enum rule_kind { RULE_MAC, RULE_NAME, RULE_PORT };

struct rule {
	struct rule *next;
	enum rule_kind kind;
	bool except;
	uint64_t low, high; /* RULE_MAC, both included */
	char glob[VMP_INI_TEXT];
};

struct rules {
	struct rule *first, **end;
	bool some; /* [serve] has any */
};

static struct rule *holds;
static bool holds_some;

static int read_mac(const char *text, size_t len, uint64_t *mac, struct vmp_msg *why)
{
	if (vmp_mac_parse(text, len, mac) == VMP_OK)
		return VMP_OK;
	return vmp_fail(why, VMP_EINVAL, "expected a MAC address, ADDRESS/BITS, or ADDRESS - ADDRESS");
}

/* "52:54:00:00:00:00/24" */
static int read_prefix(struct rule *rule, const char *text, const char *slash, struct vmp_msg *why)
{
	uint64_t below;
	long bits;
	char *end;

	if (read_mac(text, (size_t)(slash - text), &rule->low, why) != VMP_OK)
		return VMP_EINVAL;
	bits = strtol(slash + 1, &end, 10);
	if (end == slash + 1 || *end || bits < 1 || bits > MAC_BITS)
		return vmp_fail(why, VMP_EINVAL, "expected 1 to %d behind the slash", MAC_BITS);
	below = ((uint64_t)1 << (MAC_BITS - bits)) - 1;
	if (rule->low & below)
		return vmp_fail(why, VMP_EINVAL, "the address has bits set behind the first %ld", bits);
	rule->high = rule->low | below;
	return VMP_OK;
}

/* "52:54:00:00:00:00 - 52:54:00:00:ff:ff" */
static int read_range(struct rule *rule, const char *text, const char *dash, struct vmp_msg *why)
{
	const char *second = dash + 3;

	if (read_mac(text, (size_t)(dash - text), &rule->low, why) != VMP_OK ||
	    read_mac(second, strlen(second), &rule->high, why) != VMP_OK)
		return VMP_EINVAL;
	if (rule->low > rule->high)
		return vmp_fail(why, VMP_EINVAL, "the range ends before it begins");
	return VMP_OK;
}

static int read_macs(struct rule *rule, const char *text, struct vmp_msg *why)
{
	const char *slash = strchr(text, '/'), *dash = strstr(text, " - ");
	int err;

	if (slash)
		return read_prefix(rule, text, slash, why);
	if (dash)
		return read_range(rule, text, dash, why);
	err = read_mac(text, strlen(text), &rule->low, why);
	rule->high = rule->low;
	return err;
}

static int read_value(struct rule *rule, const char *text, struct vmp_msg *why)
{
	if (!*text)
		return vmp_fail(why, VMP_EINVAL, "expected a value");
	if (rule->kind == RULE_MAC)
		return read_macs(rule, text, why);
	if (snprintf(rule->glob, sizeof(rule->glob), "%s", text) >= (int)sizeof(rule->glob))
		return vmp_fail(why, VMP_EINVAL, "expected at most %d octets", VMP_INI_TEXT - 1);
	return VMP_OK;
}

static int read_kind(const char *name, enum rule_kind *kind)
{
	static const char *const names[] = { "mac", "name", "port" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum rule_kind)i;
			return VMP_OK;
		}
	}
	return VMP_EINVAL;
}

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	struct rules *rules = ctx;
	struct rule *rule, read = { .except = strcmp(section, "except") == 0 };

	(void)line;
	if (!read.except && strcmp(section, "serve") != 0)
		return vmp_fail(why, VMP_EINVAL, "expected the section [serve] or [except]");
	if (read_kind(name, &read.kind) != VMP_OK)
		return vmp_fail(why, VMP_EINVAL, "expected mac, name or port");
	if (read_value(&read, value, why) != VMP_OK)
		return VMP_EINVAL;
	rule = malloc(sizeof(*rule));
	if (!rule)
		return vmp_fail(why, VMP_ENOMEM, "out of memory");
	*rule = read;
	*rules->end = rule;
	rules->end = &rule->next;
	rules->some |= !rule->except;
	return VMP_OK;
}

static void free_rules(struct rule *rule)
{
	while (rule) {
		struct rule *next = rule->next;

		free(rule);
		rule = next;
	}
}

int serve_read(const char *path, struct vmp_msg *msg)
{
	struct rules rules = { .first = NULL };
	int err;

	rules.end = &rules.first;
	err = vmp_ini_each(path, take, &rules, msg);
	if (err != VMP_OK && err != VMP_ENOENT) {
		free_rules(rules.first);
		return err;
	}
	serve_free();
	holds = rules.first;
	holds_some = rules.some;
	return VMP_OK;
}

static bool matches(const struct rule *rule, const struct guest_info *guest, const struct guest_nic *nic)
{
	switch (rule->kind) {
	case RULE_MAC:
		return nic->mac >= rule->low && nic->mac <= rule->high;
	case RULE_NAME:
		return fnmatch(rule->glob, guest->name, 0) == 0;
	case RULE_PORT:
		return fnmatch(rule->glob, nic->port, 0) == 0;
	}
	return false;
}

bool serve_is_served(const struct guest_info *guest, const struct guest_nic *nic)
{
	const struct rule *rule;
	bool served = !holds_some;

	for (rule = holds; rule; rule = rule->next) {
		if (!matches(rule, guest, nic))
			continue;
		if (rule->except)
			return false;
		served = true;
	}
	return served;
}

void serve_free(void)
{
	free_rules(holds);
	holds = NULL;
	holds_some = false;
}
