/* The table of links, and the socket that it is fed from. */
#include "link_linux.h"
#include "log.h"
#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	       512
#define TURN_DATAGRAMS 64
#define AGAIN_MS       200 /* until everything is asked for once more, doubled for each further time ... */
#define AGAIN_MAX_MS   5000
#define CALM_MS	       60000 /* ... until nothing was lost for so long */
#define RECEIVE_BUFFER (4 * 1024 * 1024)

struct entry {
	struct entry *next;
	struct link link;
	unsigned round; /* the dump that had it last */
	bool told;
};

/* What the socket is at: links, then what bridges have learned, then what changes. */
enum stage { STAGE_LINKS, STAGE_LEARNED, STAGE_LIVE };

static struct {
	struct mnl_socket *socket;
	struct event *readable, *again;
	const struct link_events *events;
	struct entry *table[BUCKETS];
	enum stage stage;
	bool complete; /* all were told once */
	unsigned round, seq;
	uint64_t lost_at;    /* [ms] loop_now() */
	unsigned long pause; /* [ms] */
} links;

/* -- the table -------------------------------------------------------------------------------------- */
static struct entry **place(int index)
{
	struct entry **at = &links.table[(unsigned)index % BUCKETS];

	while (*at && (*at)->link.index != index)
		at = &(*at)->next;
	return at;
}

const struct link *link_by_index(int index)
{
	const struct entry *entry = *place(index);

	return entry ? &entry->link : NULL;
}

const struct link *link_by_name(const char *name)
{
	const struct entry *entry;
	unsigned i;

	for (i = 0; i < BUCKETS; i++) {
		for (entry = links.table[i]; entry; entry = entry->next) {
			if (strcmp(entry->link.name, name) == 0)
				return &entry->link;
		}
	}
	return NULL;
}

static void tell(struct entry *entry)
{
	entry->told = true;
	links.events->changed(&entry->link);
}

/* Out of the table first: nobody finds it any more. */
static void drop(struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	entry->link.gone = true;
	if (entry->told)
		tell(entry);
	free(entry);
}

static struct entry *make_entry(struct entry **at, const struct link *link)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry) {
		vmp_log(VMP_LOG_ERROR, "link-lost", "name", link->name, "why", "out of memory", NULL);
		return NULL;
	}
	entry->next = *at;
	*at = entry;
	return entry;
}

/* Until all are there they are kept and not told: one may be the port of another that comes later. */
static void take_link(const struct link *link)
{
	struct entry **at = place(link->index), *entry = *at;
	bool same = entry && memcmp(&entry->link, link, sizeof(*link)) == 0;

	if (link->gone) {
		if (entry)
			drop(at);
		return;
	}
	if (!entry && !(entry = make_entry(at, link)))
		return;
	entry->link = *link;
	entry->round = links.round;
	if (links.complete && !same)
		tell(entry);
}

static void take_learned(const struct link_learned *what)
{
	links.events->learned(what);
}

static void drop_unseen(void)
{
	struct entry **at;
	unsigned i;

	for (i = 0; i < BUCKETS; i++) {
		for (at = &links.table[i]; *at;) {
			if ((*at)->round != links.round)
				drop(at);
			else
				at = &(*at)->next;
		}
	}
}

/* What has gone first: another may have its name by now. */
static void tell_all(void)
{
	struct entry *entry;
	unsigned i;

	drop_unseen();
	links.complete = true;
	for (i = 0; i < BUCKETS; i++) {
		for (entry = links.table[i]; entry; entry = entry->next)
			tell(entry);
	}
}

/* -- the socket ------------------------------------------------------------------------------------- */
static int ask(uint16_t type, const void *head, size_t len)
{
	uint8_t room[64] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++links.seq;
	memcpy(mnl_nlmsg_put_extra_header(message, len), head, len);
	return mnl_socket_sendto(links.socket, message, message->nlmsg_len) < 0 ? VMP_EIO : VMP_OK;
}

static int ask_links(void)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };

	links.stage = STAGE_LINKS;
	links.round++;
	return ask(RTM_GETLINK, &head, sizeof(head));
}

static int ask_learned(void)
{
	struct ndmsg head = { .ndm_family = AF_BRIDGE };

	links.stage = STAGE_LEARNED;
	return ask(RTM_GETNEIGH, &head, sizeof(head));
}

/* Messages were lost, or a dump has failed: everything is asked for again, a little later.  What still comes of the old
 * dump is not of this number.  A guest that sends with ever new addresses can bring it about as often as it likes. */
static void ask_again(const char *why)
{
	uint64_t now = loop_now();
	struct timeval wait = { 0 };

	links.seq++;
	if (evtimer_pending(links.again, NULL))
		return;
	if (links.pause && now - links.lost_at < CALM_MS) {
		links.pause = links.pause * 2 < AGAIN_MAX_MS ? links.pause * 2 : AGAIN_MAX_MS;
	} else {
		links.pause = AGAIN_MS;
		vmp_log(VMP_LOG_INFO, "link-messages-lost", "why", why, NULL);
	}
	links.lost_at = now;
	wait.tv_sec = (time_t)(links.pause / 1000);
	wait.tv_usec = (suseconds_t)(links.pause % 1000 * 1000);
	event_add(links.again, &wait);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	if (ask_links() != VMP_OK)
		ask_again(strerror(errno));
}

static void dump_done(void)
{
	switch (links.stage) {
	case STAGE_LINKS:
		tell_all();
		if (links.events->learned) {
			if (ask_learned() != VMP_OK)
				ask_again(strerror(errno));
			break;
		}
		links.stage = STAGE_LIVE;
		links.events->synced();
		break;
	case STAGE_LEARNED:
		links.stage = STAGE_LIVE;
		links.events->synced();
		break;
	case STAGE_LIVE:
		break;
	}
}

static const struct link_events inner = { take_link, take_learned, dump_done };

/* Of a dump that was given up.  (What others cause bears their port and number.) */
static bool is_stale(const uint8_t *data, size_t len)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)data;

	return mnl_nlmsg_ok(message, (int)len) && message->nlmsg_pid == mnl_socket_get_portid(links.socket) &&
	       message->nlmsg_seq != links.seq;
}

/* @return false: no more for now. */
static bool receive(void)
{
	static uint8_t data[65536] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n = mnl_socket_recvfrom(links.socket, data, sizeof(data));
	int why = errno;

	if (n < 0 && (why == EAGAIN || why == EINTR))
		return false;
	if (n < 0) {
		ask_again(strerror(why));
		return why == ENOBUFS;
	}
	if (!is_stale(data, (size_t)n) && link_decode(data, (size_t)n, &inner) != VMP_OK)
		ask_again("a dump has failed");
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	int i;

	(void)fd;
	(void)what;
	(void)ctx;
	for (i = 0; i < TURN_DATAGRAMS && receive(); i++)
		;
}

static int open_socket(void)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_NEIGH };
	int room = RECEIVE_BUFFER;
	size_t i;

	links.socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!links.socket || mnl_socket_bind(links.socket, 0, MNL_SOCKET_AUTOPID) != 0)
		return VMP_EIO;
	/* As much as the system allows; what is lost beyond that is asked for again. */
	(void)setsockopt(mnl_socket_get_fd(links.socket), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (i = 0; i < (links.events->learned ? 2 : 1); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(links.socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
			return VMP_EIO;
	}
	return VMP_OK;
}

int links_open(struct event_base *base, const struct link_events *events, struct vmp_msg *msg)
{
	links.events = events;
	if (open_socket() != VMP_OK)
		return vmp_fail(msg, VMP_EIO, "rtnetlink: %s", strerror(errno));
	links.readable = event_new(base, mnl_socket_get_fd(links.socket), EV_READ | EV_PERSIST, on_readable, NULL);
	links.again = evtimer_new(base, on_again, NULL);
	if (!links.readable || !links.again || event_add(links.readable, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "rtnetlink: out of memory");
	if (ask_links() != VMP_OK)
		return vmp_fail(msg, VMP_EIO, "rtnetlink: %s", strerror(errno));
	return VMP_OK;
}

void links_close(void)
{
	unsigned i;

	if (links.readable)
		event_free(links.readable);
	if (links.again)
		event_free(links.again);
	if (links.socket)
		mnl_socket_close(links.socket);
	links.readable = links.again = NULL;
	links.socket = NULL;
	links.complete = false;
	for (i = 0; i < BUCKETS; i++) {
		while (links.table[i]) {
			struct entry *entry = links.table[i];

			links.table[i] = entry->next;
			free(entry);
		}
	}
}
