/* A host on which nothing is real but guest.c, nic.c, uplink*.c and the supplicants: time, the event loop, interfaces,
 * policyd, the parent and two switches are the test's. */
#ifndef STAGE_H
#define STAGE_H

#include "../suites.h"
#include "guest.h"
#include "uplink.h"

#define STAGE_UPLINKS 2
#define STAGE_GUESTS  8

/* For checked fixtures.  Uplinks up0 and up1 are ports of br0 and br1, up, and have their sockets and their fence;
 * nobody is there; policyd does not answer before it is told to. */
void stage_setup(void);
void stage_teardown(void);
/* Afterwards all parts have been made anew, as when hostd is restarted: switches and policyd remember. */
void stage_restart(void);
struct config *stage_config(void);

/* Let so much time pass, and all that is due in it happen. */
void stage_pass(uint64_t ms);
/* Set the clock forward; nothing happens. */
uint64_t stage_now(void);

/* -- interfaces */
/* The uplink's carrier; its bridge, NULL: none; delete it; make it again with another index. */
void stage_carrier(int uplink, bool up);
void stage_enslave(int uplink, const char *bridge);
void stage_delete(int uplink);
void stage_create(int uplink);
/* Another one takes its name, and the end of the first goes untold. */
void stage_replace(int uplink);
/* The parent opens no sockets, or does not answer until it is false again. */
void stage_parent_away(bool away);

/* -- the switches */
struct stage_switch {
	bool deaf, reject, group;
	unsigned starts, logoffs;	   /* frames */
	uint64_t last_logoff, last_start;  /* of whom */
	bool authorized[STAGE_GUESTS + 1]; /* by number of guest; 0: the host's own */
};
extern struct stage_switch stage_switch[STAGE_UPLINKS];
/* It asks on its own for an identity. */
void stage_switch_asks(int uplink, int n);
/* It forgets a guest, and says nothing. */
void stage_switch_forgets(int uplink, int n);
/* A password, or a certificate: what there has to be to authenticate at all. */
void stage_credentials(bool there);

/* -- guests: number n has MAC address 52:54:00:00:00:0n; n from 1 */
uint64_t stage_mac(int n);
const char *stage_uuid(int n);
/* On br0, with a cidata volume and without a template; to be changed. */
struct guest_info stage_info(int n);
/* The same, told. */
void stage_tell(int n, enum guest_arrival how);
void stage_gone(int n, enum guest_departure how);
/* The hook. */
void stage_prepare(const struct guest_info *info);
/* What became of the last prepare: "" not answered yet, "good", or why not.  Answered twice is an error. */
const char *stage_prepared(void);
struct guest *stage_guest(int n);
struct nic *stage_nic(int n);
/* nic_word(); "none" */
const char *stage_word(int n);

/* -- policyd */
/* Answer the oldest report. */
void stage_answer(int err, const char *why);
unsigned stage_asked(void);
/* What it was told since the last look, in order: "starting 1, stopped 1, left 1, ". */
const char *stage_told(void);
/* It was told of a guest before. */
void stage_known(int n);
/* What its volume holds: "bundle", "nothing"; "none": there is no file. */
const char *stage_volume(int n);
/* How many times libvirt was asked to attach one. */
unsigned stage_attached(void);

/* What must hold at any time. */
void stage_check(void);

#endif
