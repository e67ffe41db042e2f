#include "coi_play.h"
#include "est.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool hex_read(const char *text, uint8_t *out, size_t len)
{
	for (; len; len--, text += 2)
		if (sscanf(text, "%2hhx", out++) != 1)
			return false;
	return true;
}

static bool uuid_read(const char *text, uint8_t out[VMP_COI_ID])
{
	char digits[33];
	size_t n = 0;

	for (; *text && n < 32; text++)
		if (*text != '-')
			digits[n++] = *text;
	digits[n] = '\0';
	return n == 32 && hex_read(digits, out, VMP_COI_ID);
}

static bool base64_read(const char *text, uint8_t out[VMP_COI_SECRET])
{
	uint8_t data[128];
	size_t len = sizeof(data);

	if (strlen(text) != 44 || vmp_unbase64(text, 44, data, &len) || len != VMP_COI_SECRET)
		return false;
	memcpy(out, data, VMP_COI_SECRET);
	return true;
}

static bool line_read(struct world *w, const char *line)
{
	char a[128], b[128];
	struct machine *m = &w->machine[w->machines];
	struct coi_key *k = &w->key[w->keys];

	if (sscanf(line, "machine %127s %127s %63s", a, b, m->name) == 3)
		return ++w->machines < MACHINES_MAX && uuid_read(a, m->id) && base64_read(b, m->public_key);
	if (sscanf(line, "key %" SCNu64 " %" SCNu32 " %127s", &k->coi, &k->epoch, a) == 3)
		return ++w->keys < KEYS_MAX && strlen(a) == 64 && hex_read(a, k->key, sizeof(k->key));
	return sscanf(line, "private %127s", a) == 1 && base64_read(a, w->private_key);
}

static FILE *file_open(const char *path)
{
	FILE *in = fopen(path, "r");

	if (!in)
		fatal(1, path, strerror(errno));
	return in;
}

void world_read(struct world *world, const char *path)
{
	FILE *in = file_open(path);
	char line[512];

	while (fgets(line, sizeof(line), in))
		if (!line_read(world, line))
			fatal(1, path, line);
	fclose(in);
}

const struct machine *world_machine(const struct world *world, const char *name)
{
	size_t i;

	for (i = 0; name && i < world->machines; i++)
		if (strcmp(world->machine[i].name, name) == 0)
			return &world->machine[i];
	fatal(2, "no such machine", name ? name : "");
}

const struct machine *world_by_id(const struct world *world, const uint8_t id[VMP_COI_ID])
{
	size_t i;

	for (i = 0; i < world->machines; i++)
		if (memcmp(world->machine[i].id, id, VMP_COI_ID) == 0)
			return &world->machine[i];
	return NULL;
}

bool world_ends(const struct world *world, const struct machine *a, const struct machine *b, const struct machine *with,
		struct vmp_coi_ends *out)
{
	const struct machine *leader = memcmp(a->public_key, b->public_key, VMP_COI_SECRET) < 0 ? a : b;
	const struct machine *follower = leader == a ? b : a;
	uint8_t nobody[VMP_COI_ID] = { 0 };
	struct vmp_msg msg;
	bool leads;

	if (vmp_coi_ends_set(out, &leads, nobody, world->private_key, with->id, with->public_key, &msg))
		return false;
	memcpy(out->id[0], leader->id, VMP_COI_ID);
	memcpy(out->id[1], follower->id, VMP_COI_ID);
	memcpy(out->public_key[0], leader->public_key, VMP_COI_SECRET);
	memcpy(out->public_key[1], follower->public_key, VMP_COI_SECRET);
	return true;
}
