#include "packet_linux.h"
#include "pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER	(4 * 1024 * 1024) /* [octets] the answers to hundreds of guests at once */
#define ANCILLARY(what) ((__u32)(SKF_AD_OFF + (what)))

/* EAPOL without a VLAN tag, and not what the host sends. */
static struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ANCILLARY(SKF_AD_PKTTYPE)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 5, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ANCILLARY(SKF_AD_VLAN_TAG_PRESENT)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 2 * ETH_ALEN),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_PAE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static bool set(int fd, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, level, option, value, len) == 0;
}

uint32_t packet_mark(void)
{
	static uint32_t drawn;

	while (drawn == 0 && vmp_random(&drawn, sizeof(drawn)) == VMP_OK)
		;
	return drawn;
}

/* Before bind(): not one frame of others comes in. The lock: nor will any, whatever its holder does. */
static bool filter(int fd)
{
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	int on = 1, room = RECEIVE_BUFFER;
	uint32_t mark = packet_mark();

	if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	/* Saves a look at every frame of the guests; the filter takes none either. */
	(void)set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	return set(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) &&
	       set(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) &&
	       set(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

static bool join(int fd, int index)
{
	static const unsigned char group[ETH_ALEN] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x03 };
	struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	struct packet_mreq pae = { .mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN };

	memcpy(pae.mr_address, group, sizeof(group));
	return set(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) &&
	       set(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &pae, sizeof(pae));
}

int packet_listen(const char *interface, int *fd, struct vmp_msg *msg)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	unsigned index = if_nametoindex(interface);
	int s, why;

	if (index == 0)
		return vmp_fail(msg, VMP_ENOENT, "%s: there is no such interface", interface);
	at.sll_ifindex = (int)index;
	s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s >= 0 && filter(s) && bind(s, (struct sockaddr *)&at, sizeof(at)) == 0 && join(s, at.sll_ifindex)) {
		*fd = s;
		return VMP_OK;
	}
	why = errno;
	if (s >= 0)
		close(s);
	return vmp_fail(msg, why == ENODEV ? VMP_ENOENT : VMP_EIO, "%s: cannot open a packet socket: %s", interface,
			strerror(why));
}

int packet_read(int fd, uint8_t *frame, size_t room)
{
	ssize_t n;

	do
		n = recv(fd, frame, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	return (int)n;
}

int packet_write(int fd, const uint8_t *frame, size_t len)
{
	ssize_t n;

	do
		n = send(fd, frame, len, 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return VMP_OK;
	return n < 0 && (errno == ENOBUFS || errno == EAGAIN || errno == ENOMEM) ? VMP_EBUSY : VMP_EIO;
}
