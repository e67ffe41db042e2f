/** Records as files: CSV with a header line, JSON as an array of objects. */
#ifndef VMP_RECORD_READ_H
#define VMP_RECORD_READ_H

#include "jsontext.h"
#include "record.h"

/** What is told; a nonzero return stops the reading and comes back from it. */
struct vmp_record_calls {
	/** @param rec  its texts are borrowed. */
	int (*record)(void *ctx, size_t line, const struct vmp_record *rec);
	int (*bad)(void *ctx, size_t line, const char *why);
};

/** CSV, in pieces: the first line names columns, in any order; what stands below is read as
 * vmp_value_from_text() has it.  A header that is wrong is one bad line, and nothing follows. */
struct vmp_record_csv;

VMP_CHECKED int vmp_record_csv_new(struct vmp_record_csv **out, enum vmp_noun noun,
				   const struct vmp_record_calls *calls, void *ctx);
void vmp_record_csv_free(struct vmp_record_csv *csv);
/** @return 0; what a callback returned; VMP_ENOMEM. */
VMP_CHECKED int vmp_record_csv_feed(struct vmp_record_csv *csv, const char *data, size_t len);
VMP_CHECKED int vmp_record_csv_finish(struct vmp_record_csv *csv);

/** JSON: an array of objects, one at a time, so that memory is one record's.  null is no value, text
 * and numbers are taken as they stand.  What is no JSON is one bad line, and nothing follows.
 * @param text  len octets.
 * @return 0; what a callback returned; VMP_ENOMEM. */
VMP_CHECKED int vmp_record_json_read(enum vmp_noun noun, const char *text, size_t len,
				     const struct vmp_record_calls *calls, void *ctx);

/** @param obj  rec borrows its texts. */
VMP_CHECKED int vmp_record_from_json(enum vmp_noun noun, json_t *obj, struct vmp_record *rec, struct vmp_msg *msg);
/** @return a new object; NULL when out of memory. */
json_t *vmp_record_to_json(const struct vmp_record *rec);

#endif
