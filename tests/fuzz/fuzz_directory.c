/* What policyd tells a member of other machines ("d"), or of itself ("s"); the first octet says which. */
#include "../../member/directory.h"
#include "../../member/self.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEFORE, GONE, PEERS, AFTER };

struct seen {
	int stage;
	unsigned calls;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_text(const char *text, size_t room)
{
	size_t i, len = strnlen(text, room);

	check(len > 0 && len < room);
	for (i = 0; i < len; i++)
		check((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static int on_begin(void *ctx, bool full)
{
	struct seen *seen = ctx;

	(void)full;
	check(seen->stage == BEFORE);
	seen->stage = GONE;
	seen->calls++;
	return VMP_OK;
}

static int on_gone(void *ctx, const char *id)
{
	struct seen *seen = ctx;

	check(seen->stage == GONE && strlen(id) == 36);
	seen->calls++;
	return VMP_OK;
}

static int on_peer(void *ctx, const struct directory_peer *peer)
{
	struct seen *seen = ctx;
	size_t i;

	check(seen->stage == GONE || seen->stage == PEERS);
	seen->stage = PEERS;
	seen->calls++;
	check(strlen(peer->id) == 36);
	check_text(peer->name, sizeof(peer->name));
	check(peer->inner6.family == AF_INET6 && peer->inner6.bits == 128);
	check(peer->inner4.family == 0 || (peer->inner4.family == AF_INET && peer->inner4.bits == 32));
	check(peer->endpoint.sa.sa_family == AF_UNSPEC || ntohs(peer->endpoint.in.sin_port) - 1 < 65534);
	check(peer->n_coi >= 1 && peer->n_coi <= DIRECTORY_COIS);
	check(peer->n_route <= DIRECTORY_ROUTES && (peer->gateway || peer->n_route == 0));
	for (i = 0; i < peer->n_coi; i++) {
		check(peer->coi[i].id >= 1 && peer->coi[i].members >= 0);
		check_text(peer->coi[i].name, sizeof(peer->coi[i].name));
	}
	for (i = 0; i < peer->n_route; i++)
		check(peer->route[i].family == AF_INET || peer->route[i].family == AF_INET6);
	return VMP_OK;
}

static int on_end(void *ctx)
{
	struct seen *seen = ctx;

	check(seen->stage == GONE || seen->stage == PEERS);
	seen->stage = AFTER;
	return VMP_OK;
}

static void read_directory(const char *text, size_t len)
{
	static const struct directory_calls calls = { on_begin, on_peer, on_gone, on_end };
	struct seen seen = { .stage = BEFORE };
	struct vmp_msg msg = { "" };
	int64_t version = -1;
	int err = directory_read(text, len, &version, &calls, &seen, &msg);

	if (err == VMP_OK)
		check(seen.stage == AFTER && version >= 0);
	else
		check(err == VMP_EINVAL && *msg.text && seen.calls == 0 && version == -1);
}

static void read_self(const char *text, size_t len)
{
	struct self_answer answer;
	struct vmp_msg msg = { "" };

	if (self_read(text, len, &answer, &msg) != VMP_OK) {
		check(*msg.text);
		return;
	}
	check_text(answer.name, sizeof(answer.name));
	check(prefix_has(&answer.inner6_site, &answer.inner6));
	check(!answer.inner4.family || prefix_has(&answer.inner4_site, &answer.inner4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (*data == 's')
		read_self((const char *)data + 1, size - 1);
	else
		read_directory((const char *)data + 1, size - 1);
	return 0;
}
