/** coa-dialects.conf: how each make of NAS is told, and how it knows its sessions.  The file describes itself. */
#ifndef COA_DIALECT_H
#define COA_DIALECT_H

#include "inifile.h"
#include "job.h"
#include "packet.h"

#define DIALECT_PORT  3799 /**< RFC 5176 section 3 */
#define DIALECT_ATTRS 8	   /**< of one list */

enum dialect_change { DIALECT_DISCONNECT, DIALECT_COA, DIALECT_NONE };

struct dialect {
	char name[VMP_INI_SECTION + 1];
	unsigned given; /* options that the file has, bits */
	uint16_t port;
	enum dialect_change change; /**< what has a guest authenticate again */
	unsigned identify;	    /**< bit (1 << enum job_attr) */
	/* What goes with each kind of request, besides the identification. */
	size_t n_coa, n_disconnect;
	struct packet_attr coa[DIALECT_ATTRS], disconnect[DIALECT_ATTRS];
	char coa_text[VMP_INI_TEXT], disconnect_text[VMP_INI_TEXT]; /* theirs */
};

struct dialects;

/** Read the file; packet_open() comes first.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO; VMP_EINVAL with "file:line: ...". */
VMP_CHECKED int dialects_read(const char *path, struct dialects **out, struct vmp_msg *msg);
/** The same from text. */
VMP_CHECKED int dialects_text(const char *name, const char *text, size_t len, struct dialects **out,
			      struct vmp_msg *msg);
void dialects_free(struct dialects *dialects);

/** @param name  "": rfc. @return borrowed; NULL: none. */
const struct dialect *dialects_find(const struct dialects *dialects, const char *name);

#endif
