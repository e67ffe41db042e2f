/** nftables' table of a gateway, as text: no I/O. */
#ifndef FILTER_COMPILE_H
#define FILTER_COMPILE_H

#include "config.h"
#include "filter_elements.h"

/** What the configuration says of it; the texts are checked ones. */
struct filter_frame {
	const char *interface;	   /**< of WireGuard; the TUN interface beside it has an "n" behind it */
	const char *clear, *input; /**< [coi] clear, input */
	bool masquerade;
	bool transit; /**< what neither comes from machines nor goes to them is let alone; else it is refused */
};

/** The whole table, in the place of the one before, in one transaction.
 *
 * Packets that neither come from the machines' interfaces nor go there are let alone, or refused.  Of the others, in
 * chain forward: those from machine to machine pass if one of them is remote and both are of a COI that this gateway
 * shares; those between a machine and the clear network are judged by the rules of its COI, and refused when no rule
 * fits.  Each packet in the direction of a connection's first one is judged; answers pass while the rule that let the
 * first one in is in force, which the connection's mark tells.
 * @param cois  numbers for all COIs of set; those that have rules say so.
 * @param out  for free(). @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int filter_compile(const struct filter_frame *frame, const struct filter_set *set,
			       const struct filter_cois *cois, const struct filter_elements *elements, char **out,
			       struct vmp_msg *msg);

/** To take the table away, whether it is there or not. */
#define FILTER_AWAY "add table inet vmprov_gateway\ndelete table inet vmprov_gateway\n"
/** To have one in its place that lets nothing be forwarded: for when nobody looks after it, and the kernel forwards
 * still. */
#define FILTER_CLOSED                                                                                                  \
	FILTER_AWAY "table inet vmprov_gateway {\n"                                                                    \
		    "\tchain forward {\n\t\ttype filter hook forward priority 0; policy drop;\n\t}\n}\n"

#endif
