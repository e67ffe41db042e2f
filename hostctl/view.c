#include "view.h"
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void no_memory(void)
{
	exit(cli_fail(CLI_REFUSED, "out of memory"));
}

const char *view_cell(const json_t *object, const char *name, char room[VIEW_CELL])
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	if (text)
		return *text ? text : "-";
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_integer(value))
		snprintf(room, VIEW_CELL, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(room, VIEW_CELL, "%.1f", json_real_value(value));
	else
		return "-";
	return room;
}

const char *view_span(const json_t *object, const char *name, char room[VIEW_CELL])
{
	const json_t *value = json_object_get(object, name);
	long long s = json_integer_value(value);

	if (!json_is_integer(value))
		return "-";
	if (s < 60)
		snprintf(room, VIEW_CELL, "%llds", s);
	else if (s < 3600)
		snprintf(room, VIEW_CELL, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(room, VIEW_CELL, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(room, VIEW_CELL, "%lldd%lldh", s / 86400, s / 3600 % 24);
	return room;
}

const char *view_time(const json_t *object, const char *name, char room[VIEW_CELL])
{
	const time_t t = (time_t)json_integer_value(json_object_get(object, name));
	struct tm tm;

	if (!t || !gmtime_r(&t, &tm) || !strftime(room, VIEW_CELL, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return "-";
	return room;
}

struct vmp_table *view_table(const struct view_column *columns, size_t n)
{
	struct vmp_table_head heads[VIEW_COLUMNS];
	struct vmp_table *table;
	size_t i;

	for (i = 0; i < n; i++)
		heads[i] = columns[i].head;
	table = vmp_table_new(heads, n);
	if (!table)
		no_memory();
	return table;
}

void view_row(struct vmp_table *table, const struct view_column *columns, size_t n, const json_t *object)
{
	char room[VIEW_COLUMNS][VIEW_CELL];
	const char *cells[VIEW_COLUMNS];
	size_t i;

	for (i = 0; i < n; i++)
		cells[i] = columns[i].text(object, columns[i].member, room[i]);
	vmp_table_row(table, cells);
}

void view_end(struct vmp_table *table)
{
	if (vmp_table_end(table) != VMP_OK)
		no_memory();
}

void view_array(const struct view_column *columns, size_t n, const json_t *array)
{
	struct vmp_table *table = view_table(columns, n);
	const json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
		view_row(table, columns, n, object);
	view_end(table);
}

void view_object(const struct view_column *members, size_t n, const json_t *object)
{
	static const struct vmp_table_head heads[] = { { "", false }, { "", false } };
	struct vmp_table *table = vmp_table_new(heads, 2);
	char room[VIEW_CELL];
	size_t i;

	if (!table)
		no_memory();
	for (i = 0; i < n; i++)
		vmp_table_row(table, (const char *[]){ members[i].head.name,
						       members[i].text(object, members[i].member, room) });
	view_end(table);
}
