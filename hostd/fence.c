#include "fence.h"
#include "config.h"
#include "log.h"
#include "nft_linux.h"
#include "packet_linux.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE "vmprov_hostd"
/* Deleting what is not there would fail the transaction. */
#define AWAY(family) "add table " family " " TABLE "\ndelete table " family " " TABLE "\n"
/* Before anybody else's rules. */
#define PRIORITY "-400"

struct rules {
	char text[CONFIG_UPLINKS * 512 + 1024];
	size_t len;
};

static void add(struct rules *rules, const char *format, ...) VMP_PRINTF(2, 3);
static void add(struct rules *rules, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(rules->text + rules->len, sizeof(rules->text) - rules->len, format, ap);
	va_end(ap);
	rules->len += (size_t)n;
	if (rules->len >= sizeof(rules->text)) /* cannot be: names are short, and few */
		abort();
}

static int run(const char *rules, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err = nft_run(rules, &why);

	if (err == VMP_EIO)
		return vmp_fail(msg, err, "%s ([process] fence = no does without it)", why.text);
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s", why.text);
}

/* meta protocol is EAPOL's also behind a VLAN tag.  By the ports' names: not every kernel has `meta ibrname`. */
static void add_ports(struct rules *rules, const char *const *ports, size_t n)
{
	size_t i;

	if (n == 0)
		return;
	add(rules, "table bridge " TABLE " {\n\tset uplinks {\n\t\ttype ifname\n\t\telements = {");
	for (i = 0; i < n; i++)
		add(rules, "%s \"%s\"", i ? "," : "", ports[i]);
	add(rules, " }\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority " PRIORITY "; policy accept;\n"
		   "\t\tmeta protocol 0x888e iifname @uplinks counter drop\n"
		   "\t\tmeta protocol 0x888e oifname @uplinks counter drop\n\t}\n}\n");
}

/* Its own address, which a supplicant of the host's own may send with; false: it has none. */
static bool own_address(const char *name, char text[VMP_MAC_TEXT])
{
	struct ifreq request = { .ifr_flags = 0 };
	const unsigned char *a = (const unsigned char *)request.ifr_hwaddr.sa_data;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	known = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	if (fd >= 0)
		close(fd);
	if (known)
		snprintf(text, VMP_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5]);
	return known;
}

/* In: pkttype host is a frame for the interface's own address, whatever that is now.  Out: what a guest sends itself
 * could log off another. */
static void add_alone(struct rules *rules, const char *const *alone, size_t n, bool egress)
{
	char own[VMP_MAC_TEXT];
	size_t i;

	for (i = 0; i < n; i++) {
		if (!own_address(alone[i], own))
			continue;
		add(rules,
		    "table netdev " TABLE " {\n\tchain uplink%zu {\n"
		    "\t\ttype filter hook ingress device \"%s\" priority " PRIORITY "; policy accept;\n"
		    "\t\tmeta protocol 0x888e meta pkttype != host counter drop\n\t}\n}\n",
		    i, alone[i]);
		if (egress)
			add(rules,
			    "table netdev " TABLE " {\n\tchain own%zu {\n"
			    "\t\ttype filter hook egress device \"%s\" priority " PRIORITY "; policy accept;\n"
			    "\t\tmeta protocol 0x888e meta mark != %#x ether saddr != %s counter drop\n\t}\n}\n",
			    i, alone[i], packet_mark(), own);
	}
}

static int check(const char *const *names, size_t n, struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!config_is_interface(names[i]))
			return vmp_fail(msg, VMP_EINVAL, "fence: expected the name of an interface");
	}
	return VMP_OK;
}

static int put(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone, bool egress,
	       struct vmp_msg *msg)
{
	struct rules rules = { .len = 0 };

	add(&rules, AWAY("bridge") AWAY("netdev"));
	add_ports(&rules, ports, n_port);
	add_alone(&rules, alone, n_alone, egress);
	return run(rules.text, msg);
}

int fence_put(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone, struct vmp_msg *msg)
{
	static bool said;
	int err = check(ports, n_port, msg);

	if (err == VMP_OK)
		err = check(alone, n_alone, msg);
	if (err == VMP_OK && n_port + n_alone > CONFIG_UPLINKS)
		err = vmp_fail(msg, VMP_EINVAL, "fence: expected at most %d interfaces", CONFIG_UPLINKS);
	if (err != VMP_OK)
		return err;
	err = put(ports, n_port, alone, n_alone, true, msg);
	if (err == VMP_OK || n_alone == 0 || put(ports, n_port, alone, n_alone, false, msg) != VMP_OK)
		return err;
	/* Linux before 5.16 has no such hook: better half a fence than none, and nobody in. */
	if (!said)
		vmp_log(VMP_LOG_WARNING, "fence-incomplete", "why", "guests with macvtap may send EAPOL", NULL);
	said = true;
	return VMP_OK;
}

int fence_remove(struct vmp_msg *msg)
{
	return run(AWAY("bridge") AWAY("netdev"), msg);
}
