/* A small site for the store's suites: tenants, hosts, templates, and guests by number. */
#ifndef WORLD_H
#define WORLD_H

#include "scratch.h"
#include "store_guest.h"

extern struct vmp_store *world;	     /**< open to write */
extern struct vmp_clock world_clock; /**< stands still until a test moves it */
extern struct vmp_msg world_msg;     /**< of the last call that failed */
extern struct vmp_join world_join;   /**< of the last world_start() */
extern struct vmp_enrolment world_enrolment;

/** Tenants default and acme; enclave east; COIs web, app (open) and gold (acme's); hosts hv1, hv2; templates web (COI
 * web, makes VMs), gold (acme, east, COI gold) and gw (a gateway, COI web). */
void world_setup(void);
void world_teardown(void);

void world_begin(void);
/** Commit after VMP_OK, else roll back.  @return err. */
int world_end(int err);
/** A call that writes, in a transaction of its own. */
#define WRITE(call) (world_begin(), world_end(call))

/** 52:54:00:00:00:NN, and a UUID that ends in the same. */
uint64_t world_mac(int n);
const char *world_uuid(int n);
/** 32 octets of one value: a token's hash, a key's digest. */
const uint8_t *world_32(int n);
/** A serial number that ends in n. */
const uint8_t *world_serial(int n);
/** The same in hexadecimal. */
const char *world_hex(int n);
/** A WireGuard key. */
const char *world_key(int n);

/** Start guest n; its token is number n.  @param host  0: an administrator. */
int world_start(int n, const char *template_name, int64_t host);
/** Check a token with a key, and have certificate number serial, which begins now and lasts an hour. */
int world_enrol(int token, int key, int serial);
int world_identify(int serial, struct vmp_identity *who);
/** A guest with a certificate (number n) in use and an entry in the directory. */
void world_guest(int n, const char *template_name);

#endif
