#include "client.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define USUAL_S	   30
#define ANSWER_MAX (64 * 1024 * 1024) /* [octets] */
#define PIECE	   65536

static int connect_to(const char *path, int seconds, int *out, struct vmp_msg *msg)
{
	const struct timeval wait = { .tv_sec = seconds };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(address.sun_path))
		return vmp_fail(msg, VMP_EIO, "%s: expected a path of at most %zu octets", path,
				sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return vmp_fail(msg, VMP_EIO, "socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		int err = errno;

		close(fd);
		return vmp_fail(msg, VMP_EIO, "hostd cannot be reached: %s: %s", path, strerror(err));
	}
	*out = fd;
	return VMP_OK;
}

static const char *why_not(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK ? "it does not answer in time" : strerror(err);
}

static int send_all(int fd, const char *text, size_t len, struct vmp_msg *msg)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* It may have said why before it hung up. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return VMP_OK;
		if (n < 0)
			return vmp_fail(msg, VMP_EIO, "hostd: %s", why_not(errno));
		text += n;
		len -= (size_t)n;
	}
	return VMP_OK;
}

static int send_request(int fd, json_t *request, struct vmp_msg *msg)
{
	size_t len = json_dumpb(request, NULL, 0, JSON_COMPACT);
	char *line = len > 0 && len < ANSWER_MAX ? malloc(len + 1) : NULL;
	int err;

	if (!line)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	json_dumpb(request, line, len, JSON_COMPACT);
	line[len] = '\n';
	err = send_all(fd, line, len + 1, msg);
	explicit_bzero(line, len);
	free(line);
	return err;
}

/* One more piece of the line. @return VMP_OK with *len grown. */
static int receive_piece(int fd, char **line, size_t *len, struct vmp_msg *msg)
{
	char *more = *len < ANSWER_MAX ? realloc(*line, *len + PIECE) : NULL;
	ssize_t n;

	if (!more)
		return vmp_fail(msg, VMP_EIO, "hostd's answer is too long");
	*line = more;
	do
		n = recv(fd, more + *len, PIECE, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return vmp_fail(msg, VMP_EIO, "hostd: %s", n < 0 ? why_not(errno) : "it has hung up");
	*len += (size_t)n;
	return VMP_OK;
}

static int receive(int fd, json_t **answer, struct vmp_msg *msg)
{
	char *line = NULL;
	size_t len = 0;
	int err;

	do
		err = receive_piece(fd, &line, &len, msg);
	while (err == VMP_OK && line[len - 1] != '\n');
	if (err == VMP_OK)
		*answer = json_loadb(line, len, 0, NULL);
	if (err == VMP_OK && !json_is_object(*answer)) {
		json_decref(*answer);
		err = vmp_fail(msg, VMP_EIO, "hostd's answer is no JSON");
	}
	free(line);
	return err;
}

static int error_in(const json_t *answer, struct vmp_msg *msg)
{
	static const struct {
		const char *code;
		int err;
	} codes[] = { { "not-found", VMP_ENOENT }, { "invalid", VMP_EINVAL } };
	const char *why = json_string_value(json_object_get(answer, "error"));
	const char *code = json_string_value(json_object_get(answer, "code"));
	int err = VMP_EACCES;
	size_t i;

	if (!why)
		return VMP_OK;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (code && strcmp(codes[i].code, code) == 0)
			err = codes[i].err;
	}
	return vmp_fail(msg, err, "%s", why);
}

int client_ask(const char *socket, json_t *request, int seconds, json_t **answer, struct vmp_msg *msg)
{
	int fd = -1, err = request ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");
	const char *secret = json_string_value(json_object_get(request, "token"));

	*answer = NULL;
	if (err == VMP_OK)
		err = connect_to(socket, seconds, &fd, msg);
	if (err == VMP_OK)
		err = send_request(fd, request, msg);
	if (err == VMP_OK)
		err = receive(fd, answer, msg);
	if (fd >= 0)
		close(fd);
	if (secret)
		explicit_bzero((void *)(uintptr_t)secret, strlen(secret));
	json_decref(request);
	if (err == VMP_OK && (err = error_in(*answer, msg)) != VMP_OK) {
		json_decref(*answer);
		*answer = NULL;
	}
	return err;
}

int client_fail(int err, const struct vmp_msg *msg)
{
	enum cli_exit code = CLI_REFUSED;

	if (err == VMP_ENOENT)
		code = CLI_NOT_FOUND;
	else if (err == VMP_EIO)
		code = CLI_AWAY;
	return cli_fail(code, "%s", msg->text);
}

int client_get(const struct cli *cli, json_t *request, json_t **answer)
{
	struct vmp_msg msg = { "" };
	int err = client_ask(cli->socket, request, USUAL_S, answer, &msg);

	return err == VMP_OK ? CLI_OK : client_fail(err, &msg);
}
