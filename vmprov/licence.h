/** licence: what its verbs share. */
#ifndef LICENCE_H
#define LICENCE_H

#include "cli.h"
#include "store_licence_view.h"

/** One call of the command. */
struct licence_request {
	struct cli *cli;
	struct vmp_store *store;
	struct vmp_clock clock;
	const char *product, *holder; /**< --product, --holder; NULL: not given */
	int64_t last;		      /**< --last; 0: not given */
	int argc;		      /**< operands */
	char **argv;
	struct vmp_msg msg;
};

/* What there is, as a table or as JSON. */
int licence_usage(struct licence_request *req);
int licence_lease_list(struct licence_request *req);
int licence_denials(struct licence_request *req);

#endif
