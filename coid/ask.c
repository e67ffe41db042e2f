#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_S	   10
#define ANSWER_MAX (64u << 20) /* [octets] */
#define PIECE	   65536

static int connect_to(const char *path, int *out, struct vmp_msg *msg)
{
	static const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return vmp_fail(msg, VMP_EIO, "socket: %s", strerror(errno));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		*out = fd;
		return VMP_OK;
	}
	vmp_fail(msg, VMP_EIO, "%s: %s; does coid run, and has it found its join bundle?", path, strerror(errno));
	close(fd);
	return VMP_EIO;
}

static int send_request(int fd, const char *path, struct vmp_msg *msg)
{
	char request[256];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);

	/* So short a request goes into any socket whole. */
	return send(fd, request, (size_t)len, MSG_NOSIGNAL) == len
		       ? VMP_OK
		       : vmp_fail(msg, VMP_EIO, "coid: %s", strerror(errno));
}

/* To the end of the connection. */
static int receive(int fd, char **out, size_t *len, struct vmp_msg *msg)
{
	for (;;) {
		char *more = *len < ANSWER_MAX ? realloc(*out, *len + PIECE + 1) : NULL;
		ssize_t n;

		if (!more)
			return vmp_fail(msg, VMP_EIO, "coid's answer is too long");
		*out = more;
		do
			n = recv(fd, more + *len, PIECE, 0);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return vmp_fail(msg, VMP_EIO, "coid: %s",
					errno == EAGAIN ? "it does not answer in time" : strerror(errno));
		*len += (size_t)n;
		more[*len] = '\0';
		if (n == 0)
			return VMP_OK;
	}
}

static int read_answer(const char *text, json_t **out, struct vmp_msg *msg)
{
	const char *body = strstr(text, "\r\n\r\n");
	int status = 0;

	if (!body || sscanf(text, "HTTP/1.%*1[01] %3d", &status) != 1)
		return vmp_fail(msg, VMP_EIO, "coid: expected an answer in HTTP");
	if (status != 200)
		return vmp_fail(msg, VMP_EIO, "coid: status %d", status);
	*out = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*out))
		return VMP_OK;
	json_decref(*out);
	*out = NULL;
	return vmp_fail(msg, VMP_EIO, "coid: expected an object in JSON");
}

int ask(const char *path_of_socket, const char *path, json_t **out, struct vmp_msg *msg)
{
	char *text = NULL;
	size_t len = 0;
	int fd = -1, err = connect_to(path_of_socket, &fd, msg);

	if (err != VMP_OK)
		return err;
	err = send_request(fd, path, msg);
	if (err == VMP_OK)
		err = receive(fd, &text, &len, msg);
	if (err == VMP_OK)
		err = read_answer(text, out, msg);
	free(text);
	close(fd);
	return err;
}
