/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define ROW_OCTETS 600 /* of a certificate */

static sqlite3 *db;
static sqlite3_stmt *begin, *insert, *commit;

static void run(const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
	return stmt;
}

static void step(sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE)
		die("%s", sqlite3_errmsg(db));
	sqlite3_reset(stmt);
}

void db_open(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/bare.db", dir);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(db));
	run("PRAGMA journal_mode = WAL");
	run("PRAGMA synchronous = FULL");
	run("CREATE TABLE IF NOT EXISTS certificate (serial INTEGER PRIMARY KEY, der BLOB NOT NULL)");
	begin = prepare("BEGIN IMMEDIATE");
	insert = prepare("INSERT INTO certificate (der) VALUES (?1)");
	commit = prepare("COMMIT");
}

void db_begin(void)
{
	step(begin);
}

void db_insert(const unsigned char *der, int len)
{
	sqlite3_bind_blob(insert, 1, der, len, SQLITE_STATIC);
	step(insert);
}

void db_commit(void)
{
	step(commit);
}

static void loop(const struct options *o, const char *label, int group)
{
	unsigned char row[ROW_OCTETS];
	double began = now_us(), cpu = cpu_us();
	size_t n = 0;
	int i;

	memset(row, 'x', sizeof(row));
	while (now_us() - began < o->seconds * 1e6) {
		db_begin();
		for (i = 0; i < group; i++)
			db_insert(row, sizeof(row));
		db_commit();
		n += (size_t)group;
	}
	loop_report(label, n, now_us() - began, cpu_us() - cpu, sizeof(row));
}

void db_loop(const struct options *o)
{
	db_open(o->dir);
	loop(o, "sqlite-1", 1);
	loop(o, "sqlite-64", GROUP);
}
