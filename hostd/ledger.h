/** The guests that policyd was told of, and their ends that it has not taken yet: a file for each.
 *
 * DIRECTORY/reported/UUID has a line of JSON: {"mac", "name", "source", "state": "running" | "stopped"}.  Before
 * policyd has answered the first report, the file's name is UUID.asked.  One that is not that is set aside as UUID.bad.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "guest.h"

#define LEDGER_LINE_MAX 1024 /**< [octets] of a file */

struct ledger_entry {
	struct ledger_entry *next, *same_bucket;
	char uuid[VMP_UUID_TEXT];
	uint64_t mac;
	char name[GUEST_NAME];
	enum guest_source source;
	bool told;    /**< policyd has answered a report of it */
	bool stopped; /**< it has ended, and policyd is to be told */
	bool on_disk; /**< stopped stands in the file as well */
	uint64_t due; /**< [ms] loop_now() when its end is told next; report.c's */
	unsigned tries;
};

/** Read what is there; the directory is made if it is not. */
VMP_CHECKED int ledger_open(const char *directory, struct vmp_msg *msg);
void ledger_close(void);

struct ledger_entry *ledger_find(const char *uuid);
struct ledger_entry *ledger_first(void);

/** A guest is to be reported: it is on the disk when this returns, and runs.
 * @return VMP_OK; VMP_EFULL, VMP_EIO, VMP_ENOMEM: then nothing has changed. */
VMP_CHECKED int ledger_put(const struct guest_info *guest, struct vmp_msg *msg);
/** policyd knows of it. */
void ledger_told(struct ledger_entry *entry);
/** Its end is not to be forgotten, even if it runs when we look next. */
void ledger_write_stopped(struct ledger_entry *entry);
/** @param entry  freed. */
void ledger_remove(struct ledger_entry *entry);

/** Read a file's line; pure, for the fuzzer too.  @param out  mac, name, source, stopped. @return VMP_OK; VMP_EINVAL.
 */
VMP_CHECKED int ledger_read_line(const char *text, size_t len, struct ledger_entry *out, struct vmp_msg *msg);
/** A guest's name as policyd takes one: valid UTF-8 without control characters; else "". */
void ledger_name(const char *name, char out[GUEST_NAME]);

#endif
