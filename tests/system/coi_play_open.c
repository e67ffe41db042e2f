#include "coi_play.h"

#include <inttypes.h>

static const char *const types[] = { "?", "offer", "taken", "refused", "done", "ask", "bye" };

/* With one key, and one guess at what the two have in common. */
static bool opens_with(const struct frame *f, const struct vmp_coi_message *clear, const struct vmp_coi_ends *ends,
		       const uint8_t key[VMP_COI_SECRET])
{
	struct vmp_coi_message message;
	struct vmp_coi_keys keys;
	struct vmp_msg msg;
	int i;

	if (vmp_coi_derive(ends, clear->coi, clear->epoch, key, &keys))
		return false;
	for (i = 0; i < 2; i++)
		if (vmp_coi_open(f->data + f->payload, f->len - f->payload, keys.of[i], &message, &msg) == VMP_OK)
			return true;
	return false;
}

static bool opens(const struct world *w, const struct frame *f, const struct vmp_coi_message *clear,
		  const struct machine *from, const struct machine *to)
{
	const struct machine *with[] = { from, to };
	struct vmp_coi_ends ends;
	size_t i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; k < w->keys; k++)
			if (world_ends(w, from, to, with[i], &ends) && opens_with(f, clear, &ends, w->key[k].key))
				return true;
	return false;
}

int play_open(const struct options *options)
{
	const struct world *world = the_attacker();
	unsigned long count[2] = { 0, 0 };
	struct vmp_coi_message clear;
	struct capture capture;
	struct frame frame;
	struct vmp_msg msg;

	capture_open(&capture, options->file);
	while (capture_next(&capture, options->port, &frame)) {
		const struct machine *from, *to;
		bool open;

		if (vmp_coi_peek(frame.data + frame.payload, frame.len - frame.payload, &clear, &msg))
			continue;
		from = world_by_id(world, clear.from);
		to = world_by_id(world, clear.to);
		if (!from || !to)
			fatal(1, options->file, "a message of a machine that the world does not have");
		open = opens(world, &frame, &clear, from, to);
		count[open]++;
		printf("%s %s %" PRIu64 " %" PRIu32 " %s %s\n", open ? "open" : "sealed", types[clear.type], clear.coi,
		       clear.epoch, from->name, to->name);
	}
	capture_close(&capture);
	printf("open %lu sealed %lu\n", count[1], count[0]);
	return 0;
}
