#include "filter_elements.h"
#include "filter_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *jump; /* a map's verdict: this, and the COI's number */
	bool by_coi;	  /* one set for each COI */
} kinds[FILTER_KINDS] = {
	[FILTER_OWN] = { "own", NULL, false },	       [FILTER_MACHINES] = { "machines", NULL, false },
	[FILTER_TO] = { "to", "jump in_", false },     [FILTER_FROM] = { "from", "jump out_", false },
	[FILTER_MEMBERS] = { "members_", NULL, true }, [FILTER_REMOTES] = { "remotes_", NULL, true },
};

/* -- COIs --------------------------------------------------------------------------------------------------------- */

unsigned filter_coi_number(struct filter_cois *cois, const char *name)
{
	struct filter_coi *of;
	size_t i;

	for (i = 0; i < cois->n; i++) {
		if (strcmp(cois->of[i].name, name) == 0)
			return (unsigned)i + 1;
	}
	of = realloc(cois->of, (i + 1) * sizeof(*of));
	if (!of)
		return 0;
	cois->of = of;
	of[i] = (struct filter_coi){ .rules = false };
	snprintf(of[i].name, sizeof(of[i].name), "%s", name);
	cois->n++;
	return (unsigned)i + 1;
}

void filter_cois_clear(struct filter_cois *cois)
{
	free(cois->of);
	*cois = (struct filter_cois){ .of = NULL };
}

/* -- elements ----------------------------------------------------------------------------------------------------- */

static void add(struct filter_elements *elements, enum filter_kind kind, unsigned coi, const struct prefix *address)
{
	struct filter_element *of = elements->of;

	if (address->family == 0)
		return;
	if (elements->n == elements->room) {
		size_t room = elements->room ? 2 * elements->room : 64;

		of = realloc(elements->of, room * sizeof(*of));
		elements->failed |= !of;
		if (!of)
			return;
		elements->of = of;
		elements->room = room;
	}
	of[elements->n++] = (struct filter_element){ kind, coi, *address };
}

void filter_elements_own(struct filter_elements *elements, const struct prefix *address)
{
	add(elements, FILTER_OWN, 0, address);
	add(elements, FILTER_MACHINES, 0, address);
}

static void add_machine(struct filter_elements *elements, const struct filter_cois *cois,
			const struct filter_machine *machine, const struct prefix *address)
{
	size_t i;

	add(elements, FILTER_MACHINES, 0, address);
	if (machine->coi && cois->of[machine->coi - 1].rules) {
		add(elements, FILTER_TO, machine->coi, address);
		add(elements, FILTER_FROM, machine->coi, address);
	}
	for (i = 0; i < machine->n_coi; i++) {
		if (!machine->cois[i] || !cois->of[machine->cois[i] - 1].remotes)
			continue;
		add(elements, FILTER_MEMBERS, machine->cois[i], address);
		if (machine->remote)
			add(elements, FILTER_REMOTES, machine->cois[i], address);
	}
}

void filter_elements_machine(struct filter_elements *elements, const struct filter_cois *cois,
			     const struct filter_machine *machine)
{
	add_machine(elements, cois, machine, machine->inner6);
	add_machine(elements, cois, machine, machine->inner4);
}

/* By set, and in it by key. */
static int compare_keys(const struct filter_element *a, const struct filter_element *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (order == 0 && kinds[a->kind].by_coi && a->coi != b->coi)
		order = a->coi < b->coi ? -1 : 1;
	if (order == 0)
		order = a->address.family - b->address.family;
	return order ? order : memcmp(a->address.address, b->address.address, sizeof(a->address.address));
}

static int compare(const void *va, const void *vb)
{
	const struct filter_element *a = va, *b = vb;
	int order = compare_keys(a, b);

	return order ? order : (a->coi > b->coi) - (a->coi < b->coi);
}

/* Of two machines with one address, which cannot be, the lower COI counts. */
int filter_elements_end(struct filter_elements *elements, struct vmp_msg *msg)
{
	size_t i, n = 0;

	if (elements->failed)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (elements->n > 0)
		qsort(elements->of, elements->n, sizeof(elements->of[0]), compare);
	for (i = 0; i < elements->n; i++) {
		if (n == 0 || compare_keys(&elements->of[n - 1], &elements->of[i]) != 0)
			elements->of[n++] = elements->of[i];
	}
	elements->n = n;
	return VMP_OK;
}

void filter_elements_clear(struct filter_elements *elements)
{
	free(elements->of);
	*elements = (struct filter_elements){ .of = NULL };
}

/* -- text --------------------------------------------------------------------------------------------------------- */

void filter_set_name(enum filter_kind kind, unsigned coi, int family, char out[32])
{
	int digit = family == AF_INET ? 4 : 6;

	if (kinds[kind].by_coi)
		snprintf(out, 32, "%s%u_%d", kinds[kind].name, coi, digit);
	else
		snprintf(out, 32, "%s%d", kinds[kind].name, digit);
}

static void write_element(struct filter_writer *out, const struct filter_element *e, bool verdict)
{
	char text[PREFIX_TEXT];

	prefix_write(&e->address, text);
	text[strcspn(text, "/")] = '\0';
	filter_write(out, "%s", text);
	if (verdict && kinds[e->kind].jump)
		filter_write(out, " : %s%u", kinds[e->kind].jump, e->coi);
}

void filter_elements_write(struct filter_writer *out, const struct filter_elements *elements, enum filter_kind kind,
			   unsigned coi, int family)
{
	const struct filter_element *e;
	char name[32];
	const char *between = "elements = { ";
	size_t i;

	filter_set_name(kind, coi, family, name);
	filter_write(out, "\t%s %s {\n\t\ttype %s%s\n", kinds[kind].jump ? "map" : "set", name,
		     family == AF_INET ? "ipv4_addr" : "ipv6_addr", kinds[kind].jump ? " : verdict" : "");
	for (i = 0; i < elements->n; i++) {
		e = &elements->of[i];
		if (e->kind != kind || e->address.family != family || (kinds[kind].by_coi && e->coi != coi))
			continue;
		filter_write(out, "%s%s", *between == 'e' ? "\t\t" : "", between);
		write_element(out, e, true);
		between = ", ";
	}
	filter_write(out, "%s\t}\n", *between == 'e' ? "" : " }\n");
}

static void change(struct filter_writer *out, const char *verb, const struct filter_element *e)
{
	char name[32];

	filter_set_name(e->kind, e->coi, e->address.family, name);
	filter_write(out, "%s element " FILTER_TABLE " %s { ", verb, name);
	write_element(out, e, *verb == 'a');
	filter_write(out, " }\n");
}

/* A map's element with another verdict goes, and comes again, in one transaction. */
int filter_elements_change(const struct filter_elements *before, const struct filter_elements *after, char **out,
			   struct vmp_msg *msg)
{
	struct filter_writer gone = { .text = NULL }, come = { .text = NULL };
	size_t i = 0, j = 0;
	int order;

	while (i < before->n || j < after->n) {
		if (i == before->n || j == after->n)
			order = i == before->n ? 1 : -1;
		else
			order = compare(&before->of[i], &after->of[j]);
		if (order < 0)
			change(&gone, "delete", &before->of[i]);
		else if (order > 0)
			change(&come, "add", &after->of[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (come.text)
		filter_write(&gone, "%s", come.text);
	gone.failed |= come.failed;
	free(come.text);
	return filter_writer_end(&gone, out, msg);
}
