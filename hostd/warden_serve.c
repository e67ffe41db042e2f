/* The parent's end.  It takes nothing on trust that the guests process says. */
#include "fence.h"
#include "log.h"
#include "packet_linux.h"
#include "warden.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_configured(const struct config *config, const char *name)
{
	int i;

	for (i = 0; i < config->n_uplink; i++) {
		if (strcmp(config->uplink[i].name, name) == 0)
			return true;
	}
	return false;
}

static int open_socket(const struct config *config, const struct warden_request *request, int *fd, struct vmp_msg *msg)
{
	if (!is_configured(config, request->name[0]))
		return vmp_fail(msg, VMP_EACCES, "%s: no uplink of the configuration", request->name[0]);
	return packet_listen(request->name[0], fd, msg);
}

static int put_fence(const struct config *config, const struct warden_request *request, struct vmp_msg *msg)
{
	const char *name[CONFIG_UPLINKS];
	size_t i;

	if (!config->fence)
		return vmp_fail(msg, VMP_EACCES, "the configuration has no fence");
	if (request->n_port > CONFIG_UPLINKS || request->n_alone > CONFIG_UPLINKS - request->n_port)
		return vmp_fail(msg, VMP_EINVAL, "fence: too many names");
	for (i = 0; i < request->n_port + request->n_alone; i++) {
		name[i] = request->name[i];
		if (!is_configured(config, name[i]))
			return vmp_fail(msg, VMP_EACCES, "fence: a name is no uplink of the configuration");
	}
	return fence_put(name, request->n_port, name + request->n_port, request->n_alone, msg);
}

static int answer(int to, const struct warden_reply *reply, int fd, struct vmp_msg *msg)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { (void *)(uintptr_t)reply, sizeof(*reply) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* It asks again only when it has this: there is room. */
	if (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*reply))
		return vmp_fail(msg, errno == EPIPE ? VMP_ENOENT : VMP_EIO, "it takes no answer: %s", strerror(errno));
	return VMP_OK;
}

int warden_serve(int fd, const struct config *config, struct vmp_msg *msg)
{
	struct warden_request request;
	struct warden_reply reply = { .err = VMP_EINVAL };
	ssize_t n = recv(fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
	int i, passed = -1, err;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return VMP_OK;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return vmp_fail(msg, VMP_ENOENT, "the guests process has gone");
	if (n != sizeof(request))
		return vmp_fail(msg, VMP_EINVAL, "it asks for what there is not");
	for (i = 0; i < CONFIG_UPLINKS; i++)
		request.name[i][IF_NAMESIZE - 1] = '\0';
	reply.what = request.what;
	if (request.what == WARDEN_OPEN)
		reply.err = open_socket(config, &request, &passed, &reply.msg);
	else if (request.what == WARDEN_FENCE)
		reply.err = put_fence(config, &request, &reply.msg);
	else
		return vmp_fail(msg, VMP_EINVAL, "it asks for what there is not");
	err = answer(fd, &reply, passed, msg);
	if (passed >= 0)
		close(passed);
	return err;
}

void warden_unfence(void)
{
	struct vmp_msg msg;

	if (fence_remove(&msg) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "fence-stays", "why", msg.text, NULL);
}
