/** Tables for people, JSON for programs. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "record.h"

#include <jansson.h>

struct table_head {
	const char *name;
	bool right; /**< numbers */
};

#define TABLE_MAX VMP_COLUMN_MAX

struct table;

/** Ends the program when out of memory. @param heads  n of at most TABLE_MAX. */
struct table *table_new(const struct table_head *heads, size_t n);
/** @param cells  as many texts as heads.  After each thousand rows those are printed. */
void table_row(struct table *table, const char *const *cells);
/** Print what is left, and free. */
void table_end(struct table *table);

/** Print and release. */
void out_json(json_t *doc);

/** An array, item by item: *n counts, from 0; items are released. */
void out_json_item(size_t *n, json_t *item);
void out_json_end(size_t n);

/** A value for a person's eyes. @param room  scratch; @param absent  what stands for no value. */
const char *out_value(const struct vmp_column *col, const struct vmp_value *value, char room[64], const char *absent);

#endif
