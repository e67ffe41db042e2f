/** Records: what an administrator reads and writes, whatever tables it is kept in.
 *
 * A noun (VM, COI, ...) has columns; a record holds values for some of them.  The schema is the
 * one judge of values: what it refuses comes back as VMP_EINVAL or VMP_EEXIST with its own words.
 */
#ifndef VMP_RECORD_H
#define VMP_RECORD_H

#include "cidr.h"
#include "store.h"

enum vmp_noun {
	VMP_NOUN_TENANT,
	VMP_NOUN_ENCLAVE,
	VMP_NOUN_COI,
	VMP_NOUN_VM,
	VMP_NOUN_HOST,
	VMP_NOUN_NAS,
	VMP_NOUN_TEMPLATE,
	VMP_NOUN_POOL,	 /**< of licences */
	VMP_NOUN_FILTER, /**< of what may pass a gateway */
	VMP_NOUNS
};

enum vmp_type { VMP_TYPE_TEXT, VMP_TYPE_INT, VMP_TYPE_BOOL, VMP_TYPE_MAC };

/** What is special about a column; bits. */
enum vmp_column_flag {
	VMP_COL_READONLY = 1, /**< shown, never set */
	VMP_COL_NULL = 2,     /**< may be without a value; empty text means that */
	VMP_COL_INHERIT = 4,  /**< without a value it inherits */
	VMP_COL_NONE = 8,     /**< can say "explicitly none": '' for text, 0 for numbers */
	VMP_COL_BRIEF = 16    /**< one of the few that a list shows */
};

struct vmp_column_link;

struct vmp_column {
	const char *name;
	enum vmp_type type;
	unsigned flags;
	const char *help;
	/* SQL for store_record.c; NULL: the column of this name itself. */
	const char *get, *set, *value, *match;
	const struct vmp_column_link *link; /**< kept in a table of its own */
	vmp_list_fn form; /**< how it is written, which the schema alone cannot judge; NULL: any way */
};

#define VMP_COLUMN_MAX 24 /**< columns of one noun */

struct vmp_noun_info {
	const char *name; /**< "vm"; the key is column 0, a VM's name will do as well */
	const struct vmp_column *column;
	size_t n_column;
	/** The key is a number that the store gives to a record without one; column 1 names whose it is. */
	bool numbered;
};

const struct vmp_noun_info *vmp_noun_info(enum vmp_noun noun);
/** @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_noun_find(const char *name, enum vmp_noun *out);
/** @return the column's index; -1 when there is none. */
int vmp_column_find(enum vmp_noun noun, const char *name, size_t len);

enum vmp_kind { VMP_NULL, VMP_INT, VMP_TEXT };

struct vmp_value {
	enum vmp_kind kind;
	int64_t num;	  /**< VMP_INT */
	const char *text; /**< VMP_TEXT: borrowed, ends with a NUL */
};

struct vmp_record {
	enum vmp_noun noun;
	uint32_t set; /**< bit (1 << column) for each value that is here */
	struct vmp_value value[VMP_COLUMN_MAX];
};

/** Read a value as people type it, on a command line or in CSV.
 *
 * Where the column can be without a value: empty, and "inherit" if that is what it then does.
 * Where it can be none: "none"; one backslash in front is taken away, so that "\none" is a
 * text.  Where it is yes or no: 1 0 yes no true false.  All else goes on for the schema to judge.
 *
 * @param text  ends with a NUL; borrowed by out.
 */
void vmp_value_from_text(const struct vmp_column *col, const char *text, struct vmp_value *out);

#define VMP_VALUE_TEXT 24 /**< room for a number as text */

/** The inverse.
 * @param room  scratch for numbers.
 * @param back  out, 1 when one backslash must be written in front of the result, else 0.
 * @return text borrowed from value, room or a constant.
 */
const char *vmp_value_to_text(const struct vmp_column *col, const struct vmp_value *value, char room[VMP_VALUE_TEXT],
			      int *back);

/** Read "column=value" into rec; READONLY columns and a column given twice are refused.
 * @param text  borrowed by rec.
 * @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int vmp_record_assign(struct vmp_record *rec, const char *text, struct vmp_msg *msg);
/** The same, where READONLY columns may be named too: a filter. */
VMP_CHECKED int vmp_record_filter(struct vmp_record *rec, const char *text, struct vmp_msg *msg);

/** Operations on one noun of one store, their statements prepared once.  Writes belong inside
 * vmp_store_begin() and _commit(); after one that failed, roll back: it may be half done. */
struct vmp_records;

VMP_CHECKED int vmp_records_new(struct vmp_records **out, struct vmp_store *store, enum vmp_noun noun,
				struct vmp_msg *msg);
/** Before the store is closed.  NULL is allowed. */
void vmp_records_free(struct vmp_records *rs);

/** Errors of all below: VMP_EINVAL, VMP_EEXIST when the schema refuses, VMP_ENOENT when key is
 * not there, VMP_EBUSY, VMP_EIO, VMP_EFULL, VMP_ECORRUPT, VMP_ENOMEM. */
VMP_CHECKED int vmp_record_insert(struct vmp_records *rs, const struct vmp_record *rec, struct vmp_msg *msg);
/** The number that the last insert gave; of a noun that is numbered. */
int64_t vmp_record_number(const struct vmp_records *rs);
/** @param key  a name; a VM's MAC in any form or its name; a filter's number. */
VMP_CHECKED int vmp_record_update(struct vmp_records *rs, const char *key, const struct vmp_record *rec,
				  struct vmp_msg *msg);
VMP_CHECKED int vmp_record_delete(struct vmp_records *rs, const char *key, struct vmp_msg *msg);
/** Is it there?  @return VMP_OK, VMP_ENOENT, or an error. */
VMP_CHECKED int vmp_record_find(struct vmp_records *rs, const char *key, struct vmp_msg *msg);

/** Texts in out live until the next call on rs. */
VMP_CHECKED int vmp_record_get(struct vmp_records *rs, const char *key, struct vmp_record *out, struct vmp_msg *msg);

/** Start to read the records that have all of filter's values, by key in ascending order.
 * Lists match when they contain the value.  @param filter  NULL: all; its texts are borrowed until the end. */
VMP_CHECKED int vmp_record_select(struct vmp_records *rs, const struct vmp_record *filter, struct vmp_msg *msg);
/** @return VMP_OK with the next record; VMP_ENOENT at the end. */
VMP_CHECKED int vmp_record_next(struct vmp_records *rs, struct vmp_record *out, struct vmp_msg *msg);

VMP_CHECKED int vmp_record_count(struct vmp_records *rs, int64_t *n, struct vmp_msg *msg);
/** Names that start with prefix, at most max. */
VMP_CHECKED int vmp_record_names(struct vmp_records *rs, const char *prefix, int max,
				 void (*each)(void *ctx, const char *name), void *ctx, struct vmp_msg *msg);

/** Record (NULL: remove) the EAP-MD5 password of a VM. */
VMP_CHECKED int vmp_record_eap_md5(struct vmp_records *rs, const char *key, const char *password, struct vmp_msg *msg);

#endif
