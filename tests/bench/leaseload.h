/* SPDX-License-Identifier: GPL-2.0-or-later */
/* leaseload: holders of licences, as a load generator, and the audit of what they believed.  Parts shared by its files;
 * connections, machines and measuring are estload's. */
#ifndef LEASELOAD_H
#define LEASELOAD_H

#include "estload.h"

#include "../unit/lease_holder.h"

struct lease_options {
	struct options base;
	const char *certs;   /**< PEM: certificate and key of each holder */
	const char *product; /**< licensed to them */
	const char *path;    /**< get: what is asked for */
	const char *journal; /**< where holders write down what they believe; NULL: nowhere */
	int64_t most;	     /**< licences that one wants */
	int64_t owned;	     /**< audit */
	double seconds;	     /**< churn, hold: how long */
	double pause_ms;     /**< churn, hold: between an answer and the next request, at most */
	bool fresh;	     /**< a new connection for each request */
	char **files;	     /**< audit: journals */
	int n_files;
};

/** A holder: its certificate, its connection, and what it may believe. */
struct client {
	struct load *load;
	X509 *cert;
	EVP_PKEY *key;
	struct conn *conn;
	struct lease_holder holder;
	size_t number;
	int64_t sent_ms; /**< boot clock: when the request went out, this time */
	int64_t next_ms; /**< boot clock: when it has something to do again; 0: when it is told */
	uint64_t began;	 /**< [ns] the operation */
};

/** Read certificates and keys. @param n  out; at most o->base.window, unless all. @return on the heap, never NULL. */
struct client *clients_read(const struct lease_options *o, bool all, size_t *n);
void clients_free(struct client *c, size_t n);

/** What a holder believes from now on, to the journal: "MICROSECONDS NUMBER COUNT:UNTIL_MS ...", of the boot clock. */
void journal_open(const struct lease_options *o);
void journal_write(const struct client *c);
void journal_close(void);
int64_t boot_us(void);

/* Modes. */
int mode_certs(const struct lease_options *o);	   /* leaseload_certs.c */
int mode_audit(const struct lease_options *o);	   /* leaseload_audit.c */
int mode_get(const struct lease_options *o);	   /* leaseload_bare.c */
int mode_handshake(const struct lease_options *o); /* leaseload_bare.c */
int mode_toggle(const struct lease_options *o);	   /* leaseload_run.c */
int mode_churn(const struct lease_options *o);
int mode_hold(const struct lease_options *o);
int mode_starts(const struct lease_options *o);

#endif
