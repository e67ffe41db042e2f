#include "ntp_pending.h"

#include <string.h>

static void drop_old(struct ntp_pending *p, uint64_t now)
{
	while (p->n && (p->slot[p->first].key == 0 || p->slot[p->first].until_ms <= now)) {
		p->first = (p->first + 1) % NTP_PENDING;
		p->n--;
	}
}

/* The slot of one that waits; NTP_PENDING: there is none.  A scan of some KiB, for a packet that cost a TLS record. */
static size_t find(const struct ntp_pending *p, uint64_t key)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		size_t at = (p->first + i) % NTP_PENDING;

		if (p->slot[at].key == key)
			return at;
	}
	return NTP_PENDING;
}

int ntp_pending_add(struct ntp_pending *p, uint64_t key, uint64_t now, const struct ntp_asker *asker)
{
	size_t at;

	drop_old(p, now);
	if (find(p, key) != NTP_PENDING)
		return VMP_EEXIST;
	if (p->n == NTP_PENDING)
		return VMP_EFULL;
	at = (p->first + p->n++) % NTP_PENDING;
	memset(&p->slot[at], 0, sizeof(p->slot[at]));
	p->slot[at].key = key;
	p->slot[at].until_ms = now + NTP_PENDING_MS;
	if (asker)
		p->slot[at].asker = *asker;
	return VMP_OK;
}

bool ntp_pending_take(struct ntp_pending *p, uint64_t key, uint64_t now, struct ntp_asker *out)
{
	size_t at;

	drop_old(p, now);
	at = key ? find(p, key) : NTP_PENDING;
	if (at == NTP_PENDING)
		return false;
	p->slot[at].key = 0;
	if (out)
		*out = p->slot[at].asker;
	return true;
}
