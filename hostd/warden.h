/** What the guests process asks the parent for: one SOCK_SEQPACKET datagram a request, one a reply, in order. */
#ifndef WARDEN_H
#define WARDEN_H

#include "config.h"
#include "err.h"

enum warden_do { WARDEN_OPEN = 1, WARDEN_FENCE = 2 };

/** Names are NUL-terminated, and checked by the parent: interfaces that are configured as uplinks. */
struct warden_request {
	uint32_t what;	  /**< enum warden_do */
	uint32_t n_port;  /**< fence: so many ports of a bridge, which forwards no EAPOL from and to them */
	uint32_t n_alone; /**< fence: so many others, whose EAPOL goes no further than hostd, and is its alone */
	char name[CONFIG_UPLINKS][IF_NAMESIZE]; /**< open: [0].  fence: ports, then the others */
};

/** With WARDEN_OPEN and err VMP_OK comes the packet socket (SCM_RIGHTS), non-blocking, that sees EAPOL of that
 * interface alone and nothing that the host itself sends. */
struct warden_reply {
	uint32_t what;
	int32_t err;
	struct vmp_msg msg;
};

/* The guests process's end. */
typedef void (*warden_fn)(void *ctx, int err, int fd, const char *why);
struct event_base;

/** @param fd  taken. A parent that goes away ends this process. */
VMP_CHECKED int warden_open(struct event_base *base, int fd, struct vmp_msg *msg);
/** Ask for an uplink's packet socket; done is called once, with a descriptor that is the callee's. */
void warden_ask_socket(const char *uplink, warden_fn done, void *ctx);
/** Put the fence round these, in the place of the one before; none of either takes it down. */
void warden_ask_fence(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone, warden_fn done,
		      void *ctx);

/** End it; what was asked and not answered is forgotten. */
void warden_close(void);

/* The parent's end (warden_serve.c). */
/** Answer one request. @return VMP_OK; VMP_ENOENT: the guests process has gone; else it speaks nonsense. */
VMP_CHECKED int warden_serve(int fd, const struct config *config, struct vmp_msg *msg);
/** Take the fence down; for the stop. */
void warden_unfence(void);

#endif
