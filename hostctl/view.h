/** What hostd says, for people. */
#ifndef VIEW_H
#define VIEW_H

#include "table.h"

#include <jansson.h>

#define VIEW_CELL 64

/** A member as text: "-" for what is empty, null or not there. @param room  scratch. */
const char *view_cell(const json_t *object, const char *name, char room[VIEW_CELL]);
/** Seconds as 3d4h, 2h05m, 7m30s, 12s; "-" when they are not there. */
const char *view_span(const json_t *object, const char *name, char room[VIEW_CELL]);
/** Seconds since 1970 as 2026-12-01T08:00:00Z; "-" for none. */
const char *view_time(const json_t *object, const char *name, char room[VIEW_CELL]);

/** A column of a table whose rows are objects. */
struct view_column {
	struct vmp_table_head head;
	const char *member;
	const char *(*text)(const json_t *object, const char *name, char room[VIEW_CELL]);
};
#define VIEW_COLUMNS 12

/** Ends the program when out of memory. @param n  at most VIEW_COLUMNS. */
struct vmp_table *view_table(const struct view_column *columns, size_t n);
void view_row(struct vmp_table *table, const struct view_column *columns, size_t n, const json_t *object);
void view_end(struct vmp_table *table);
/** All the objects of an array. */
void view_array(const struct view_column *columns, size_t n, const json_t *array);
/** One object, a member a line. */
void view_object(const struct view_column *members, size_t n, const json_t *object);

#endif
