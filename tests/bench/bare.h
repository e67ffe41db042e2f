/* SPDX-License-Identifier: GPL-2.0-or-later */
/* estbare: what policyd does, without what makes it policyd.  Parts shared by its files. */
#ifndef BARE_H
#define BARE_H

#include "args.h"

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

enum commit { COMMIT_NONE, COMMIT_EACH, COMMIT_GROUP };

/** Answers whose commit is one. */
#define GROUP 64

struct options {
	int port;
	size_t answer;	    /**< [octets] of a body, filled up with blanks */
	enum commit commit; /**< of what was issued */
	bool no_issue;	    /**< answer without looking at the request */
	const char *dir;    /**< for the database, or lib's CA */
	double seconds;	    /**< of a loop */
};

/* A CA of plain OpenSSL calls, as they stand in its manual (bare_ca.c). */

void ca_make(void);
X509 *ca_cert(void);
/** A certificate for a server, and its key. */
X509 *ca_server(EVP_PKEY **key);
/** Verify the request's signature, and issue. @param text  base64 of the DER. @return NULL: no good request. */
X509 *ca_issue(const char *text, size_t len);

/* The database (bare_db.c): one table, WAL, synchronous=FULL. */

void db_open(const char *dir);
void db_begin(void);
void db_insert(const unsigned char *der, int len);
void db_commit(void);
/** Commits for so long: single rows, and groups; prints lines as estload --tsv does. */
void db_loop(const struct options *o);

/** Serve until killed (bare_serve.c). */
void serve(const struct options *o);
/** Seal COI keys with lib/cms for so long; prints a line as estload --tsv does (bare_cms.c). */
void cms_loop(const struct options *o);

/** CPU time used [us], and time passed. */
double cpu_us(void);
double now_us(void);
/** A line as estload --tsv prints it, of n operations. */
void loop_report(const char *label, size_t n, double wall_us, double cpu, double octets);

#endif
