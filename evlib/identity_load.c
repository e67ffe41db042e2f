#include "identity_load.h"
#include "pki.h"

#include <stdio.h>
#include <string.h>

/* -- stamps ----------------------------------------------------------------------------------------------------- */

void stamp_read(const char *path, struct stamp *out)
{
	struct stat st;

	memset(out, 0, sizeof(*out)); /* with its padding: they are compared as octets */
	if (stat(path, &st) != 0)
		return;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->size = st.st_size;
	out->written = st.st_mtim;
	out->changed = st.st_ctim;
}

bool stamp_is(const struct stamp *a, const struct stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool stamp_is_none(const struct stamp *stamp)
{
	return stamp->ino == 0;
}

static void stamp_files(const struct identity_settings *settings, struct stamp out[IDENTITY_FILES])
{
	stamp_read(settings->certificate, &out[0]);
	stamp_read(settings->key, &out[1]);
	stamp_read(settings->ca ? settings->ca : "", &out[2]);
}

/* -- the certificate -------------------------------------------------------------------------------------------- */

/* When two thirds of its life are over, and up to a twentieth more, so that machines that were installed together do
 * not come together.  Its life begins when it was got, not with notBefore, which lies before that: one of a few minutes
 * would be renewed all the time. */
static int64_t renewal_of(const struct vmp_pair *pair, const struct stamp *file)
{
	int64_t start = file->written.tv_sec, life;
	uint16_t drawn;

	if (start < pair->not_before || start > pair->not_after || start > time(NULL))
		start = pair->not_before;
	life = pair->not_after - start;
	if (vmp_random(&drawn, sizeof(drawn)) != VMP_OK)
		drawn = 0;
	return start + life * 2 / 3 + life / 20 * drawn / UINT16_MAX;
}

bool identity_load(struct identity_load *load, const struct identity_settings *settings)
{
	struct vmp_msg msg = { "" };
	struct vmp_pair pair;
	bool is_new, was_used = load->used;
	int err;

	*load->error = '\0';
	stamp_files(settings, load->stamp);
	err = vmp_pair_read(settings->certificate, settings->key, &pair, &msg);
	/* Nothing there yet is no failure. */
	if (err && (err != VMP_ENOENT || !settings->enrol || load->there))
		snprintf(load->error, sizeof(load->error), "%s", msg.text);
	if (err)
		return false;
	is_new = !load->there || strcmp(load->pair.serial, pair.serial) != 0;
	if (is_new)
		load->renew_at = renewal_of(&pair, &load->stamp[0]);
	load->pair = pair;
	load->there = true;
	if (settings->use && settings->use(settings->ctx, &msg) != VMP_OK) {
		snprintf(load->error, sizeof(load->error), "%s", msg.text);
		return is_new;
	}
	load->used = true;
	return is_new || !was_used;
}

bool identity_load_is_old(const struct identity_load *load, const struct identity_settings *settings)
{
	struct stamp now[IDENTITY_FILES];

	stamp_files(settings, now);
	return memcmp(now, load->stamp, sizeof(now)) != 0;
}
