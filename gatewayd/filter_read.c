/* What policyd says of filters, without I/O: fuzzed. */
#include "field.h"
#include "filter_rules.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID_MAX	     (INT64_C(1) << 53)

static const char *const members[] = { "id",	   "coi",	   "position", "direction", "source", "destination",
				       "protocol", "source_ports", "ports",    "action",    "log" };

static const char *const directions[] = { "in", "out", NULL };
static const char *const protocols[] = { "any", "tcp", "udp", "icmp", NULL };
static const char *const actions[] = { "accept", "drop", "reject", NULL };

/* -- words and members -------------------------------------------------------------------------------------------- */

/* @param out  the word's place in words. */
static int read_word(const json_t *object, const char *name, const char *const *words, unsigned *out,
		     struct vmp_msg *msg)
{
	const char *text = json_string_value(json_object_get(object, name));
	unsigned i;

	for (i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return VMP_OK;
		}
	}
	return vmp_fail(msg, VMP_EINVAL, "%s: expected %s, %s or the like", name, words[0], words[1]);
}

static int check_members(const json_t *object, struct vmp_msg *msg)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(object))
		return vmp_fail(msg, VMP_EINVAL, "expected an object");
	json_object_foreach((json_t *)object, name, value) {
		for (i = 0; i < COUNT(members) && strcmp(name, members[i]) != 0; i++)
			;
		if (i == COUNT(members))
			return vmp_fail(msg, VMP_EINVAL, "%.32s: not known to this gateway", name);
	}
	return VMP_OK;
}

/* -- prefixes ----------------------------------------------------------------------------------------------------- */

static int compare_prefixes(const void *va, const void *vb)
{
	const struct prefix *a = va, *b = vb;
	int order = a->family - b->family;

	if (order == 0)
		order = memcmp(a->address, b->address, sizeof(a->address));
	return order ? order : a->bits - b->bits;
}

/* nftables takes no prefix inside of another. */
static void join_prefixes(struct filter_prefixes *list)
{
	size_t i, n = 0;

	qsort(list->of, list->n, sizeof(list->of[0]), compare_prefixes);
	for (i = 0; i < list->n; i++) {
		if (n == 0 || !prefix_has(&list->of[n - 1], &list->of[i]))
			list->of[n++] = list->of[i];
	}
	list->n = n;
}

static int read_prefixes(const json_t *object, const char *name, struct filter_prefixes *out, struct vmp_msg *msg)
{
	const json_t *list;
	struct vmp_msg why;
	size_t i;
	int err = field_list(object, name, FILTER_LIST, &list, msg);

	if (err != VMP_OK || json_array_size(list) == 0)
		return err;
	out->of = calloc(json_array_size(list), sizeof(out->of[0]));
	if (!out->of)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (prefix_read(text ? text : "", &out->of[i], &why) != VMP_OK)
			return vmp_fail(msg, VMP_EINVAL, "%s[%zu]: %s", name, i, why.text);
	}
	out->n = i;
	join_prefixes(out);
	return VMP_OK;
}

/* -- ports -------------------------------------------------------------------------------------------------------- */

/* 1 to 5 digits, no 0 in front; @return what stands behind, NULL: it is none. */
static const char *read_port(const char *text, uint16_t *out)
{
	unsigned value = 0;
	size_t n;

	for (n = 0; text[n] >= '0' && text[n] <= '9' && n < 6; n++)
		value = value * 10 + (unsigned)(text[n] - '0');
	*out = (uint16_t)value;
	return n == 0 || n > 5 || value > UINT16_MAX || (*text == '0' && n > 1) ? NULL : text + n;
}

static bool read_range(const char *text, struct filter_range *out)
{
	const char *end = read_port(text, &out->first);

	out->last = out->first;
	if (end && *end == '-')
		end = read_port(end + 1, &out->last);
	return end && *end == '\0' && out->first <= out->last;
}

static int compare_ranges(const void *va, const void *vb)
{
	const struct filter_range *a = va, *b = vb;

	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

static void join_ranges(struct filter_ports *list)
{
	size_t i, n = 0;

	qsort(list->of, list->n, sizeof(list->of[0]), compare_ranges);
	for (i = 0; i < list->n; i++) {
		if (n == 0 || list->of[i].first > list->of[n - 1].last + 1)
			list->of[n++] = list->of[i];
		else if (list->of[i].last > list->of[n - 1].last)
			list->of[n - 1].last = list->of[i].last;
	}
	list->n = n;
}

static int read_ports(const json_t *object, const char *name, struct filter_ports *out, struct vmp_msg *msg)
{
	const json_t *list;
	size_t i;
	int err = field_list(object, name, FILTER_LIST, &list, msg);

	if (err != VMP_OK || json_array_size(list) == 0)
		return err;
	out->of = calloc(json_array_size(list), sizeof(out->of[0]));
	if (!out->of)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !read_range(text, &out->of[i]))
			return vmp_fail(msg, VMP_EINVAL, "%s[%zu]: expected a port, such as 443, or 8000-8100", name,
					i);
	}
	out->n = i;
	join_ranges(out);
	return VMP_OK;
}

/* -- rules -------------------------------------------------------------------------------------------------------- */

static int read_words(const json_t *object, struct filter_rule *out, struct vmp_msg *msg)
{
	unsigned direction = 0, protocol = 0, action = 0;
	int err = read_word(object, "direction", directions, &direction, msg);

	if (err == VMP_OK)
		err = read_word(object, "protocol", protocols, &protocol, msg);
	if (err == VMP_OK)
		err = read_word(object, "action", actions, &action, msg);
	out->direction = (enum filter_direction)direction;
	out->protocol = (enum filter_protocol)protocol;
	out->action = (enum filter_action)action;
	return err == VMP_OK ? field_bool(object, "log", &out->log, msg) : err;
}

static int read_lists(const json_t *object, struct filter_rule *out, struct vmp_msg *msg)
{
	int err = read_prefixes(object, "source", &out->source, msg);

	if (err == VMP_OK)
		err = read_prefixes(object, "destination", &out->destination, msg);
	if (err == VMP_OK)
		err = read_ports(object, "source_ports", &out->source_ports, msg);
	if (err == VMP_OK)
		err = read_ports(object, "ports", &out->ports, msg);
	if (err == VMP_OK && out->protocol != FILTER_TCP && out->protocol != FILTER_UDP &&
	    out->source_ports.n + out->ports.n > 0)
		err = vmp_fail(msg, VMP_EINVAL, "ports: expected none, since the protocol is neither tcp nor udp");
	return err;
}

static int read_rule(const json_t *object, struct filter_rule *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err = check_members(object, &why);

	if (err == VMP_OK)
		err = field_number(object, "id", 1, ID_MAX, &out->id, &why);
	if (err == VMP_OK)
		err = field_coi(object, "coi", out->coi, &why);
	if (err == VMP_OK)
		err = field_number(object, "position", -ID_MAX, ID_MAX, &out->position, &why);
	if (err == VMP_OK)
		err = read_words(object, out, &why);
	if (err == VMP_OK)
		err = read_lists(object, out, &why);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "rule %lld: %s", (long long)out->id, why.text);
}

static int compare_ids(const void *va, const void *vb)
{
	const int64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static int check_ids(const struct filter_set *set, struct vmp_msg *msg)
{
	int64_t *ids = calloc(set->n + 1, sizeof(*ids));
	size_t i;
	int err = VMP_OK;

	if (!ids)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (i = 0; i < set->n; i++)
		ids[i] = set->rule[i].id;
	qsort(ids, set->n, sizeof(*ids), compare_ids);
	for (i = 1; i < set->n && err == VMP_OK; i++) {
		if (ids[i] == ids[i - 1])
			err = vmp_fail(msg, VMP_EINVAL, "rule %lld: expected each of them once", (long long)ids[i]);
	}
	free(ids);
	return err;
}

static int read_rules(const json_t *list, struct filter_set *out, struct vmp_msg *msg)
{
	size_t n = json_array_size(list);
	int err = VMP_OK;

	out->rule = calloc(n + 1, sizeof(out->rule[0]));
	if (!out->rule)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (out->n = 0; out->n < n && err == VMP_OK; out->n++)
		err = read_rule(json_array_get(list, out->n), &out->rule[out->n], msg);
	return err == VMP_OK ? check_ids(out, msg) : err;
}

int filter_read(const char *text, size_t len, struct filter_set *out, struct vmp_msg *msg)
{
	struct filter_set set = { .version = 0 };
	json_t *doc = field_load(text, len, msg);
	const json_t *list = NULL;
	int64_t version;
	bool full = false;
	int err = doc ? field_number(doc, "version", 0, INT64_MAX, &set.version, msg) : VMP_EINVAL;

	if (err == VMP_OK)
		err = field_bool(doc, "full", &full, msg);
	if (err == VMP_OK && !full)
		err = vmp_fail(msg, VMP_EINVAL, "full: expected true");
	if (err == VMP_OK)
		err = field_list(doc, "rules", FILTER_RULES, &list, msg);
	if (err == VMP_OK)
		err = read_rules(list, &set, msg);
	json_decref(doc);
	version = set.version;
	if (err != VMP_OK)
		filter_set_clear(&set);
	*out = set;
	out->version = version;
	return err;
}
