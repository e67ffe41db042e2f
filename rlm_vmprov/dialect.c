#include "rlm_vmprov.h"

#define MAX_LINES 256           /* in one update section */
#define MAX_REFERENCES 16       /* facts that one update section refers to */

/*
 *	One line of an update section: a literal, made once and copied; a fact; or, the slow way, whatever
 *	FreeRADIUS can expand.
 */
typedef struct line {
	struct line *next;
	DICT_ATTR const *da;
	int8_t tag;
	FR_TOKEN op;
	VALUE_PAIR *literal;
	int fact;               /* index in the section's facts; -1: none */
	vp_tmpl_t const *expand;
} line_t;

/*
 *	Applies whole when each fact it refers to has a value and no expansion comes out empty, otherwise
 *	not at all.
 */
typedef struct section {
	struct section *next;
	size_t n_facts;
	fact_t const *facts[MAX_REFERENCES];
	size_t n_expansions;
	line_t *lines;
} section_t;

struct dialect {
	dialect_t *next;
	char const *name;
	section_t *sections;
};

static int section_fact(section_t *section, fact_t const *fact)
{
	size_t i;

	for (i = 0; i < section->n_facts; i++) {
		if (section->facts[i] == fact) return (int) i;
	}
	if (section->n_facts == MAX_REFERENCES) return -1;
	section->facts[section->n_facts] = fact;
	return (int) section->n_facts++;
}

static int line_literal(line_t *line, vp_map_t const *map, CONF_SECTION *cs)
{
	line->literal = fr_pair_afrom_da(line, line->da);
	if (!line->literal || (fr_pair_value_from_str(line->literal, map->rhs->name, map->rhs->len) < 0)) {
		cf_log_err_cs(cs, "%s: expected a value of its type, got \"%s\": %s", line->da->name, map->rhs->name,
			      fr_strerror());
		return -1;
	}
	if (line->tag != TAG_ANY) line->literal->tag = line->tag;
	return 0;
}

/*
 *	Whether the attribute's type can hold the fact is found out here, not at the first request.
 */
static int line_fact(line_t *line, section_t *section, vp_map_t const *map, CONF_SECTION *cs)
{
	fact_t const *fact = fact_by_da(map->rhs->tmpl_da);
	value_t probe = { .text = map->rhs->tmpl_da->type == PW_TYPE_STRING ? "1" : NULL, .num = 1 };
	VALUE_PAIR *vp;
	bool fits;

	if (!fact) {
		cf_log_err_cs(cs, "%s: expected a literal, a string, or one of &VMProv-..., got &%s", line->da->name,
			      map->rhs->tmpl_da->name);
		return -1;
	}
	vp = fr_pair_afrom_da(line, line->da);
	fits = vp && fact_to_pair(vp, &probe);
	talloc_free(vp);
	if (!fits) {
		cf_log_err_cs(cs, "%s: its type cannot hold %s", line->da->name, map->rhs->tmpl_da->name);
		return -1;
	}
	line->fact = section_fact(section, fact);
	if (line->fact < 0) {
		cf_log_err_cs(cs, "expected at most %d different VMProv-* attributes in one update section", MAX_REFERENCES);
		return -1;
	}
	return 0;
}

static int line_rhs(line_t *line, section_t *section, vp_map_t const *map, CONF_SECTION *cs)
{
	switch (map->rhs->type) {
	case TMPL_TYPE_LITERAL:
		return line_literal(line, map, cs);

	case TMPL_TYPE_ATTR:
		return line_fact(line, section, map, cs);

	case TMPL_TYPE_XLAT:
	case TMPL_TYPE_XLAT_STRUCT:
		if (section->n_expansions == MAX_REFERENCES) {
			cf_log_err_cs(cs, "expected at most %d expansions in one update section", MAX_REFERENCES);
			return -1;
		}
		line->expand = map->rhs;
		section->n_expansions++;
		return 0;

	default:
		cf_log_err_cs(cs, "%s: expected a literal, a string, or one of &VMProv-...", line->da->name);
		return -1;
	}
}

static line_t *line_compile(section_t *section, vp_map_t const *map, CONF_SECTION *cs)
{
	line_t *line;

	if (map->lhs->type == TMPL_TYPE_ATTR_UNDEFINED) {
		cf_log_err_cs(cs, "%s: no dictionary has this attribute", map->lhs->name);
		return NULL;
	}
	if ((map->lhs->type != TMPL_TYPE_ATTR) || (map->lhs->tmpl_list != PAIR_LIST_REPLY)) {
		cf_log_err_cs(cs, "%s: expected an attribute of the reply", map->lhs->name);
		return NULL;
	}
	if ((map->op != T_OP_SET) && (map->op != T_OP_EQ) && (map->op != T_OP_ADD)) {
		cf_log_err_cs(cs, "%s: expected one of the operators :=, = and +=", map->lhs->name);
		return NULL;
	}
	line = talloc_zero(section, line_t);
	line->da = map->lhs->tmpl_da;
	line->tag = map->lhs->tmpl_tag;
	line->op = map->op;
	line->fact = -1;
	return line_rhs(line, section, map, cs) < 0 ? NULL : line;
}

static section_t *section_compile(dialect_t *dialect, CONF_SECTION *cs)
{
	section_t *section = talloc_zero(dialect, section_t);
	line_t **tail = &section->lines;
	vp_map_t *map;

	if (map_afrom_cs(&map, cs, PAIR_LIST_REPLY, PAIR_LIST_CONTROL, NULL, NULL, MAX_LINES) < 0) return NULL;
	for (; map; map = map->next) {
		*tail = line_compile(section, map, cs);
		if (!*tail) return NULL;
		tail = &(*tail)->next;
	}
	return section;
}

static dialect_t *dialect_compile(rlm_vmprov_t *inst, CONF_SECTION *cs)
{
	dialect_t *dialect = talloc_zero(inst, dialect_t);
	section_t **tail = &dialect->sections;
	CONF_ITEM *ci;

	dialect->name = cf_section_name2(cs);
	if (!dialect->name) {
		cf_log_err_cs(cs, "expected a name: dialect NAME { ... }");
		return NULL;
	}
	for (ci = cf_item_find_next(cs, NULL); ci; ci = cf_item_find_next(cs, ci)) {
		CONF_SECTION *sub = cf_item_is_section(ci) ? cf_item_to_section(ci) : NULL;

		if (!sub || (strcmp(cf_section_name1(sub), "update") != 0)) {
			cf_log_err(ci, "dialect %s: expected nothing but update sections", dialect->name);
			return NULL;
		}
		*tail = section_compile(dialect, sub);
		if (!*tail) return NULL;
		tail = &(*tail)->next;
	}
	return dialect;
}

int dialects_init(rlm_vmprov_t *inst, CONF_SECTION *conf)
{
	CONF_SECTION *cs = NULL;

	while ((cs = cf_subsection_find_next(conf, cs, "dialect"))) {
		dialect_t *dialect = dialect_compile(inst, cs), **after;

		if (!dialect) return -1;
		if (dialect_find(inst, dialect->name)) {
			cf_log_err_cs(cs, "dialect %s: defined twice", dialect->name);
			return -1;
		}
		after = inst->dialects && strcmp(dialect->name, inst->default_dialect) != 0 ? &inst->dialects->next :
											       &inst->dialects;
		dialect->next = *after;
		*after = dialect;
	}
	if (!dialect_find(inst, inst->default_dialect)) {
		cf_log_err_cs(conf, "default_dialect: expected the name of a configured dialect, got \"%s\"",
			      inst->default_dialect);
		return -1;
	}
	return 0;
}

dialect_t const *dialect_find(rlm_vmprov_t const *inst, char const *name)
{
	dialect_t const *dialect = inst->dialects;

	while (dialect && strcmp(dialect->name, name) != 0) dialect = dialect->next;
	return dialect;
}

dialect_t const *dialect_of(answer_t const *answer)
{
	struct vmp_nas const *nas = answer->decision->nas;

	return dialect_find(answer->inst, nas ? nas->dialect : answer->inst->default_dialect);
}

/*
 *	The server would cut a longer value without a word: half a list of VLANs names other VLANs, half a rule
 *	permits more.  RFC 2865 section 5: 253 octets, of which a tag takes one, a vendor's header six.
 */
static bool fits(VALUE_PAIR const *vp)
{
	size_t room = 253;

	if (vp->da->type != PW_TYPE_STRING && vp->da->type != PW_TYPE_OCTETS) return true;
	if (vp->da->flags.has_tag) room -= 1;
	if (vp->da->vendor) room -= 6;
	return vp->vp_length <= room;
}

/*
 *	Put a pair where the operator says.  Takes ownership of vp.
 */
static bool reply_put(REQUEST *request, vp_cursor_t *tail, line_t const *line, VALUE_PAIR *vp)
{
	VALUE_PAIR *old = NULL;

	if (!fits(vp)) {
		RATE_LIMIT(ERROR("rlm_vmprov: %s: a value of %zu octets does not fit: %.40s...", line->da->name,
				 vp->vp_length, vp->vp_strvalue));
		talloc_free(vp);
		return false;
	}
	vp->op = T_OP_SET;
	if (line->op != T_OP_ADD) old = pair_first(request->reply->vps, line->da, line->tag);
	if (old && (line->op == T_OP_EQ)) {
		talloc_free(vp);
		return true;
	}
	if (old) {
		fr_pair_delete_by_num(&request->reply->vps, line->da->attr, line->da->vendor, line->tag);
		fr_cursor_init(tail, &request->reply->vps);
	}
	fr_cursor_insert(tail, vp);
	return true;
}

static bool put_literal(REQUEST *request, vp_cursor_t *tail, line_t const *line)
{
	VALUE_PAIR *vp = fr_pair_copy(request->reply, line->literal);

	return vp && reply_put(request, tail, line, vp);
}

static bool put_fact(REQUEST *request, vp_cursor_t *tail, line_t const *line, value_t const *values, size_t n)
{
	size_t i;

	if (line->op != T_OP_ADD) n = 1;
	for (i = 0; i < n; i++) {
		VALUE_PAIR *vp = fr_pair_afrom_da(request->reply, line->da);

		if (!vp) return false;
		if (line->tag != TAG_ANY) vp->tag = line->tag;
		(void) fact_to_pair(vp, &values[i]);	/* that it fits was checked at the start */
		if (!reply_put(request, tail, line, vp)) return false;
	}
	return true;
}

static bool put_text(REQUEST *request, vp_cursor_t *tail, line_t const *line, char const *text)
{
	VALUE_PAIR *vp = fr_pair_afrom_da(request->reply, line->da);

	if (!vp || (fr_pair_value_from_str(vp, text, strlen(text)) < 0)) {
		REDEBUG("%s: cannot hold \"%s\": %s", line->da->name, text, fr_strerror());
		talloc_free(vp);
		return false;
	}
	if (line->tag != TAG_ANY) vp->tag = line->tag;
	return reply_put(request, tail, line, vp);
}

/*
 *	On a += line each line of text is an attribute.
 */
static bool put_expansion(REQUEST *request, vp_cursor_t *tail, line_t const *line, char *text)
{
	char *one;

	if (line->op != T_OP_ADD) return put_text(request, tail, line, text);
	while ((one = strsep(&text, "\n"))) {
		if (*one && !put_text(request, tail, line, one)) return false;
	}
	return true;
}

/*
 *	What a section refers to, asked once.  Facts share the room, since few have more than one value.
 */
typedef struct gathered {
	value_t value[MAX_REFERENCES + FACT_VALUES * 2];
	size_t at[MAX_REFERENCES], n[MAX_REFERENCES];
	char *text[MAX_REFERENCES];
	size_t n_text;
} gathered_t;

static bool gather_facts(section_t const *section, answer_t *answer, gathered_t *out)
{
	size_t i, at = 0;

	for (i = 0; i < section->n_facts; i++) {
		value_t values[FACT_VALUES];
		size_t n = fact_values(section->facts[i], answer, values);

		if (!n) return false;
		if (at + n > sizeof(out->value) / sizeof(out->value[0]) - MAX_REFERENCES) n = 1;
		memcpy(&out->value[at], values, n * sizeof(values[0]));
		out->at[i] = at;
		out->n[i] = n;
		at += n;
	}
	return true;
}

/*
 *	1: all have something to say, 0: one is empty, -1: one cannot be expanded, which the request's log tells.
 */
static int gather_expansions(section_t const *section, REQUEST *request, answer_t *answer, gathered_t *out)
{
	line_t const *line;
	ssize_t len = 1;

	vmprov_xlat_current(answer);
	for (line = section->lines; line && len > 0; line = line->next) {
		if (!line->expand) continue;
		out->text[out->n_text] = NULL;
		len = tmpl_aexpand(request, &out->text[out->n_text++], request, line->expand, NULL, NULL);
	}
	vmprov_xlat_current(NULL);
	return (len > 0) - (len < 0);
}

static bool section_apply(section_t const *section, REQUEST *request, vp_cursor_t *tail, gathered_t *got)
{
	line_t const *line;
	size_t text = 0;
	bool done = true;

	for (line = section->lines; line && done; line = line->next) {
		if (line->literal) {
			done = put_literal(request, tail, line);
		} else if (line->expand) {
			done = put_expansion(request, tail, line, got->text[text++]);
		} else {
			done = put_fact(request, tail, line, &got->value[got->at[line->fact]], got->n[line->fact]);
		}
	}
	return done;
}

bool dialect_apply(dialect_t const *dialect, REQUEST *request, answer_t *answer)
{
	section_t const *section;
	vp_cursor_t tail;
	bool done = true;

	fr_cursor_init(&tail, &request->reply->vps);
	for (section = dialect->sections; section && done; section = section->next) {
		gathered_t got;
		int expanded;

		got.n_text = 0;
		if (!gather_facts(section, answer, &got)) continue;
		expanded = section->n_expansions ? gather_expansions(section, request, answer, &got) : 1;
		if (expanded > 0) done = section_apply(section, request, &tail, &got);
		if (expanded < 0) done = false;
		while (got.n_text) talloc_free(got.text[--got.n_text]);
	}
	return done;
}
