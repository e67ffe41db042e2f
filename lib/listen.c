#include "listen.h"
#include "inifile.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define KIND (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* The text before the last colon, without brackets. @return the port, or NULL. */
static const char *split(const char *address, char *host, size_t room)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	bool bracket = len >= 2 && address[0] == '[' && address[len - 1] == ']';

	if (len == 0 || len >= room || !colon[1] || (!bracket && memchr(address, ':', len)))
		return NULL;
	memcpy(host, address + bracket, len - 2 * bracket);
	host[len - 2 * bracket] = '\0';
	return colon + 1;
}

/* Nothing is looked up: numbers alone. */
static int parse(const char *address, struct addrinfo **out, struct vmp_msg *msg)
{
	static const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
					       .ai_socktype = SOCK_STREAM };
	char host[INET6_ADDRSTRLEN + 20];
	const char *port = split(address, host, sizeof(host));

	if (!port || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 ||
	    strtoul(port, NULL, 10) > UINT16_MAX || getaddrinfo(host, port, &hints, out) != 0)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected ADDRESS:PORT, such as 192.0.2.1:8443 or [::]:8443",
				address);
	return VMP_OK;
}

int vmp_listen_check(const char *address, struct vmp_msg *msg)
{
	struct addrinfo *info;
	int err = parse(address, &info, msg);

	if (err == VMP_OK)
		freeaddrinfo(info);
	return err;
}

static int listen_at(const struct addrinfo *info, int backlog)
{
	int on = 1, off = 0, fd = socket(info->ai_family, SOCK_STREAM | KIND, 0);

	if (fd < 0)
		return -1;
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	/* The sockets that it accepts inherit TCP_NODELAY: an answer is several TLS records, and would wait for an ACK.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, backlog) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/* The processes of an instance that was killed a moment ago may not have ended yet. */
static int listen_in_time(const struct addrinfo *info, int backlog)
{
	static const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int tries = 100, fd;

	do {
		fd = listen_at(info, backlog);
	} while (fd < 0 && errno == EADDRINUSE && --tries > 0 && nanosleep(&pause, NULL) == 0);
	return fd;
}

int vmp_listen_tcp(const char *address, int backlog, int *fd, struct vmp_msg *msg)
{
	struct addrinfo *info;
	int err = parse(address, &info, msg);

	if (err != VMP_OK)
		return err;
	*fd = listen_in_time(info, backlog);
	if (*fd < 0)
		err = vmp_fail(msg, VMP_EIO, "cannot listen on %s: %s", address, strerror(errno));
	freeaddrinfo(info);
	return err;
}

int vmp_listen_list(const char *list, int backlog, int *fds, int *n, struct vmp_msg *msg)
{
	char word[VMP_INI_TEXT];
	int err = VMP_OK;

	while (err == VMP_OK && vmp_ini_word(&list, word, sizeof(word))) {
		err = vmp_listen_tcp(word, backlog, &fds[*n], msg);
		*n += err == VMP_OK;
	}
	return err;
}

static int make_folder_of(const char *path, struct vmp_msg *msg)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (*folder && mkdir(folder, 0755) != 0 && errno != EEXIST)
		return vmp_fail(msg, VMP_EIO, "cannot make %s: %s", folder, strerror(errno));
	return VMP_OK;
}

/* Whoever listened there has gone, or still does? */
static int clear_stale(const struct sockaddr_un *at, struct vmp_msg *msg)
{
	struct stat st;
	int fd, why;

	if (lstat(at->sun_path, &st) != 0)
		return VMP_OK;
	if (!S_ISSOCK(st.st_mode))
		return vmp_fail(msg, VMP_EEXIST, "%s: is there, and no socket", at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | KIND, 0);
	if (fd < 0)
		return vmp_fail(msg, VMP_EIO, "cannot make a socket: %s", strerror(errno));
	why = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? 0 : errno;
	close(fd);
	if (why != ECONNREFUSED)
		return vmp_fail(msg, VMP_EEXIST, "%s: somebody listens there already%s%s", at->sun_path,
				why ? ": " : "", why ? strerror(why) : "");
	unlink(at->sun_path);
	return VMP_OK;
}

static int listen_in(const struct sockaddr_un *at, unsigned gid, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | KIND, 0), why;
	mode_t mask;

	if (fd < 0)
		return -1;
	/* Not even for a moment open to others. */
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0) {
		umask(mask);
		if ((gid == (unsigned)-1 || chown(at->sun_path, (uid_t)-1, gid) == 0) &&
		    chmod(at->sun_path, 0660) == 0 && listen(fd, backlog) == 0)
			return fd;
		why = errno;
		unlink(at->sun_path);
		errno = why;
	}
	why = errno;
	umask(mask);
	close(fd);
	errno = why;
	return -1;
}

int vmp_listen_unix(const char *path, unsigned gid, int backlog, int *fd, struct vmp_msg *msg)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu octets", path, sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path));
	err = make_folder_of(path, msg);
	if (err == VMP_OK)
		err = clear_stale(&at, msg);
	if (err != VMP_OK)
		return err;
	*fd = listen_in(&at, gid, backlog);
	return *fd >= 0 ? VMP_OK : vmp_fail(msg, VMP_EIO, "cannot listen on %s: %s", path, strerror(errno));
}
