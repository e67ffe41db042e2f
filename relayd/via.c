#include "via.h"

#include <strings.h>

static bool came_through(const struct connect_request *request, const char *id)
{
	int i;

	for (i = 0; i < request->n_via; i++) {
		if (strcasecmp(request->via[i], id) == 0)
			return true;
	}
	return false;
}

/* Via is what others say; of the last one, TLS knows who it is. */
static bool last_is(const struct connect_request *request, const struct tls_peer *peer)
{
	const char *last = request->via[request->n_via - 1];

	return (*peer->uuid && strcasecmp(last, peer->uuid) == 0) || (*peer->name && strcasecmp(last, peer->name) == 0);
}

int via_check(const struct via_rules *rules, const struct connect_request *request, const struct tls_peer *peer,
	      struct vmp_msg *why)
{
	if (came_through(request, rules->id))
		return vmp_fail(why, 508, "the request has come through this relay, %s, before", rules->id);
	if (request->n_via + 1 > rules->depth)
		return vmp_fail(why, 508, "the request has come through %d relays; at most %d are allowed in a row",
				request->n_via, (int)rules->depth);
	if (!request->n_via)
		return rules->proxy
			       ? 200
			       : vmp_fail(why, 403, "this relay takes what proxies bring: ask the enclave's proxy");
	if (rules->proxy && !rules->chain)
		return vmp_fail(why, 403, "this proxy takes nothing that comes through another one");
	if (!last_is(request, peer))
		return vmp_fail(why, 403, "Via: the last entry is not who brings the request");
	return 200;
}
