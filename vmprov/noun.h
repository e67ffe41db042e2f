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
	int wait_s;			/**< nas test: 0: not given */
	char *assigned[VMP_COLUMN_MAX]; /**< "column=value", from options */
	int n_assigned;
	char number[24]; /**< what the store gave to what was added; empty: argv[0] is its key */
	struct vmp_msg msg;
};

/** Options of a noun: columns from here on. */
enum { NOUN_OPT_HELP = 512, NOUN_OPT_COLUMN };

/** Read the operands from that one on, and the options, as "column=value". */
VMP_CHECKED int noun_columns(struct noun_job *job, int from, struct vmp_record *rec,
			     int (*read)(struct vmp_record *rec, const char *text, struct vmp_msg *msg));

extern const struct option filter_options[];
/** Take one of them. @return false: too many. */
bool filter_option(struct noun_job *job, int c, const char *value);
/** Make one for the COI that is named. */
int filter_add(struct noun_job *job);

/** Have new keys made for each COI that is named. */
int coi_rotate(struct noun_job *job);
/** The epochs that are in use. */
int coi_keys(struct noun_job *job);

/** Have policyd ask each NAS that is named for something harmless, and wait for the answer. */
int nas_test(struct noun_job *job);

#endif
