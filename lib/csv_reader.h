/** CSV as RFC 4180 has it, in pieces, with limits.
 *
 * One header line is not assumed.  Lines end with LF or CRLF; fields may be quoted, "" is a quote
 * inside one, and a quoted field may span lines.  Blank lines and a byte order mark at the start
 * are skipped, blanks around a field that is not quoted are dropped.
 */
#ifndef VMP_CSV_READER_H
#define VMP_CSV_READER_H

#include "err.h"

#include <stdio.h>

#define VMP_CSV_RECORD_MAX 65536 /**< octets in one record, over all its lines */
#define VMP_CSV_FIELDS_MAX 64

struct vmp_csv_row {
	size_t line;		  /**< where it starts, from 1 */
	size_t n;		  /**< at least 1 */
	const char *const *field; /**< n texts, each ends with a NUL; borrowed */
};

/** What is told; a nonzero return stops the reading and comes back from vmp_csv_feed(). */
struct vmp_csv_calls {
	int (*row)(void *ctx, const struct vmp_csv_row *row);
	/** A record that is none; reading goes on behind the end of its line. */
	int (*bad)(void *ctx, size_t line, const char *why);
};

struct vmp_csv;

/** @param calls  borrowed for as long as the reader lives. */
VMP_CHECKED int vmp_csv_new(struct vmp_csv **out, const struct vmp_csv_calls *calls, void *ctx);
void vmp_csv_free(struct vmp_csv *csv);

/** @return 0; what a callback returned; VMP_ENOMEM.  Memory: one record's, whatever comes in. */
VMP_CHECKED int vmp_csv_feed(struct vmp_csv *csv, const char *data, size_t len);
/** After the last octet. */
VMP_CHECKED int vmp_csv_finish(struct vmp_csv *csv);

/** Write one field, quoted where it must be so that it reads back the same.
 * @param back  nonzero: with one backslash in front. */
void vmp_csv_write(FILE *file, const char *text, int back);

#endif
