#include "identity_tls.h"
#include "loop.h"

#define CA_MAX 64 /* certificates in a file of those that are trusted */

static struct vmp_tls_identity *tls;

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

static int use(void *ctx, struct vmp_msg *msg)
{
	struct vmp_tls_identity *made;
	int err = make_tls(loop.config, &made, msg);

	(void)ctx;
	if (err)
		return err;
	vmp_tls_identity_free(tls);
	tls = made;
	return VMP_OK;
}

static struct identity_settings settings_of(const struct config *config)
{
	return (struct identity_settings){
		.certificate = config->certificate,
		.key = config->key,
		.ca = config->eap_ca,
		.enrol = config->enrol,
		.client = loop.policyd,
		.label = "host",
		.token_file = config->token_file,
		.owner = "the host",
		.expected = "a token in [policyd] token_file, or vmprov-hostctl enrol",
		.use = use,
	};
}

int identity_tls_init(struct vmp_msg *msg)
{
	const struct identity_settings settings = settings_of(loop.config);

	return identity_init(loop.base, &settings, msg);
}

void identity_tls_free(void)
{
	identity_free();
	vmp_tls_identity_free(tls);
	tls = NULL;
}

struct vmp_tls_identity *identity_tls(void)
{
	return tls;
}

int identity_tls_check(const struct config *config, struct vmp_msg *msg)
{
	const struct identity_settings settings = settings_of(config);
	struct vmp_tls_identity *made = NULL;
	int err = identity_check(&settings, msg);

	if (!err && *config->policyd_url)
		err = vmp_certs_check(config->policyd_ca, CA_MAX, msg);
	if (!err && vmp_ini_has_word(config->methods, "tls"))
		err = vmp_certs_check(config->eap_ca, CA_MAX, msg);
	/* Where hostd makes and renews them, what is wrong with the pair is no matter of the configuration. */
	if (!err && !config->enrol)
		err = make_tls(config, &made, msg);
	vmp_tls_identity_free(made);
	return err;
}
