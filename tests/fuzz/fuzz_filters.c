/* What policyd tells a gateway of filters, and the text that nftables is told then: of words, numbers and addresses of
 * ours alone, whatever came. */
#include "../../gatewayd/filter_compile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct filter_rule *r)
{
	size_t i;

	if (r->id < 1 || !*r->coi || strlen(r->coi) >= FILTER_COI || r->mark == 0)
		abort();
	if (r->protocol != FILTER_TCP && r->protocol != FILTER_UDP && r->ports.n + r->source_ports.n > 0)
		abort();
	for (i = 0; i < r->ports.n; i++) {
		if (r->ports.of[i].first > r->ports.of[i].last ||
		    (i > 0 && r->ports.of[i].first <= r->ports.of[i - 1].last + 1))
			abort();
	}
	for (i = 1; i < r->source.n; i++) {
		if (prefix_has(&r->source.of[i - 1], &r->source.of[i]))
			abort();
	}
}

/* Nothing from outside but addresses is in it; a line ends with what a line of ours ends with. */
static void check_text(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t\n{}@_:;.,=!/\"-";

	if (strspn(text, letters) != strlen(text) || strstr(text, "flush") || strstr(text, "include"))
		abort();
	if (!strstr(text, "\t\tgoto refuse\n\t}\n\tchain input {\n"))
		abort();
}

static void compile(const struct filter_set *set)
{
	static const struct filter_frame frame = { "vmprov0", "eth0", "icmp tcp/22", true, false };
	struct prefix address = { AF_INET, 32, { 10, 64, 0, 1 } }, none = { .family = 0 };
	struct filter_cois cois = { .of = NULL };
	struct filter_elements elements = { .of = NULL };
	struct vmp_msg msg = { "" };
	char *text = NULL;
	size_t i;

	for (i = 0; i < set->n; i++) {
		unsigned number = filter_coi_number(&cois, set->rule[i].coi);
		struct filter_machine machine = { &none, &address, i % 2 == 0, number, &number, 1 };

		cois.of[number - 1].rules = true;
		cois.of[number - 1].remotes |= i % 2 == 0;
		address.address[3] = (uint8_t)i;
		filter_elements_machine(&elements, &cois, &machine);
	}
	if (filter_elements_end(&elements, &msg) != VMP_OK ||
	    filter_compile(&frame, set, &cois, &elements, &text, &msg) != VMP_OK)
		abort();
	check_text(text);
	free(text);
	filter_elements_clear(&elements);
	filter_cois_clear(&cois);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_set set, before = { .n = 0 };
	struct vmp_msg msg = { "" };
	uint32_t last = 7;
	size_t i;
	int err = filter_read((const char *)data, size, &set, &msg);

	if (err != VMP_OK && (!*msg.text || set.n > 0))
		abort();
	if (err == VMP_OK) {
		filter_marks(&set, &before, &last);
		for (i = 0; i < set.n; i++)
			check_rule(&set.rule[i]);
		compile(&set);
	}
	filter_set_clear(&set);
	return 0;
}
