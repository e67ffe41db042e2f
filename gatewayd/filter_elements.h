/** Which address belongs to whom, as elements of nftables' sets and maps: what changes as machines come and go, while
 * the rules stay. */
#ifndef FILTER_ELEMENTS_H
#define FILTER_ELEMENTS_H

#include "filter_rules.h"

/** A COI, which has a number here, from 1; numbers are in the names of chains and sets. */
struct filter_coi {
	char name[FILTER_COI];
	bool rules;   /**< it has some, so there are chains of its own */
	bool remotes; /**< a remote machine is among its members, or was: so there are sets of its own */
};
struct filter_cois {
	struct filter_coi *of; /**< of[number - 1] */
	size_t n;
};
/** @return its number; 0: out of memory. */
unsigned filter_coi_number(struct filter_cois *cois, const char *name);
void filter_cois_clear(struct filter_cois *cois);

/** A machine of the directory. */
struct filter_machine {
	const struct prefix *inner6, *inner4; /**< family 0: none */
	bool remote;
	unsigned coi;	      /**< that it and this gateway talk in; 0: none */
	const unsigned *cois; /**< all that are shared */
	size_t n_coi;
};

enum filter_kind {
	FILTER_OWN,	 /**< sets own4, own6: this gateway's */
	FILTER_MACHINES, /**< sets machines4, machines6: everybody's */
	FILTER_TO,	 /**< maps to4, to6: jump to the COI's chain in_NUMBER */
	FILTER_FROM,	 /**< maps from4, from6: jump to out_NUMBER */
	FILTER_MEMBERS,	 /**< sets members_NUMBER_4 and _6 of a COI with remote machines */
	FILTER_REMOTES,	 /**< sets remotes_NUMBER_4 and _6: those alone */
	FILTER_KINDS
};

struct filter_element {
	enum filter_kind kind;
	unsigned coi;
	struct prefix address;
};

struct filter_elements {
	struct filter_element *of;
	size_t n, room;
	bool failed; /**< out of memory */
};

/** Add what stands for the gateway itself. @param address  family 0: nothing. */
void filter_elements_own(struct filter_elements *elements, const struct prefix *address);
/** Add what stands for a machine: TO and FROM only if its COI has rules. */
void filter_elements_machine(struct filter_elements *elements, const struct filter_cois *cois,
			     const struct filter_machine *machine);
/** Sort, and leave each key in once.  To be called before they are used.
 * @return VMP_OK; VMP_ENOMEM: they are not all there. */
VMP_CHECKED int filter_elements_end(struct filter_elements *elements, struct vmp_msg *msg);
void filter_elements_clear(struct filter_elements *elements);

/** What nftables is told for after to stand in the place of before: "delete element" and "add element" commands.
 * @param out  NULL: nothing differs; else for free(). @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int filter_elements_change(const struct filter_elements *before, const struct filter_elements *after,
				       char **out, struct vmp_msg *msg);

/** The name of the set or map. */
void filter_set_name(enum filter_kind kind, unsigned coi, int family, char out[32]);
/** A set or a map with its elements, as it stands in a table's text. @param at  moved on behind them. */
struct filter_writer;
void filter_elements_write(struct filter_writer *out, const struct filter_elements *elements, enum filter_kind kind,
			   unsigned coi, int family);

#endif
