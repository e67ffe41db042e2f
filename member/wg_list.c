/* Preshared keys go through these lists: what is given back to the heap is wiped first, and nothing is realloc()ed. */
#include "wg_internal.h"

#include <stdlib.h>
#include <string.h>

static void *wider(void *old, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 16;
	void *new = calloc(more, size);

	if (!new)
		return NULL;
	if (n > 0)
		memcpy(new, old, n * size);
	if (old)
		explicit_bzero(old, *room * size);
	free(old);
	*room = more;
	return new;
}

struct wg_peer *wg_list_peer(struct wg_list *list, const uint8_t key[VMP_COI_SECRET])
{
	struct wg_peer *peer;
	void *new;

	if (list->n > 0 && memcmp(list->peer[list->n - 1].key, key, VMP_COI_SECRET) == 0)
		return &list->peer[list->n - 1];
	if (list->n == list->room) {
		new = wider(list->peer, list->n, &list->room, sizeof(*list->peer));
		if (!new)
			return NULL;
		list->peer = new;
	}
	peer = &list->peer[list->n++];
	memset(peer, 0, sizeof(*peer));
	memcpy(peer->key, key, VMP_COI_SECRET);
	return peer;
}

int wg_list_allow(struct wg_list *list, const struct prefix *allowed)
{
	void *new;

	if (list->n_allowed == list->room_allowed) {
		new = wider(list->allowed, list->n_allowed, &list->room_allowed, sizeof(*list->allowed));
		if (!new)
			return VMP_ENOMEM;
		list->allowed = new;
	}
	list->allowed[list->n_allowed++] = *allowed;
	list->peer[list->n - 1].n_allowed++;
	return VMP_OK;
}

void wg_list_end(struct wg_list *list)
{
	size_t i, at = 0;

	for (i = 0; i < list->n; i++) {
		list->peer[i].allowed = list->peer[i].n_allowed ? list->allowed + at : NULL;
		at += list->peer[i].n_allowed;
	}
}

void wg_list_clear(struct wg_list *list)
{
	if (list->peer)
		explicit_bzero(list->peer, list->room * sizeof(*list->peer));
	free(list->peer);
	free(list->allowed);
	memset(list, 0, sizeof(*list));
}
