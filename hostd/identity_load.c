#include "identity_load.h"
#include "identity.h"
#include "identity_pair.h"

#include <stdio.h>
#include <string.h>

#define CA_MAX 64 /* certificates in a file of those that are trusted */

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

static void stamp_files(const struct config *config, struct stamp out[IDENTITY_FILES])
{
	stamp_read(config->certificate, &out[0]);
	stamp_read(config->key, &out[1]);
	stamp_read(config->eap_ca, &out[2]);
}

/* -- for EAP-TLS ------------------------------------------------------------------------------------------------ */

static int make_tls(const struct config *config, struct vmp_tls_identity **out, struct vmp_msg *msg)
{
	const struct vmp_tls_files files = {
		.certificate = config->certificate,
		.key = config->key,
		.ca = config->eap_ca,
		.server_name = config->server_name,
		.tls12 = vmp_ini_has_word(config->tls_versions, "1.2"),
		.tls13 = vmp_ini_has_word(config->tls_versions, "1.3"),
		.resumption = config->resumption,
	};

	*out = NULL;
	return vmp_ini_has_word(config->methods, "tls") ? vmp_tls_identity_new(&files, out, msg) : VMP_OK;
}

/* -- the certificate -------------------------------------------------------------------------------------------- */

/* When two thirds of its life are over, and up to a twentieth more, so that hosts that were installed together do not
 * come together.  Its life begins when it was got, not with notBefore, which lies before that: one of a few minutes
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

bool identity_load(struct identity_load *load, const struct config *config)
{
	struct vmp_tls_identity *tls;
	struct vmp_msg msg = { "" };
	struct vmp_pair pair;
	bool is_new, had_tls = load->tls != NULL;
	int err;

	*load->error = '\0';
	stamp_files(config, load->stamp);
	err = vmp_pair_read(config->certificate, config->key, &pair, &msg);
	/* Nothing there yet is no failure. */
	if (err && (err != VMP_ENOENT || !config->enrol || load->there))
		snprintf(load->error, sizeof(load->error), "%s", msg.text);
	if (err)
		return false;
	is_new = !load->there || strcmp(load->pair.serial, pair.serial) != 0;
	if (is_new)
		load->renew_at = renewal_of(&pair, &load->stamp[0]);
	load->pair = pair;
	load->there = true;
	if (make_tls(config, &tls, &msg) != VMP_OK) {
		snprintf(load->error, sizeof(load->error), "%s", msg.text);
		return is_new;
	}
	vmp_tls_identity_free(load->tls);
	load->tls = tls;
	return is_new || !had_tls;
}

bool identity_load_is_old(const struct identity_load *load, const struct config *config)
{
	struct stamp now[IDENTITY_FILES];

	stamp_files(config, now);
	return memcmp(now, load->stamp, sizeof(now)) != 0;
}

void identity_load_clear(struct identity_load *load)
{
	vmp_tls_identity_free(load->tls);
	memset(load, 0, sizeof(*load));
}

int identity_check(const struct config *config, struct vmp_msg *msg)
{
	struct pair_files files = { .key = "" };
	struct vmp_tls_identity *tls = NULL;
	struct vmp_pair pair;
	int err = pair_files_init(&files, config->certificate, config->key, msg);

	if (!err && *config->policyd_url)
		err = vmp_certs_check(config->policyd_ca, CA_MAX, msg);
	if (!err && vmp_ini_has_word(config->methods, "tls"))
		err = vmp_certs_check(config->eap_ca, CA_MAX, msg);
	/* Where hostd makes and renews them, what is wrong with the pair is no matter of the configuration. */
	if (err || config->enrol)
		return err;
	err = vmp_pair_read(config->certificate, config->key, &pair, msg);
	if (!err)
		err = make_tls(config, &tls, msg);
	vmp_tls_identity_free(tls);
	return err;
}
