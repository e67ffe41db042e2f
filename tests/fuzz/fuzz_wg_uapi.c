/* What wireguard-go answers: to a request for its peers, in pieces; and the request that would make the same peers. */
#include "wg_uapi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_all(const char *text, size_t size, size_t piece, struct wg_list *list)
{
	struct wg_uapi_answer answer = { .list = list };
	struct vmp_msg msg = { "" };
	int err = VMP_OK;
	size_t at, n;

	for (at = 0; at < size && err == VMP_OK && !answer.ended; at += n) {
		n = size - at < piece ? size - at : piece;
		err = wg_uapi_take(&answer, text + at, n, &msg);
	}
	if (err != VMP_OK && err != VMP_ENOMEM && (err != VMP_EINVAL || msg.text[0] == '\0'))
		abort();
	wg_uapi_wipe(&answer);
	return err == VMP_OK && answer.ended ? answer.refused : -1;
}

static void same(const struct wg_peer *a, const struct wg_peer *b)
{
	if (memcmp(a->key, b->key, sizeof(a->key)) != 0 || memcmp(a->psk, b->psk, sizeof(a->psk)) != 0 ||
	    memcmp(&a->endpoint, &b->endpoint, sizeof(a->endpoint)) != 0 || a->keepalive != b->keepalive ||
	    a->n_allowed != b->n_allowed)
		abort();
	for (size_t i = 0; i < a->n_allowed; i++) {
		if (!prefix_equal(&a->allowed[i], &b->allowed[i]))
			abort();
	}
}

/* Said as a request, a peer is read again as it was; two words are of requests alone. */
static void again(const struct wg_peer *peer)
{
	unsigned what = WG_PSK | WG_KEEPALIVE | WG_ALLOWED | (peer->endpoint.sa.sa_family ? WG_ENDPOINT : 0);
	struct wg_uapi_text *text = wg_uapi_peer(peer, what);
	struct wg_list list = { .n = 0 };
	struct wg_uapi_answer answer = { .list = &list };

	if (!text)
		return;
	if (text->len < 8 || memcmp(text->text, "set=1\n", 6) != 0 ||
	    memcmp(text->text + text->len - 2, "\n\n", 2) != 0 ||
	    wg_uapi_take(&answer, text->text, text->len - 1, NULL) != VMP_OK ||
	    wg_uapi_take(&answer, "errno=0\n\n", 9, NULL) != VMP_OK || !answer.ended || list.n != 1)
		abort();
	wg_list_end(&list);
	same(&list.peer[0], peer);
	wg_list_clear(&list);
	wg_uapi_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wg_list whole = { .n = 0 }, pieces = { .n = 0 };
	const char *text = (const char *)data;
	int a, b;
	size_t i;

	/* However it is cut, it says the same.  What stands behind the end is refused only where it comes with it. */
	a = read_all(text, size, size ? size : 1, &whole);
	b = read_all(text, size, 1, &pieces);
	if (a >= 0 && a != b)
		abort();
	wg_list_end(&whole);
	wg_list_end(&pieces);
	if (a >= 0) {
		if (whole.n != pieces.n)
			abort();
		for (i = 0; i < whole.n; i++) {
			same(&whole.peer[i], &pieces.peer[i]);
			again(&whole.peer[i]);
		}
	}
	wg_list_clear(&whole);
	wg_list_clear(&pieces);
	return 0;
}
