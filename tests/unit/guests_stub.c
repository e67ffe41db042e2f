#include "guests_stub.h"
#include "loop.h"
#include "uplink.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINKS 32

struct loop loop;

static struct config config;
static struct uplink uplink;
static struct link links[LINKS];
static int n_links;
static struct guest libvirts;
static char said[16384], given[16384], last[VMP_UUID_TEXT];

void stub_reset(void)
{
	memset(&config, 0, sizeof(config));
	memset(&uplink, 0, sizeof(uplink));
	memset(&libvirts, 0, sizeof(libvirts));
	n_links = 0;
	said[0] = last[0] = '\0';
	snprintf(config.ports, sizeof(config.ports), "* !vnet*");
	snprintf(config.mac_from, sizeof(config.mac_from), "alias frame");
	config.macs_per_port = 1;
	loop.config = &config;
}

struct config *stub_config(void)
{
	return &config;
}

void stub_bridge(const char *name)
{
	snprintf(uplink.bridge, sizeof(uplink.bridge), "%s", name);
}

void stub_link(const struct link *link)
{
	int i;

	for (i = 0; i < n_links && links[i].index != link->index; i++)
		;
	if (i == n_links && n_links < LINKS)
		n_links++;
	links[i] = *link;
}

void stub_libvirt_owns(uint64_t mac)
{
	libvirts.info.source = GUEST_LIBVIRT;
	libvirts.info.nic[0].mac = mac;
	libvirts.info.n_nic = mac ? 1 : 0;
}

static void VMP_PRINTF(1, 2) say(const char *fmt, ...)
{
	size_t len = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + len, sizeof(said) - len, fmt, ap);
	va_end(ap);
}

const char *stub_said(void)
{
	memcpy(given, said, sizeof(given));
	said[0] = '\0';
	return given;
}

const char *stub_uuid(void)
{
	return last;
}

void stub_quiet(bool quiet)
{
	static int before = -1;
	int fd;

	if (quiet) {
		before = dup(STDERR_FILENO);
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	} else {
		fd = before;
	}
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* -- guest.h */
void guest_present(const struct guest_info *info, enum guest_arrival how)
{
	static const char *const words[] = { [GUEST_STARTED] = "started",
					     [GUEST_FOUND] = "found",
					     [GUEST_INCOMING] = "incoming",
					     [GUEST_MIGRATED] = "migrated",
					     [GUEST_CHANGED] = "changed" };
	int i;

	say("%s %s template=%s cidata=%s", words[how], info->name, info->template_name, info->cidata);
	for (i = 0; i < info->n_nic; i++) {
		const struct guest_nic *nic = &info->nic[i];
		char mac[VMP_MAC_TEXT];

		vmp_mac_format(nic->mac, mac);
		say(" %s@%s/%s:%s", mac, nic->bridge, nic->direct, nic->port);
	}
	say("\n");
	memcpy(last, info->uuid, sizeof(last));
}

void guest_gone(enum guest_source source, const char *uuid, enum guest_departure how)
{
	(void)source;
	say("%s %s\n", how == GUEST_LEFT ? "left" : "stopped", uuid);
}

void guest_sync_begin(enum guest_source source)
{
	(void)source;
	say("sync-begin\n");
}

void guest_sync_end(enum guest_source source)
{
	(void)source;
	say("sync-end\n");
}

struct guest *guest_find(const char *what)
{
	uint64_t mac;

	if (!libvirts.info.n_nic || vmp_mac_parse(what, strlen(what), &mac) != VMP_OK ||
	    mac != libvirts.info.nic[0].mac)
		return NULL;
	return &libvirts;
}

/* -- uplink.h, link_linux.h */
struct uplink *uplink_for(const char *bridge, const char *direct)
{
	(void)direct;
	return *bridge && strcmp(bridge, uplink.bridge) == 0 ? &uplink : NULL;
}

bool uplink_is(const char *name)
{
	return strcmp(name, "uplink0") == 0;
}

const struct link *link_by_index(int index)
{
	int i;

	for (i = 0; i < n_links; i++) {
		if (links[i].index == index && !links[i].gone)
			return &links[i];
	}
	return NULL;
}
