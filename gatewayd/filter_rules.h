/** The rules of a gateway's filters, as policyd tells them (docs/PROTOCOL.md, "Filters"). */
#ifndef FILTER_RULES_H
#define FILTER_RULES_H

#include "err.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_RULES  4096 /**< at most */
#define FILTER_LIST   512  /**< prefixes, or ranges of ports, in a list: all that 1000 octets hold (table filter) */
#define FILTER_ANSWER (8u << 20) /**< [octets] an answer's body, at most */
#define FILTER_COI    65	 /**< [octets] a COI's name and its NUL: A-Z a-z 0-9 . _ - */

/** As packets go: from the clear network to a machine, from a machine to it. */
enum filter_direction { FILTER_IN, FILTER_OUT };
enum filter_protocol { FILTER_ANY, FILTER_TCP, FILTER_UDP, FILTER_ICMP /**< and ICMPv6 */ };
enum filter_action { FILTER_ACCEPT, FILTER_DROP, FILTER_REJECT };

struct filter_range {
	uint16_t first, last;
};

/** In ascending order, and none inside or beside another. n 0: any. */
struct filter_prefixes {
	struct prefix *of;
	size_t n;
};
struct filter_ports {
	struct filter_range *of;
	size_t n;
};

struct filter_rule {
	int64_t id; /**< from 1 */
	char coi[FILTER_COI];
	int64_t position;
	enum filter_direction direction;
	enum filter_protocol protocol;
	enum filter_action action;
	bool log;
	struct filter_prefixes source, destination;
	struct filter_ports source_ports, ports; /**< TCP and UDP alone */
	/** What connections that it has accepted are marked with: their answers may pass for as long as it is in force;
	 * filter_marks(). */
	uint32_t mark;
};

/** The order of a COI's rules is that in which they are tried. */
struct filter_set {
	int64_t version;
	struct filter_rule *rule;
	size_t n;
};

/** Read an answer: {"version", "full": true, "rules": [...]}.  An object of a rule must have exactly the members that
 * are known here: what is not understood may narrow it.  So a gateway is not to be older than its policyd.
 * @param out  set on VMP_OK, for filter_set_clear(); with VMP_EINVAL it is empty, but for the version, if that could be
 * read (0: it could not). @return VMP_OK; VMP_EINVAL: the first thing that is wrong, by the
 * rule's id; VMP_ENOMEM. */
VMP_CHECKED int filter_read(const char *text, size_t len, struct filter_set *out, struct vmp_msg *msg);
/** Empty, and safe on an empty one. */
void filter_set_clear(struct filter_set *set);

/** Do both accept and drop the same, marks aside? */
bool filter_rule_equal(const struct filter_rule *a, const struct filter_rule *b);
/** Give each rule its mark: a rule that stood in before keeps that one, unless it is another now, or something that it
 * did accept is dropped before it is tried.  @param last  the last mark that was given; moved on, never 0. */
void filter_marks(struct filter_set *set, const struct filter_set *before, uint32_t *last);

#endif
