/** The script: which request is answered how. */
#include "das.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 256, MATCHES_MAX = 8, STEPS_MAX = 16, LINE_LEN = 1024 };

/* For so many requests, do that; what a CoA gets may differ from what a Disconnect gets. */
struct step {
	uint32_t times; /* 0: for ever */
	struct das_action coa, disconnect;
};

struct rule {
	char *line; /* cut into words, which the matches point to */
	size_t n_match, n_step, step;
	const char *match[MATCHES_MAX];
	struct step steps[STEPS_MAX];
	uint32_t done; /* of this step */
};

static struct rule rules[RULES_MAX];
static size_t n_rules;

static const struct {
	const char *word;
	enum das_act act;
} acts[] = {
	{ "ack", DAS_ACK },
	{ "nak", DAS_NAK },
	{ "once", DAS_ONCE },
	{ "silent", DAS_SILENT },
	{ "wrong-secret", DAS_WRONG_SECRET },
	{ "forged", DAS_FORGED },
	{ "replay", DAS_REPLAY },
	{ "truncated", DAS_TRUNCATED },
	{ "other-port", DAS_OTHER_PORT },
	{ "wrong-id", DAS_WRONG_ID },
	{ "wrong-code", DAS_WRONG_CODE },
};

const char *das_act_name(enum das_act act)
{
	return acts[act].word;
}

/* -- reading: words of one line, one after the other */
struct words {
	char *next;
	char *word; /* NULL: no more */
};

static void advance(struct words *w)
{
	w->word = w->next ? strtok_r(NULL, " \t\r\n", &w->next) : NULL;
}

static bool take_number(struct words *w, uint32_t *out)
{
	char *end;
	unsigned long n;

	if (!w->word || *w->word < '0' || *w->word > '9')
		return false;
	errno = 0;
	n = strtoul(w->word, &end, 10);
	if (errno || *end || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	advance(w);
	return true;
}

static bool act_read(const char *word, struct das_action *out)
{
	size_t i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(acts[i].word, word) == 0) {
			out->act = acts[i].act;
			return true;
		}
	}
	return false;
}

static bool prefixed(const char **word, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*word, prefix, len) != 0)
		return false;
	*word += len;
	return true;
}

/* [delay MS] [bare] ACTION [CAUSE|TIMES]; coa-ACTION and disconnect-ACTION set that one alone. */
static bool action_read(struct words *w, struct step *step)
{
	struct das_action a = { 0 };
	bool coa, disconnect;
	const char *word;

	if (w->word && strcmp(w->word, "delay") == 0) {
		advance(w);
		if (!take_number(w, &a.delay_ms))
			return false;
	}
	if (w->word && strcmp(w->word, "bare") == 0) {
		a.bare = true;
		advance(w);
	}
	word = w->word;
	if (!word)
		return false;
	coa = prefixed(&word, "coa-");
	disconnect = !coa && prefixed(&word, "disconnect-");
	if (!act_read(word, &a))
		return false;
	advance(w);
	if (a.act == DAS_NAK)
		(void)take_number(w, &a.cause);
	else
		(void)take_number(w, &step->times);
	if (!disconnect)
		step->coa = a;
	if (!coa)
		step->disconnect = a;
	return true;
}

/* ACTION... [times N] */
static bool step_read(struct words *w, struct step *step)
{
	do {
		if (!action_read(w, step))
			return false;
	} while (w->word && strcmp(w->word, "then") != 0 && strcmp(w->word, "times") != 0);
	if (!w->word || strcmp(w->word, "times") != 0)
		return true;
	advance(w);
	return take_number(w, &step->times);
}

static bool steps_read(struct words *w, struct rule *r)
{
	for (;;) {
		if (r->n_step == STEPS_MAX || !step_read(w, &r->steps[r->n_step++]))
			return false;
		if (!w->word)
			return true;
		if (strcmp(w->word, "then") != 0)
			return false;
		advance(w);
	}
}

/* [match NAME=VALUE]... do STEP [then STEP]...; the last step goes on for ever. */
static bool rule_read(struct rule *r)
{
	struct words w = { NULL, NULL };

	w.word = strtok_r(r->line, " \t\r\n", &w.next);
	while (w.word && strcmp(w.word, "match") == 0) {
		advance(&w);
		if (!w.word || !strchr(w.word, '=') || r->n_match == MATCHES_MAX)
			return false;
		r->match[r->n_match++] = w.word;
		advance(&w);
	}
	if (!w.word || strcmp(w.word, "do") != 0)
		return false;
	advance(&w);
	return steps_read(&w, r);
}

static void rules_free(struct rule *list, size_t n)
{
	while (n--)
		free(list[n].line);
}

static bool line_add(const char *line, struct rule *list, size_t *n)
{
	struct rule *r = &list[*n];

	line += strspn(line, " \t\r\n");
	if (*line == '\0' || *line == '#')
		return true;
	if (*n == RULES_MAX)
		return false;
	*r = (struct rule){ .line = strdup(line) };
	if (!r->line)
		abort();
	++*n;
	return rule_read(r);
}

static bool lines_read(FILE *in, const char *name, struct rule *list, size_t *n)
{
	char line[LINE_LEN];
	unsigned number = 0;

	while (fgets(line, sizeof(line), in)) {
		number++;
		if (!line_add(line, list, n)) {
			fprintf(stderr, "das: %s:%u: expected [match NAME=VALUE]... do ACTION [times N] [then ...]\n",
				name, number);
			return false;
		}
	}
	return true;
}

bool das_rules_read(const char *path, const char *text)
{
	static struct rule fresh[RULES_MAX];
	size_t n = 0;
	FILE *in = path ? fopen(path, "re") : fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool good;

	if (!in) {
		fprintf(stderr, "das: cannot read %s: %s\n", path ? path : "--do", strerror(errno));
		return false;
	}
	good = lines_read(in, path ? path : "--do", fresh, &n);
	(void)fclose(in);
	if (!good) {
		rules_free(fresh, n);
		return false;
	}
	rules_free(rules, n_rules);
	memcpy(rules, fresh, sizeof(rules));
	n_rules = n;
	return true;
}

/* -- applying */
static bool attr_is(const struct das_packet *request, const char *name, size_t name_len, const char *value)
{
	char got_name[64], got[DAS_TEXT_MAX];
	struct das_attr a;
	size_t at = 0;

	while (das_packet_next(request, &at, &a)) {
		das_attr_name(&a, got_name);
		if (strlen(got_name) != name_len || strncmp(got_name, name, name_len) != 0)
			continue;
		das_attr_value(&a, got);
		if (strcmp(got, value) == 0)
			return true;
	}
	return false;
}

/* listen and code are no attributes, but can be matched as well. */
static bool is(const struct das_packet *request, const char *listen, const char *match)
{
	const char *value = strchr(match, '=') + 1;
	size_t len = (size_t)(value - 1 - match);

	if (strncmp(match, "listen=", len + 1) == 0)
		return strcmp(listen, value) == 0;
	if (strncmp(match, "code=", len + 1) == 0)
		return strcmp(das_code_name(request->octet[0]), value) == 0;
	return attr_is(request, match, len, value);
}

static bool matches(const struct rule *r, const struct das_packet *request, const char *listen)
{
	size_t i;

	for (i = 0; i < r->n_match; i++) {
		if (!is(request, listen, r->match[i]))
			return false;
	}
	return true;
}

struct das_action das_rules_apply(const struct das_packet *request, const char *listen)
{
	struct das_action action = { .act = DAS_ACK };
	size_t i;

	for (i = 0; i < n_rules && !matches(&rules[i], request, listen); i++)
		;
	if (i < n_rules) {
		struct rule *r = &rules[i];
		const struct step *s = &r->steps[r->step];

		action = request->octet[0] == DAS_COA ? s->coa : s->disconnect;
		if (s->times && ++r->done >= s->times && r->step + 1 < r->n_step) {
			r->step++;
			r->done = 0;
		}
	}
	return action;
}
