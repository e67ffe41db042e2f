/** CONNECT requests and their answers (RFC 9110 sections 9.3.6 and 7.6.3, RFC 9112), as octets; no input or output.
 *
 * The reader is strict: what is read here decides who is connected to what, and the next relay reads it again.
 */
#ifndef CONNECT_H
#define CONNECT_H

#include "authority.h"

#include <stdbool.h>

#define CONNECT_HEAD	 8192 /**< [octets] of a request's or an answer's head at most */
#define CONNECT_HEADERS	 64   /**< header lines at most */
#define CONNECT_VIA	 16   /**< entries of Via at most */
#define CONNECT_ID	 65   /**< an entry's name and its NUL */
#define CONNECT_SENTENCE 257  /**< what is read of an answer's body, and a NUL */

struct connect_request {
	char authority[AUTHORITY_TEXT];
	int n_via;
	char via[CONNECT_VIA][CONNECT_ID]; /**< whom it came through, the first one first */
};

struct connect_answer {
	int status;
	char sentence[CONNECT_SENTENCE]; /**< the first line of the body; "" */
};

/** Can it stand in Via: 1 to 64 of A-Z a-z 0-9 - . : _ ? */
bool connect_is_id(const char *text, size_t len);

/** Read a request's head.
 * @param text  what has come so far.
 * @param out   undefined unless the whole head was read.
 * @param head  set to the head's length when all of it is there.
 * @return 200: it was read; 0: more is needed; else the status to refuse it with, and why:
 * 400; 405: another method; 431: the head is too long; 505: another version. */
VMP_CHECKED int connect_read(const char *text, size_t len, struct connect_request *out, size_t *head,
			     struct vmp_msg *why);

/** Read an answer; for a status other than 2xx with its body, of which the first line is kept.
 * @param used  set to the length of what was read.
 * @return VMP_OK; VMP_ENOENT: more is needed; VMP_EINVAL: not an answer to CONNECT, or its head is too long. */
VMP_CHECKED int connect_read_answer(const char *text, size_t len, struct connect_answer *out, size_t *used,
				    struct vmp_msg *why);

/** Write a request that goes on: its Via, and id behind it. @return the length; 0: more than room. */
VMP_CHECKED size_t connect_write(const struct connect_request *request, const char *id, char *out, size_t room);

/** Write an answer. @param sentence  for the body of a refusal; NULL with 200. @return the length; 0: more than room.
 */
VMP_CHECKED size_t connect_write_answer(int status, const char *sentence, char *out, size_t room);

#endif
