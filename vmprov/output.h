/** Tables for people, JSON for programs. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "record.h"
#include "table.h"

#include <jansson.h>

/* vmp_table_*(), which end the program when out of memory. */
struct vmp_table *table_new(const struct vmp_table_head *heads, size_t n);
void table_row(struct vmp_table *table, const char *const *cells);
void table_end(struct vmp_table *table);

/** Print and release. */
void out_json(json_t *doc);

/** An array, item by item: *n counts, from 0; items are released. */
void out_json_item(size_t *n, json_t *item);
void out_json_end(size_t n);

/** A value for a person's eyes. @param room  scratch; @param absent  what stands for no value. */
const char *out_value(const struct vmp_column *col, const struct vmp_value *value, char room[64], const char *absent);

#endif
