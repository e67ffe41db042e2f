#include "guard_linux.h"
#include "nft_linux.h"
#include "nft_table_linux.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#define COMMANDS 4096

struct text {
	char at[COMMANDS];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	if (t->len >= sizeof(t->at))
		return;
	va_start(args, format);
	n = vsnprintf(t->at + t->len, sizeof(t->at) - t->len, format, args);
	va_end(args);
	t->len += n > 0 ? (size_t)n : 0;
}

static const char *family_of(const struct prefix *prefix)
{
	return prefix->family == AF_INET6 ? "ip6" : "ip";
}

static void drop(struct text *t, const char *chain, const char *match, const struct prefix *prefix)
{
	char what[PREFIX_TEXT];

	if (!prefix->family)
		return;
	prefix_write(prefix, what);
	add(t, "add rule inet vmprov_guard %s %s %s %s counter drop\n", chain, family_of(prefix), match, what);
}

/* What comes by WireGuard: of a machine that is no gateway, only what is for itself. */
static void from_inside(struct text *t, const struct guard_settings *s)
{
	char own[PREFIX_TEXT];
	int i;

	if (s->gateway) {
		add(t, "add rule inet vmprov_guard raw iifname \"%s\" accept\n", s->wireguard);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (!s->own[i].family)
			continue;
		prefix_write(&s->own[i], own);
		add(t, "add rule inet vmprov_guard raw iifname \"%s\" %s daddr %s accept\n", s->wireguard,
		    family_of(&s->own[i]), own);
	}
	add(t, "add rule inet vmprov_guard raw iifname \"%s\" counter drop\n", s->wireguard);
}

/* Every packet comes through here, most of them inside of WireGuard's or as these: they are let go with as few looks as
 * can be.  To WireGuard's port anybody may send, as what it does not know it drops. */
static void chains(struct text *t, const struct guard_settings *s)
{
	/* To delete a table, it must be there. */
	add(t, "add table inet vmprov_guard\ndelete table inet vmprov_guard\nadd table inet vmprov_guard\n"
	       "add chain inet vmprov_guard raw { type filter hook prerouting priority raw; policy accept; }\n"
	       "add chain inet vmprov_guard out { type filter hook postrouting priority raw; policy accept; }\n");
	if (s->port && !s->gateway)
		add(t, "add rule inet vmprov_guard raw iifname != \"%s\" udp dport %u accept\n", s->wireguard,
		    (unsigned)s->port);
	from_inside(t, s);
	add(t, "add rule inet vmprov_guard raw iifname { \"lo\", \"%s\" } accept\n", s->tun);
	add(t, "add rule inet vmprov_guard out oifname \"%s\" accept\n", s->wireguard);
	if (s->mark)
		add(t, "add rule inet vmprov_guard out meta mark %u accept\n", (unsigned)s->mark);
	add(t, "add rule inet vmprov_guard out oifname { \"lo\", \"%s\" } accept\n", s->tun);
}

int guard_set(const struct guard_settings *settings, struct vmp_msg *msg)
{
	struct text t = { .len = 0 };
	int i;

	chains(&t, settings);
	for (i = 0; i < 2; i++) {
		drop(&t, "raw", "saddr", &settings->site[i]);
		drop(&t, "raw", "daddr", &settings->own[i]);
		drop(&t, "out", "daddr", &settings->site[i]);
		if (!settings->gateway)
			drop(&t, "out", "saddr", &settings->own[i]);
	}
	if (t.len >= sizeof(t.at))
		return vmp_fail(msg, VMP_ENOMEM, "nftables: the commands are too long");
	return nft_run(t.at, msg);
}

bool guard_is_there(void)
{
	struct vmp_msg msg;

	return nft_has("vmprov_guard", &msg) != VMP_ENOENT;
}
