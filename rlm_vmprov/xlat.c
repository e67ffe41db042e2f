#include "rlm_vmprov.h"

#include <ctype.h>

/*
 *	Set while this thread expands a dialect's lines: they speak of the decision at hand, not of another
 *	look-up.
 */
static __thread answer_t *current;

void vmprov_xlat_current(answer_t *answer)
{
	current = answer;
}

typedef struct out {
	char *at;
	size_t left;
	bool full;
} out_t;

static void put(out_t *out, char const *text, size_t len)
{
	if (len >= out->left) {
		out->full = true;
		return;
	}
	memcpy(out->at, text, len);
	out->at += len;
	out->left -= len;
	*out->at = '\0';
}

static void put_value(out_t *out, value_t const *value)
{
	char digits[11];
	char const *text = value->text ? value->text : decimal(value->num, digits);

	put(out, text, strlen(text));
}

/*
 *	One field between angle brackets, "#" being the number of the repetition.
 *	Returns false when it has no value for this repetition.
 */
static bool put_field(out_t *out, answer_t *answer, char const *name, size_t len, size_t nth, char const **error)
{
	value_t values[FACT_VALUES];
	fact_t const *fact;
	size_t n;

	if (len == 1 && *name == '#') {
		put_value(out, &(value_t){ .num = (uint32_t) nth + 1 });
		return true;
	}
	fact = fact_by_name(name, len);
	if (!fact) {
		*error = "expected the name of a field between < and >";
		return false;
	}
	n = fact_values(fact, answer, values);
	if (!n || (nth && nth >= n)) return false;
	put_value(out, &values[nth]);
	return true;
}

/*
 *	Write an item once: its text with the nth value of each field.
 *	Returns false, having written nothing that counts, when a field has no such value.
 */
static bool put_item(out_t *out, answer_t *answer, char const *item, char const *end, size_t nth, char const **error)
{
	while (item < end) {
		char const *open = memchr(item, '<', (size_t)(end - item)), *close;

		put(out, item, (size_t)((open ? open : end) - item));
		if (!open) return true;
		close = memchr(open, '>', (size_t)(end - open));
		if (!close) {
			*error = "expected > after <";
			return false;
		}
		if (!put_field(out, answer, open + 1, (size_t)(close - open - 1), nth, error)) return false;
		item = close + 1;
	}
	return true;
}

/*
 *	An item stands once for each value of its fields, and not at all without one.
 */
static void put_repeated(out_t *out, answer_t *answer, char const *start, char const *sep, size_t sep_len,
			 char const *item, char const *end, char const **error)
{
	size_t nth;

	for (nth = 0; nth < FACT_VALUES && !*error; nth++) {
		out_t before = *out;

		if (out->at != start) put(out, sep, sep_len);
		if (!put_item(out, answer, item, end, nth, error)) {
			*out = before;
			*out->at = '\0';
			return;
		}
		if (!memchr(item, '<', (size_t)(end - item))) return;
	}
}

/*
 *	"SEP ITEM ITEM..."
 */
static ssize_t join(answer_t *answer, char const *fmt, out_t *out, char const **error)
{
	char const *start = out->at, *item;
	size_t sep_len = strcspn(fmt, " ");

	for (item = fmt + sep_len; *(item += strspn(item, " ")) && !*error; item += strcspn(item, " ")) {
		put_repeated(out, answer, start, fmt, sep_len, item, item + strcspn(item, " "), error);
	}
	return *error ? -1 : out->at - start;
}

/*
 *	"ITEM", blanks and all, a line for each repetition.
 */
static ssize_t lines(answer_t *answer, char const *fmt, out_t *out, char const **error)
{
	char const *start = out->at;

	put_repeated(out, answer, start, "\n", 1, fmt, fmt + strlen(fmt), error);
	return *error ? -1 : out->at - start;
}

static ssize_t one_field(answer_t *answer, char const *fmt, out_t *out, char const **error)
{
	value_t values[FACT_VALUES];
	fact_t const *fact = fact_by_name(fmt, strlen(fmt));
	char const *start = out->at;
	size_t n, i;

	if (!fact) {
		*error = "expected a field such as vlan-id, \"join SEP ITEM...\", \"lines ITEM\", \"verdict\" or \"stat NAME\"";
		return -1;
	}
	n = fact_values(fact, answer, values);
	for (i = 0; i < n; i++) {
		if (i) put(out, ",", 1);
		put_value(out, &values[i]);
	}
	return out->at - start;
}

static ssize_t evaluate(answer_t *answer, char const *fmt, out_t *out, char const **error)
{
	if (strncmp(fmt, "join ", 5) == 0) return join(answer, fmt + 5, out, error);
	if (strncmp(fmt, "lines ", 6) == 0) return lines(answer, fmt + 6, out, error);
	if (strcmp(fmt, "verdict") == 0) {
		char const *start = out->at, *name = vmp_verdict_name(answer->decision->verdict);

		put(out, name, strlen(name));
		return out->at - start;
	}
	return one_field(answer, fmt, out, error);
}

/*
 *	Outside a dialect: look the request's MAC up, on the latest commit.
 */
static ssize_t evaluate_request(rlm_vmprov_t *inst, REQUEST *request, char const *fmt, out_t *out, char const **error)
{
	struct vmp_decision decision;
	vmprov_conn_t *conn;
	answer_t answer;
	ask_t ask;
	ssize_t len;

	if (!ask_init(inst, request, &ask)) return 0;
	if (conn_decide(inst, request, ask.mac, &ask.req, &decision, &conn) != VMP_OK) return -1;
	answer_init(&answer, inst, &decision);
	len = evaluate(&answer, fmt, out, error);
	conn_done(conn);
	return len;
}

static ssize_t stat_named(rlm_vmprov_t const *inst, char const *name, out_t *out, char const **error)
{
	char const *start = out->at;
	int i = stat_by_name(name);

	if (i < 0) {
		*error = "expected the name of a counter, such as allow";
		return -1;
	}
	put_value(out, &(value_t){ .num = inst->stat[i] });
	return out->at - start;
}

/*
 *	%{vmprov:vlan-id}, %{vmprov:join , <vlan-id>u <tagged-vlan>t}, %{vmprov:lines rule <#>: <acl-rule>},
 *	%{vmprov:verdict}, %{vmprov:stat allow}
 */
static ssize_t vmprov_xlat(void *instance, REQUEST *request, char const *fmt, char *buffer, size_t size)
{
	rlm_vmprov_t *inst = instance;
	out_t out = { buffer, size, false };
	char const *error = NULL;
	ssize_t len;

	*buffer = '\0';
	while (isspace((uint8_t) *fmt)) fmt++;
	if (strncmp(fmt, "stat ", 5) == 0) {
		len = stat_named(inst, fmt + 5, &out, &error);
	} else if (current) {
		len = evaluate(current, fmt, &out, &error);
	} else {
		len = evaluate_request(inst, request, fmt, &out, &error);
	}
	if (out.full) error = "the result is too long";
	if (error) {
		REDEBUG("%%{%s:%s}: %s", inst->name, fmt, error);
		return -1;
	}
	return len;
}

int vmprov_xlat_init(rlm_vmprov_t *inst)
{
	return xlat_register(inst->name, vmprov_xlat, NULL, inst);
}
