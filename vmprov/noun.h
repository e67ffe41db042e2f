/** Verbs about one noun's records. */
#ifndef NOUN_H
#define NOUN_H

#include "cli.h"
#include "record.h"

/** One command about one noun. */
struct noun_job {
	struct cli *cli;
	enum vmp_noun noun;
	const struct vmp_noun_info *info;
	struct vmp_store *store;
	struct vmp_records *rs;
	int argc; /**< operands */
	char **argv;
	const char *password_file; /**< NULL: not given */
	bool no_password;
	int wait_s; /**< nas test: 0: not given */
	struct vmp_msg msg;
};

/** Have new keys made for each COI that is named. */
int coi_rotate(struct noun_job *job);
/** The epochs that are in use. */
int coi_keys(struct noun_job *job);

/** Have policyd ask each NAS that is named for something harmless, and wait for the answer. */
int nas_test(struct noun_job *job);

#endif
