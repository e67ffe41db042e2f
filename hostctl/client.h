/** hostd's control socket, the other end. */
#ifndef CLIENT_H
#define CLIENT_H

#include "cli.h"

/** Ask one thing.
 *
 * @param request  taken; a secret in it is wiped.
 * @param seconds  longest wait for an answer.
 * @param answer   the caller's, unless an error is returned; one in hostd's words goes to msg.
 * @return VMP_OK; VMP_EIO: hostd cannot be reached or makes no sense; VMP_ENOENT: no such guest; VMP_EINVAL:
 * it does not understand; VMP_EACCES: it refuses, or has failed. */
VMP_CHECKED int client_ask(const char *socket, json_t *request, int seconds, json_t **answer, struct vmp_msg *msg);
/** The same with the usual wait; prints what is wrong. @return an exit code. */
int client_get(const struct cli *cli, json_t *request, json_t **answer);
/** The exit code for what client_ask() returns, after printing msg. */
int client_fail(int err, const struct vmp_msg *msg);

#endif
