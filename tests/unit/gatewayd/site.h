/* A gateway's broker with a store of its own and licence servers that keep real books, without sockets or clocks. */
#ifndef SITE_H
#define SITE_H

#include "broker.h"

#include <check.h>

#define SITE_SERVERS 3
#define GATEWAY	     "00000000-0000-4000-8000-00000000aaaa"
#define PRODUCT	     "web-std"

struct site_server {
	struct vmp_lease_book *book;
	struct vmp_lease_pool pool;
	bool silent;
	int status; /* what it answers everything with; 0: properly */
	bool lossy; /* the next answer is lost, after the request was taken */
	bool full;  /* the store fails when the next answer comes */
	bool stale; /* says so of each request */
	int requests;
	char last[VMP_BROKER_BODY]; /* the last request */
	char not_running[8][VMP_UUID_TEXT];
	int n_not_running;
	int64_t licensed; /* -1: says nothing of it */
};

extern struct site {
	struct broker_settings settings;
	struct vmp_store *store;
	struct vmp_clock clock;
	struct broker *broker;
	struct site_server server[SITE_SERVERS];
	int64_t now, next;
	bool loose; /* servers forget: VMs may have more than servers know of */
	struct vmp_msg msg;
} site;

/* A site of n servers, each with 10 licences for 60 s and a grace of 10 s.  For fixtures. */
void site_setup(int n);
void site_setup_one(void);
void site_setup_two(void);
void site_teardown(void);
/* The process is killed, and starts again; in another boot. */
void site_restart(void);
void site_reboot(void);

/* The pool that a server owns. */
void site_own(int server, int64_t owned);
/* Time goes on, a second at a time, and whatever is due is done. */
void site_pass(int64_t ms);
/* All that is due now. */
void site_pump(void);

/* A VM's request, with what it has seen; the next one's id.  VMs have numbers. */
struct broker_answer site_ask(int vm, int64_t wants);
/* The same, for a VM that waits: taken back when it is answered or over. */
struct site_wait {
	struct waiter waiter;
	struct broker_ask ask;
	struct broker_answer answer;
	bool answered;
};
void site_wait(struct site_wait *wait, int vm, int64_t wait_ms);
/* Ask, and wait for the answer. */
bool site_gets(int vm);
/* Time goes on, and VMs renew what they have. */
void site_live(int64_t ms, int first, int last);
const char *site_uuid(int vm);
void site_forget(int vm); /* the VM's seen and its product are of a new start */
int64_t site_held(int server);
int64_t site_occupied(void);
struct broker_counters site_counters(void);

#endif
