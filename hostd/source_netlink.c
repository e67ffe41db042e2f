#include "source.h"
#include "log.h"
#include "loop.h"
#include "uplink.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends that were not seen while hostd was away are told this much later at most, if there is a port whose guest is
 * silent: it may be the one. */
#define SILENCE_S 600

struct learned {
	uint64_t mac;
	bool forgotten; /* by the bridge: its guest is quiet, or another has the port */
};

/* A bridge's port, a guest's or not. */
struct port {
	struct port *next;
	struct link link;
	char bridge[IF_NAMESIZE];
	bool wanted; /* on the bridge of an uplink, and named in [guests] ports */
	bool found;  /* it was there before us */
	bool full;   /* it was said that more addresses send than are served */
	struct guest_info alias;
	struct learned learned[GUEST_NICS];
	int n_learned;
	uint64_t held[GUEST_NICS]; /* what it has been given of its addresses */
	int n_held;
	char uuid[VMP_UUID_TEXT]; /* of the guest whose port it is; "": of none */
};

/* A guest, as it was told. */
struct told {
	struct told *next;
	struct guest_info info;
};

static struct {
	struct port *ports;
	struct told *told;
	struct event *patience;
	bool synced; /* the links */
	bool ended;  /* the synchronization of guests */
} source;

/* -- addresses ------------------------------------------------------------------------------------ */
static void add_mac(struct guest_info *info, uint64_t mac)
{
	char text[VMP_MAC_TEXT];
	struct guest *owner;
	int i;

	vmp_mac_format(mac, text);
	owner = guest_find(text);
	if (owner && owner->info.source != GUEST_NETLINK)
		return; /* libvirt tells of it */
	for (i = 0; i < info->n_nic; i++) {
		if (info->nic[i].mac == mac)
			return;
	}
	if (info->n_nic < GUEST_NICS)
		info->nic[info->n_nic++].mac = mac;
}

static void from_alias(const struct port *port, struct guest_info *info)
{
	int i;

	for (i = 0; i < port->alias.n_nic; i++)
		add_mac(info, port->alias.nic[i].mac);
}

static bool holds(const struct port *port, uint64_t mac)
{
	int i;

	for (i = 0; i < port->n_held && port->held[i] != mac; i++)
		;
	return i < port->n_held;
}

/* A guest may put any address into its frames.  Those of another port stay that port's. */
static bool is_anothers(const struct port *port, uint64_t mac)
{
	const struct port *other = source.ports;

	while (other && (other == port || !holds(other, mac)))
		other = other->next;
	return other != NULL;
}

static void from_frame(const struct port *port, struct guest_info *info)
{
	int i;

	for (i = 0; i < port->n_learned; i++) {
		if (!is_anothers(port, port->learned[i].mac))
			add_mac(info, port->learned[i].mac);
	}
}

static void from_port(const struct port *port, struct guest_info *info)
{
	if (port->link.mac && !(port->link.mac >> 40 & 1))
		add_mac(info, port->link.mac);
}

static const struct {
	const char *word;
	void (*take)(const struct port *port, struct guest_info *info);
} ways[] = { { "alias", from_alias }, { "frame", from_frame }, { "port", from_port } };

/* Add the port's interfaces to info: by the first way of [guests] mac_from that knows any. */
static void add_port(const struct port *port, struct guest_info *info)
{
	const char *list = loop.config->mac_from;
	int before = info->n_nic;
	char word[16];
	size_t i;

	while (info->n_nic == before && vmp_ini_word(&list, word, sizeof(word))) {
		for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			if (strcmp(word, ways[i].word) == 0)
				ways[i].take(port, info);
		}
	}
	for (; before < info->n_nic; before++) {
		memcpy(info->nic[before].bridge, port->bridge, IF_NAMESIZE);
		memcpy(info->nic[before].port, port->link.name, IF_NAMESIZE);
	}
}

/* -- guests ----------------------------------------------------------------------------------------- */
static struct told **find_told(const char *uuid)
{
	struct told **at = &source.told;

	while (*at && strcmp((*at)->info.uuid, uuid) != 0)
		at = &(*at)->next;
	return at;
}

static void name_it(struct guest_info *info, const struct port *port)
{
	const char *name = *port->alias.name ? port->alias.name : port->link.name;

	if (!*info->name || *port->alias.name)
		snprintf(info->name, sizeof(info->name), "%s", name);
	if (*port->alias.template_name)
		memcpy(info->template_name, port->alias.template_name, sizeof(info->template_name));
}

/* A guest is all ports that bear its UUID. @return was one of them there before us? */
static bool collect(const char *uuid, struct guest_info *info)
{
	const struct port *port;
	bool found = false;

	memset(info, 0, sizeof(*info));
	info->source = GUEST_NETLINK;
	snprintf(info->uuid, sizeof(info->uuid), "%s", uuid);
	for (port = source.ports; port; port = port->next) {
		if (!port->wanted || strcmp(port->uuid, uuid) != 0)
			continue;
		add_port(port, info);
		name_it(info, port);
		found |= port->found;
	}
	return found;
}

static void tell_gone(struct told **at)
{
	struct told *told = *at;

	*at = told->next;
	guest_gone(GUEST_NETLINK, told->info.uuid, GUEST_STOPPED);
	free(told);
}

static void tell_new(const struct guest_info *info, bool found)
{
	struct told *told = malloc(sizeof(*told));

	if (!told) {
		vmp_log(VMP_LOG_ERROR, "guest-lost", "guest", info->name, "why", "out of memory", NULL);
		return;
	}
	told->info = *info;
	told->next = source.told;
	source.told = told;
	guest_present(info, found ? GUEST_FOUND : GUEST_STARTED);
}

/* Tell of the guest what is new. */
static void tell(const char *uuid)
{
	struct told **at = find_told(uuid);
	struct guest_info info;
	bool found = collect(uuid, &info);

	if (info.n_nic == 0) {
		if (*at)
			tell_gone(at);
	} else if (!*at) {
		tell_new(&info, found);
	} else if (memcmp(&(*at)->info, &info, sizeof(info)) != 0) {
		(*at)->info = info;
		guest_present(&info, GUEST_CHANGED);
	}
}

/* Whose port is it now, and which addresses has it? */
static void name_owner(struct port *port)
{
	struct guest_info info = { .n_nic = 0 };

	port->uuid[0] = '\0';
	if (port->wanted)
		add_port(port, &info);
	for (port->n_held = 0; port->n_held < info.n_nic; port->n_held++)
		port->held[port->n_held] = info.nic[port->n_held].mac;
	if (info.n_nic == 0)
		return;
	if (*port->alias.uuid)
		memcpy(port->uuid, port->alias.uuid, VMP_UUID_TEXT);
	else
		source_uuid_of_mac(info.nic[0].mac, port->uuid);
}

static void tell_owner(struct port *port)
{
	char was[VMP_UUID_TEXT];

	memcpy(was, port->uuid, sizeof(was));
	name_owner(port);
	if (*was && strcmp(was, port->uuid) != 0)
		tell(was);
	if (*port->uuid)
		tell(port->uuid);
}

/* One of these addresses may be theirs now, or no longer. */
static void tell_rivals(const struct port *port, const uint64_t *mac, int n)
{
	struct port *other;
	int i;

	for (; n > 0; n--, mac++) {
		for (other = source.ports; other; other = other->next) {
			for (i = 0; i < other->n_learned && other->learned[i].mac != *mac; i++)
				;
			if (other != port && i < other->n_learned)
				tell_owner(other);
		}
	}
}

static void tell_port(struct port *port)
{
	uint64_t held[GUEST_NICS];
	int n = port->n_held;

	memcpy(held, port->held, sizeof(held));
	tell_owner(port);
	if (n == port->n_held && memcmp(held, port->held, (size_t)n * sizeof(held[0])) == 0)
		return;
	tell_rivals(port, held, n);
	tell_rivals(port, port->held, port->n_held);
}

/* -- the end of the first look ------------------------------------------------------------------------ */
static bool is_silence(void)
{
	const struct port *port = source.ports;

	while (port && (!port->wanted || *port->uuid))
		port = port->next;
	return port != NULL;
}

static void end_sync(void)
{
	if (source.ended)
		return;
	source.ended = true;
	event_free(source.patience);
	source.patience = NULL;
	guest_sync_end(GUEST_NETLINK);
}

static void patience_ended(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	end_sync();
}

static void look_at_silence(void)
{
	if (source.synced && !source.ended && !is_silence())
		end_sync();
}

/* -- ports ------------------------------------------------------------------------------------------ */
static struct port **find_port(int index)
{
	struct port **at = &source.ports;

	while (*at && (*at)->link.index != index)
		at = &(*at)->next;
	return at;
}

/* [guests] ports: globs; one behind "!" takes away what others give. */
static bool is_named(const char *name)
{
	const char *list = loop.config->ports;
	char glob[VMP_INI_TEXT];
	bool named = false;

	while (vmp_ini_word(&list, glob, sizeof(glob))) {
		bool not_this = *glob == '!';

		if (fnmatch(glob + not_this, name, 0) != 0)
			continue;
		if (not_this)
			return false;
		named = true;
	}
	return named;
}

/* Is it a guest's now? What its bridge, the uplinks and its name say of it may have changed. */
static void look_at_port(struct port *port)
{
	const struct link *bridge = link_by_index(port->link.master);

	memset(port->bridge, 0, sizeof(port->bridge));
	if (bridge)
		memcpy(port->bridge, bridge->name, sizeof(port->bridge));
	port->wanted = bridge && uplink_for(bridge->name, "") && !uplink_is(port->link.name) &&
		       is_named(port->link.name);
	tell_port(port);
}

static void take_alias(struct port *port, const char *alias)
{
	struct vmp_msg msg;
	int err;

	memset(&port->alias, 0, sizeof(port->alias));
	err = source_alias_read(alias, &port->alias, &msg);
	if (err == VMP_EINVAL)
		vmp_log(VMP_LOG_WARNING, "alias-unreadable", "port", port->link.name, "why", msg.text, NULL);
}

static struct port *make_port(struct port **at)
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port) {
		vmp_log(VMP_LOG_ERROR, "port-lost", "why", "out of memory", NULL);
		return NULL;
	}
	port->found = !source.synced;
	*at = port;
	return port;
}

static void take_port(const struct link *link)
{
	struct port **at = find_port(link->index), *port = *at ? *at : make_port(at);
	bool other_alias;

	if (!port)
		return;
	other_alias = strcmp(port->link.alias, link->alias) != 0;
	port->link = *link;
	if (other_alias)
		take_alias(port, link->alias);
	look_at_port(port);
}

static void drop_port(int index)
{
	struct port **at = find_port(index), *port = *at;

	if (!port)
		return;
	*at = port->next;
	if (*port->uuid)
		tell(port->uuid);
	tell_rivals(port, port->held, port->n_held);
	free(port);
}

void source_netlink_link(const struct link *link)
{
	struct port *port;

	if (link->gone || !link->master)
		drop_port(link->index);
	else
		take_port(link);
	/* A bridge may have become an uplink's, or is it no more. */
	if (strcmp(link->kind, "bridge") == 0 || uplink_is(link->name)) {
		for (port = source.ports; port; port = port->next)
			look_at_port(port);
	}
	look_at_silence();
}

/* -- addresses that bridges learn --------------------------------------------------------------------- */
static struct learned *find_learned(struct port *port, uint64_t mac)
{
	int i;

	for (i = 0; i < port->n_learned; i++) {
		if (port->learned[i].mac == mac)
			return &port->learned[i];
	}
	return NULL;
}

/* Room for one more: a new place, or that of one that the bridge has forgotten.  NULL: there is none. */
static struct learned *place_for(struct port *port)
{
	int i;

	if (port->n_learned < GUEST_NICS && port->n_learned < loop.config->macs_per_port)
		return &port->learned[port->n_learned++];
	for (i = 0; i < port->n_learned; i++) {
		if (port->learned[i].forgotten)
			return &port->learned[i];
	}
	return NULL;
}

static void learn(struct port *port, uint64_t mac)
{
	struct learned *place = place_for(port);
	char text[VMP_MAC_TEXT];

	if (place) {
		*place = (struct learned){ .mac = mac };
		return;
	}
	vmp_mac_format(mac, text);
	if (!port->full && port->wanted)
		vmp_log(VMP_LOG_WARNING, "port-full", "port", port->link.name, "mac", text, "served",
			vmp_log_num(port->n_learned), NULL);
	port->full = true;
}

/* A guest that is quiet has not gone: what was learned stays until its place is needed. */
void source_netlink_learned(const struct link_learned *what)
{
	struct port *port = *find_port(what->port);
	struct learned *known;

	if (!port || uplink_is(port->link.name))
		return;
	known = find_learned(port, what->mac);
	if (known)
		known->forgotten = what->forgotten;
	if (known || what->forgotten)
		return;
	learn(port, what->mac);
	tell_port(port);
	look_at_silence();
}

void source_netlink_synced(void)
{
	source.synced = true;
	look_at_silence();
}

int source_netlink_init(struct vmp_msg *msg)
{
	static const struct timeval silence = { SILENCE_S, 0 };

	source.patience = evtimer_new(loop.base, patience_ended, NULL);
	if (!source.patience || event_add(source.patience, &silence) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	guest_sync_begin(GUEST_NETLINK);
	return VMP_OK;
}

void source_netlink_free(void)
{
	while (source.ports) {
		struct port *port = source.ports;

		source.ports = port->next;
		free(port);
	}
	while (source.told) {
		struct told *told = source.told;

		source.told = told->next;
		free(told);
	}
	if (source.patience)
		event_free(source.patience);
	memset(&source, 0, sizeof(source));
}
