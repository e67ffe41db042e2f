#include "coi_play.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

struct forgery {
	const struct world *world;
	const struct machine *from, *to;
	int fd;
	unsigned long sent;
};

static void fill(void *out, size_t len)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		fatal(1, "random", strerror(errno));
}

/* The number of a request is one that nobody has reached. */
static void send_one(struct forgery *f, enum vmp_coi_type type, const struct coi_key *key,
		     const uint8_t secret[VMP_COI_SECRET])
{
	struct vmp_coi_message m = { .type = type, .epoch = key->epoch, .coi = key->coi };
	uint8_t data[VMP_COI_MESSAGE], nonce[12];
	struct vmp_msg msg;
	size_t len;

	memcpy(m.from, f->from->id, sizeof(m.from));
	memcpy(m.to, f->to->id, sizeof(m.to));
	if (type == VMP_COI_ASK)
		m.counter = (uint64_t)1 << 40;
	else
		fill(m.offer, sizeof(m.offer));
	fill(m.session, sizeof(m.session));
	fill(nonce, sizeof(nonce));
	if (vmp_coi_seal(&m, secret, nonce, data, &len, &msg))
		fatal(1, "seal", msg.text);
	if (send(f->fd, data, len, 0) == (ssize_t)len)
		f->sent++;
}

/* Under the keys of either end: one may be taken for the other. */
static void with_key(struct forgery *f, const struct machine *with, const struct coi_key *key)
{
	struct vmp_coi_ends ends;
	struct vmp_coi_keys keys;
	enum vmp_coi_type type;
	int i;

	/* Nothing is between a machine and itself. */
	if (!world_ends(f->world, f->from, f->to, with, &ends) ||
	    vmp_coi_derive(&ends, key->coi, key->epoch, key->key, &keys))
		return;
	for (type = VMP_COI_OFFER; type <= VMP_COI_BYE; type++)
		for (i = 0; i < 2; i++)
			send_one(f, type, key, keys.of[i]);
	for (type = VMP_COI_OFFER; type <= VMP_COI_BYE; type++)
		send_one(f, type, key, key->key);
}

int play_forge(const struct options *options)
{
	const struct world *world = the_attacker();
	struct forgery f = { .world = world,
			     .from = world_machine(world, options->from),
			     .to = world_machine(world, options->to),
			     .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	size_t k;
	long i;

	if (f.fd < 0 || connect(f.fd, (const struct sockaddr *)&options->address, sizeof(options->address)))
		fatal(1, "--address", strerror(errno));
	for (i = 0; i < options->times; i++)
		for (k = 0; k < world->keys; k++) {
			with_key(&f, f.to, &world->key[k]);
			with_key(&f, f.from, &world->key[k]);
		}
	close(f.fd);
	printf("sent %lu\n", f.sent);
	return 0;
}
