/* wireguard-go, by its control socket.  One connection serves all requests: a process that has lost its rights or the
 * file system could make no other one. */
#include "netlink_linux.h"
#include "wg_internal.h"
#include "wg_process.h"
#include "wg_uapi.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKETS	   "/var/run/wireguard"
#define SILENCE_MS 2000	 /* nothing comes, or is taken */
#define ANSWER_MS  6000	 /* the whole answer */
#define START_MS   10000 /* until a new one listens */
#define PIECE	   16384

struct userspace {
	struct wg wg;
	struct netlink *route;
	int fd;	   /* -1: lost */
	bool owed; /* the answer to a request that was given up */
};

static const char program_name[] = "wireguard-go";

/* -- the connection --------------------------------------------------------------------------------- */
/* @return VMP_OK; VMP_ENOENT: nobody listens; VMP_EACCES, VMP_EIO. */
static int reach(const char *name, int *out, struct vmp_msg *msg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), why;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock", SOCKETS, name);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		*out = fd;
		return VMP_OK;
	}
	why = errno;
	if (fd >= 0)
		close(fd);
	return vmp_fail(msg,
			why == ENOENT || why == ECONNREFUSED ? VMP_ENOENT
			: why == EACCES || why == EPERM	     ? VMP_EACCES
							     : VMP_EIO,
			"cannot connect to %s of %s: %s", address.sun_path, program_name, strerror(why));
}

static void lose(struct userspace *us)
{
	if (us->fd >= 0)
		close(us->fd);
	us->fd = -1;
	us->owed = false;
}

/* @return 0; ETIMEDOUT. */
static int await(int fd, short events, long long until)
{
	long long now = wg_process_now(), left = until - now < SILENCE_MS ? until - now : SILENCE_MS;
	struct pollfd one = { .fd = fd, .events = events };
	int rc;

	do {
		rc = poll(&one, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : ETIMEDOUT;
}

/* @return 0, errno; at most SILENCE_MS go by without any of it being taken. */
static int send_text(int fd, const struct wg_uapi_text *text, long long until)
{
	size_t at = 0;

	while (at < text->len) {
		ssize_t n = send(fd, text->text + at, text->len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return errno;
		else if (errno == EAGAIN && await(fd, POLLOUT, until) != 0)
			return ETIMEDOUT;
	}
	return 0;
}

enum ended { TAKEN, LATE, CLOSED, NONSENSE };

/* Read one answer.  LATE: not all of it in time. */
static enum ended take_answer(int fd, struct wg_uapi_answer *answer, long long until, int *err, struct vmp_msg *msg)
{
	char piece[PIECE];
	enum ended ended = TAKEN;
	bool any = false;
	ssize_t n;

	*err = VMP_OK;
	while (!answer->ended && *err == VMP_OK && ended == TAKEN) {
		n = recv(fd, piece, sizeof(piece), 0);
		if (n > 0) {
			*err = wg_uapi_take(answer, piece, (size_t)n, msg);
			explicit_bzero(piece, (size_t)n);
			any = true;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			ended = any ? NONSENSE : CLOSED;
		} else if (errno == EAGAIN && await(fd, POLLIN, until) != 0) {
			ended = any ? NONSENSE : LATE;
		}
	}
	wg_uapi_wipe(answer);
	return *err == VMP_OK ? ended : NONSENSE;
}

/* One that comes too late is not taken for the answer to what is asked now. */
static enum ended pass_over(struct userspace *us, long long until)
{
	struct wg_list nobody = { .n = 0 };
	struct wg_uapi_answer answer = { .list = &nobody };
	enum ended ended = TAKEN;
	int err;

	if (us->owed)
		ended = take_answer(us->fd, &answer, until, &err, NULL);
	us->owed = us->owed && ended != TAKEN;
	wg_list_clear(&nobody);
	return ended;
}

static enum ended talk(struct userspace *us, const struct wg_uapi_text *text, struct wg_uapi_answer *answer, int *err,
		       struct vmp_msg *msg)
{
	long long until = wg_process_now() + ANSWER_MS;
	enum ended ended = pass_over(us, until);
	int why;

	*err = VMP_OK;
	if (ended != TAKEN)
		return ended;
	why = send_text(us->fd, text, until);
	if (why != 0)
		return why == ETIMEDOUT ? NONSENSE : CLOSED;
	ended = take_answer(us->fd, answer, until, err, msg);
	us->owed = ended == LATE;
	return ended;
}

/* A connection that was closed before, as an earlier error makes it do, is made anew once. */
static int ask_again(struct userspace *us, const struct wg_uapi_text *text, struct wg_uapi_answer *answer,
		     enum ended *ended, struct vmp_msg *msg)
{
	int err = VMP_OK, tries;

	*ended = CLOSED;
	for (tries = 0; tries < 2 && err == VMP_OK && *ended == CLOSED; tries++) {
		if (us->fd < 0)
			err = reach(us->wg.name, &us->fd, msg);
		if (err == VMP_OK)
			*ended = talk(us, text, answer, &err, msg);
		if (us->fd >= 0 && (*ended == CLOSED || *ended == NONSENSE))
			lose(us);
	}
	return err;
}

static int judge(const struct userspace *us, const char *what, int err, enum ended ended, int refused,
		 const struct vmp_msg *why, struct vmp_msg *msg)
{
	if (err == VMP_EINVAL)
		return vmp_fail(msg, VMP_EIO, "cannot %s %s: %s does not speak its protocol: %s", what, us->wg.name,
				program_name, why->text);
	if (err != VMP_OK)
		return vmp_fail(msg, err == VMP_ENOENT ? VMP_EIO : err, "cannot %s %s: %s", what, us->wg.name,
				why->text);
	if (ended != TAKEN)
		return vmp_fail(msg, VMP_EIO, "cannot %s %s: %s %s", what, us->wg.name, program_name,
				ended == CLOSED ? "has closed the connection" : "does not answer in time");
	if (refused)
		return vmp_fail(msg, VMP_EIO, "cannot %s %s: %s refused: %s", what, us->wg.name, program_name,
				strerror(refused));
	return VMP_OK;
}

/* Ask, and free the text. */
static int ask(struct userspace *us, struct wg_uapi_text *text, struct wg_uapi_answer *answer, const char *what,
	       struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	enum ended ended;
	int err;

	if (!text)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	err = ask_again(us, text, answer, &ended, &why);
	wg_uapi_free(text);
	return judge(us, what, err, ended, answer->refused, &why, msg);
}

/* Without an answer but whether it is done. */
static int tell(struct wg *wg, struct wg_uapi_text *text, const char *what, struct vmp_msg *msg)
{
	struct wg_uapi_answer answer = { .list = NULL };

	return ask((struct userspace *)wg, text, &answer, what, msg);
}

/* -- requests --------------------------------------------------------------------------------------- */
static int userspace_list(struct wg *wg, struct wg_list *list, struct vmp_msg *msg)
{
	struct wg_uapi_answer answer = { .list = list };

	return ask((struct userspace *)wg, wg_uapi_get(), &answer, "read the peers of", msg);
}

/* Even the port that it has already would make wireguard-go close its socket and open it anew, and lose packets. */
static int userspace_device_set(struct wg *wg, const uint8_t *private_key, uint16_t port, uint32_t mark,
				struct vmp_msg *msg)
{
	struct wg_list nobody = { .n = 0 };
	struct wg_uapi_answer answer = { .list = &nobody };
	int err = ask((struct userspace *)wg, wg_uapi_get(), &answer, "look at", msg);

	wg_list_clear(&nobody);
	if (err != VMP_OK)
		return err;
	return tell(wg, wg_uapi_device(private_key, answer.port == port ? NULL : &port, mark), "set up", msg);
}

static int userspace_peer_set(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg)
{
	return tell(wg, wg_uapi_peer(peer, what), "set a peer of", msg);
}

static int userspace_peer_remove(struct wg *wg, const uint8_t *key, struct vmp_msg *msg)
{
	return tell(wg, wg_uapi_remove(key), "remove a peer of", msg);
}

/* -- the interface ------------------------------------------------------------------------------------ */
static void userspace_free(struct userspace *us)
{
	lose(us);
	netlink_close(us->route);
	free(us);
}

static int userspace_new(const char *name, struct userspace **out, struct vmp_msg *msg)
{
	struct userspace *us = calloc(1, sizeof(*us));
	int err;

	if (!us)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	us->wg.driver = &wg_userspace;
	us->fd = -1;
	memcpy(us->wg.name, name, strlen(name) + 1);
	err = netlink_open(NETLINK_ROUTE, &us->route, msg);
	if (err != VMP_OK) {
		free(us);
		return err;
	}
	*out = us;
	return VMP_OK;
}

/* Its socket may be another network namespace's: the interface says whether it is in this one. */
static int reach_own(struct userspace *us, struct vmp_msg *msg)
{
	int index = netlink_index(us->route, us->wg.name);

	if (index == -ENODEV)
		return vmp_fail(msg, VMP_ENOENT, "there is no interface %s", us->wg.name);
	if (index < 0)
		return netlink_fail(msg, index, "cannot look for interface", us->wg.name);
	return reach(us->wg.name, &us->fd, msg);
}

static int userspace_find(const char *name, struct wg **out, struct vmp_msg *msg)
{
	struct userspace *us = NULL;
	int err = userspace_new(name, &us, msg);

	if (err != VMP_OK)
		return err;
	err = reach_own(us, msg);
	if (err == VMP_OK)
		*out = &us->wg;
	else
		userspace_free(us);
	return err;
}

/* Somebody who has the name's socket, but no interface here, is in another network namespace. */
static int nobody_has(const char *name, struct vmp_msg *msg)
{
	int fd, err = reach(name, &fd, msg);

	if (err == VMP_ENOENT)
		return VMP_OK;
	if (err != VMP_OK)
		return err;
	close(fd);
	return vmp_fail(msg, VMP_EIO,
			"%s/%s.sock is that of an interface in another network namespace: take another name, or give "
			"this namespace a /var/run/wireguard of its own",
			SOCKETS, name);
}

/* The socket is there before somebody serves it, and whoever comes in between is sent away. */
static int try_out(struct userspace *us, struct vmp_msg *msg)
{
	struct wg_list nobody = { .n = 0 };
	int err = us->fd < 0 ? reach_own(us, msg) : VMP_OK;

	if (err == VMP_OK)
		err = userspace_list(&us->wg, &nobody, msg);
	wg_list_clear(&nobody);
	return err;
}

static int start(struct userspace *us, const char *program, struct vmp_msg *msg)
{
	long long until = wg_process_now() + START_MS;
	int err = nobody_has(us->wg.name, msg);

	if (err == VMP_OK)
		err = wg_process_start(program, us->wg.name, msg);
	if (err != VMP_OK)
		return err;
	for (err = try_out(us, msg); (err == VMP_ENOENT || err == VMP_EIO) && wg_process_now() < until;
	     err = try_out(us, msg))
		wg_process_pause();
	return err == VMP_ENOENT ? VMP_EIO : err;
}

static int userspace_make(const char *name, const char *program, struct wg **out, struct vmp_msg *msg)
{
	struct userspace *us = NULL;
	int err = userspace_new(name, &us, msg);

	if (err != VMP_OK)
		return err;
	err = start(us, program, msg);
	if (err == VMP_OK)
		*out = &us->wg;
	else
		userspace_free(us);
	return err;
}

/* wireguard-go ends with its interface, and takes its socket along: the next one is not to find either. */
static void await_end(struct userspace *us)
{
	long long until = wg_process_now() + SILENCE_MS;
	char octet;

	while (us->fd >= 0 && await(us->fd, POLLIN, until) == 0) {
		ssize_t n = recv(us->fd, &octet, 1, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
}

static void userspace_close(struct wg *wg, bool destroy)
{
	struct userspace *us = (struct userspace *)wg;

	if (destroy && netlink_remove(us->route, wg->name) == 0)
		await_end(us);
	userspace_free(us);
}

const struct wg_driver wg_userspace = { .name = program_name,
					.find = userspace_find,
					.make = userspace_make,
					.close = userspace_close,
					.device_set = userspace_device_set,
					.peer_set = userspace_peer_set,
					.peer_remove = userspace_peer_remove,
					.list = userspace_list };
