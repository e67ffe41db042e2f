/** Sessions: what the commands about them share. */
#ifndef SESSION_H
#define SESSION_H

#include "cli.h"
#include "store_session.h"

struct session_request {
	const struct cli *cli;
	struct vmp_store *policy, *sessions;
	const char *nas, *vm; /**< as typed; NULL: not given */
	bool past;
	int wait_s; /**< 0: do not wait */
	int argc;   /**< operands */
	char **argv;
	int64_t now;
	struct vmp_msg msg;
};

/** Ask policyd to have sessions taken down, or authorized anew. */
int session_disconnect(struct session_request *req);
int session_reauth(struct session_request *req);

#endif
