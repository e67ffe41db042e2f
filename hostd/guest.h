/** A guest: a virtual system on this host, with its interfaces. */
#ifndef GUEST_H
#define GUEST_H

#include "mac.h"
#include "nic.h"
#include "pki.h"

#include <net/if.h>
#include <stdbool.h>

struct event;

#define GUEST_NICS     16
#define GUEST_NAME     128 /**< [octets] of a name and its NUL; longer ones are cut */
#define GUEST_TEMPLATE 65

/** Who says that a guest is there. */
enum guest_source { GUEST_LIBVIRT, GUEST_NETLINK, GUEST_SOURCES };

/** One interface, as its source describes it. */
struct guest_nic {
	uint64_t mac;
	char bridge[IF_NAMESIZE]; /**< whose port it is; or empty, and direct is the device below it (macvtap) */
	char direct[IF_NAMESIZE];
	char port[IF_NAMESIZE]; /**< the tap, if it is known */
};

/** What a source knows of a guest. */
struct guest_info {
	enum guest_source source;
	char uuid[VMP_UUID_TEXT]; /**< in lower case */
	char name[GUEST_NAME];
	char template_name[GUEST_TEMPLATE]; /**< "": it has none, and policyd is told nothing of it */
	char cidata[256];		    /**< the path of the CD-ROM that is to be its cidata, "": none (libvirt) */
	struct guest_nic nic[GUEST_NICS];
	int n_nic;
};

/** How it came. */
enum guest_arrival {
	GUEST_STARTED,	/**< it starts now */
	GUEST_FOUND,	/**< it ran before we looked: after a restart of hostd or of its source */
	GUEST_INCOMING, /**< a migration brings it; it does not run here yet */
	GUEST_MIGRATED, /**< a migration has brought it, it runs here now */
	GUEST_CHANGED	/**< the same guest with other interfaces */
};

/** How it went. */
enum guest_departure {
	GUEST_STOPPED, /**< shut off, destroyed, crashed, removed */
	GUEST_LEFT     /**< a migration has taken it elsewhere: policyd hears of it there */
};

/** Where policyd stands with it. */
enum guest_report { GUEST_UNREPORTED, GUEST_REPORTING, GUEST_REPORTED, GUEST_REFUSED };

struct guest {
	struct guest *next;
	struct guest_info info;
	struct nic *nic[GUEST_NICS]; /**< of info.nic, same index; NULL: not served */
	bool held[GUEST_NICS];	     /**< an operator has logged it off, and it has no uplink now */
	bool refused;		     /**< an address of it is another's */
	enum guest_report report;
	bool prepared;		  /**< known from the hook, does not run yet */
	bool incoming;		  /**< a migration brings it */
	bool announced;		  /**< a migration to here was announced while we took it for here */
	bool seen;		  /**< in the synchronization that goes on */
	uint64_t since;		  /**< [ms] loop_now() */
	struct event *timer;	  /**< the hook's patience, the wait for policyd, or another try to report */
	unsigned tries;		  /**< reports that policyd has not answered */
	bool attached;		  /**< its stored definition was asked to get a cidata volume */
	bool found;		  /**< it ran before we reported it: what it was given stays as it is */
	bool waiting;		  /**< its interfaces wait for policyd's answer */
	enum nic_urgency urgency; /**< with which they go then */
	void (*prepared_fn)(void *ctx, int err, const char *why); /**< the hook that waits; NULL: none */
	void *prepared_ctx;
	char last_error[VMP_MSG_MAX]; /**< of policyd or cidata; "" */
};

/* What sources say. */
/** A guest is there, or is there with other interfaces.  Makes it, or brings it to this state; the same again is
 * nothing. */
void guest_present(const struct guest_info *info, enum guest_arrival how);
/** It has gone.  One that is not known is no error, and one that is about to start has not: it is old news. */
void guest_gone(enum guest_source source, const char *uuid, enum guest_departure how);
/** All guests of a source are about to be told by guest_present(); after the end, those that were not have gone. */
void guest_sync_begin(enum guest_source source);
void guest_sync_end(enum guest_source source);

/* The hook. */
typedef void (*guest_prepared_fn)(void *ctx, int err, const char *why);
/** It is about to start: report it, and lay out its cidata.  done is called once, perhaps before this returns. */
void guest_prepare(const struct guest_info *info, guest_prepared_fn done, void *ctx);
/** It was prepared, and its start has failed. */
void guest_release(const char *uuid);

/* What operators ask. */
struct guest *guest_first(void);
/** By UUID, name, or a MAC address of its in any form; NULL. */
struct guest *guest_find(const char *what);
/** How many. */
unsigned guest_count(void);

/** The bridges of uplinks have changed: interfaces find their uplinks anew. */
void guests_rewire(void);
void guests_init(void);
void guests_free(void);

#endif
