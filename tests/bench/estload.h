/* SPDX-License-Identifier: GPL-2.0-or-later */
/* estload: a load generator for policyd's HTTPS API.  Parts shared by its files. */
#ifndef ESTLOAD_H
#define ESTLOAD_H

#include "args.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <openssl/ssl.h>

#define PIDS_MAX     8
#define POINT_OCTETS 65 /**< an uncompressed point on P-256 */

/** A server process whose CPU time is looked at. */
struct watched {
	const char *name;
	int pid;
};

/** What the command line asks for. */
struct options {
	const char *mode;
	struct sockaddr_in server;
	const char *host_cert, *host_key; /**< PEM files: who says that guests start */
	const char *template_name;
	struct watched pid[PIDS_MAX];
	size_t n_pids;
	uint64_t first;	 /**< number of the first VM: MAC and UUID are made from it */
	size_t count;	 /**< operations, connections or VMs */
	size_t vms;	 /**< VMs that are enrolled before the clock starts */
	size_t window;	 /**< connections at a time */
	size_t hosts;	 /**< kept connections over which guests are started */
	size_t changes;	 /**< fan: how many */
	double rate;	 /**< [1/s] storm: VMs that start */
	bool bare;	 /**< the server is estbare: no tokens, no starts */
	bool kept;	 /**< renew: one kept connection each */
	bool plain;	 /**< without TLS */
	bool with_certs; /**< idle */
	bool tsv;
};

/* Connections (estload_conn.c): TLS 1.3, HTTP/1.1, one request at a time each. */

struct conn;

/** An answer; status 0: none came, and body says why. */
struct reply {
	int status;
	const char *body; /**< NUL-terminated */
	size_t len;
};

typedef void reply_fn(struct conn *c, void *ctx, const struct reply *r);

void conn_init(const struct options *o);
/** @param cert,key  the client's; NULL: none. */
struct conn *conn_new(X509 *cert, EVP_PKEY *key);
/** @param head  further header lines, each with its CRLF; "" for none. @param done  called once. */
void conn_request(struct conn *c, const char *method, const char *path, const char *head, const char *body,
		  size_t body_len, reply_fn *done, void *ctx);
/** Of one that was just made, and asks nothing: the handshake, and the end of both sides. @param done  called once. */
void conn_finish(struct conn *c, reply_fn *done, void *ctx);
/** Whoever made it closes it, also when the server has. */
void conn_close(struct conn *c);
/** How many are open now, and how many were at most. */
size_t conn_open(void);
size_t conn_peak(void);
/** Let connections go on for at most timeout_ms. */
void conn_turn(int timeout_ms);
uint64_t clock_ns(void);

/* Machines (estload_fleet.c). */

/** A key, and the request for a certificate for it. */
struct csr {
	EVP_PKEY *key;
	char *text; /**< base64 of the DER */
	size_t len;
	uint8_t point[POINT_OCTETS];
};

struct vm {
	uint64_t number;
	struct csr csr;
	char token[64];
	X509 *cert;
	EVP_PKEY *key;		/**< cert's */
	uint64_t due, at, t[3]; /**< [ns] storm */
};

void csr_make(struct csr *csr);
void csr_free(struct csr *csr);
/** Is this the answer to csr: a certificate for its key?  @param keep  NULL, or where the certificate goes. */
bool csr_answered(const struct csr *csr, const struct reply *r, X509 **keep);
struct vm *vms_make(const struct options *o, size_t n);
void vms_free(struct vm *vm, size_t n);

/** The requests that the modes have in common; reply_fn finds ctx as it was given. */
void ask_start(struct conn *c, const struct options *o, const struct vm *vm, reply_fn *done, void *ctx);
bool start_answered(struct vm *vm, const struct reply *r);
void ask_enrol(struct conn *c, const struct vm *vm, reply_fn *done, void *ctx);
void ask_renew(struct conn *c, const struct csr *csr, reply_fn *done, void *ctx);
void ask_keys(struct conn *c, reply_fn *done, void *ctx);

/* Measuring (estload_stat.c). */

struct samples {
	uint64_t *ns;
	size_t n, room;
};

void samples_add(struct samples *s, uint64_t ns);
/** Sorts. @param q  0 to 1. @return [us] */
double samples_us(struct samples *s, double q);

/** Time that server and client have used since stat_begin(). */
struct usage {
	uint64_t began;		/**< [ns] */
	uint64_t pid[PIDS_MAX]; /**< [ns] of CPU */
	uint64_t client;	/**< [ns] of CPU */
	uint64_t octets, items; /**< in answers */
	size_t ok, failed;
};

void usage_begin(const struct options *o, struct usage *u);
void usage_end(const struct options *o, struct usage *u);
/** One line: label and what usage() lists. @param seconds  from the first request to the last answer. */
void report(const struct options *o, const char *label, const struct usage *u, struct samples *s, double seconds);
/** Peak or present resident memory of the watched process of this name [KiB]; 0: there is none. */
long watched_rss(const struct options *o, const char *name, const char *field);
/** Begin to count the peak anew. */
void watched_rss_reset(const struct options *o);
/** Say why something went wrong, the first few times. */
void complain(const char *what, const struct reply *r);

/* Closed loops (estload_phase.c): so many at a time until all are done. */

struct phase;

struct task {
	struct phase *phase;
	struct conn *conn; /**< kept from one operation to the next, and from phase to phase */
	struct vm *vm;
	struct csr *csr;
	size_t index; /**< of the operation */
	uint64_t began;
};

struct phase {
	const struct options *o;
	struct vm *vms;
	struct csr *csrs;
	size_t n_vms;
	struct task *tasks;
	size_t n_tasks, total;
	void (*begin)(struct task *t);
	struct samples times;
	struct usage usage;
	double seconds;
	/* While it runs. */
	size_t begun, ended;
	uint64_t last;
};

/** Run; everything but the members "while it runs" and the results is filled in. */
void phase_run(struct phase *p);
/** The operation is over: the task's next begins. */
void task_end(struct task *t, bool ok, const struct reply *r, size_t items);
struct task *tasks_new(size_t n);
/** Closes what they keep. */
void tasks_free(struct task *t, size_t n);

/** Have VMs started and, with_certs, enrolled, outside of any measurement. */
void fleet_start(const struct options *o, struct vm *vms, size_t n);
void fleet_enrol(const struct options *o, struct vm *vms, size_t n);
/** The hosts' kept connections, opened. */
struct task *hosts_open(const struct options *o);

/* Modes. */
int mode_enrol(const struct options *o);
int mode_renew(const struct options *o);
int mode_keys(const struct options *o);
int mode_fan(const struct options *o); /* estload_fan.c */
int mode_idle(const struct options *o);
int mode_storm(const struct options *o); /* estload_storm.c */

#endif
