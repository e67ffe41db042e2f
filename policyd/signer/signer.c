/* The signer: the only process with the CA's key and the COI master key.  It has no network and no files, and does what
 * the store process asks: it sees no octet that came from outside, except public keys that net has checked. */
#include "channel.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* [octets] of an answer, except a CRL */
#define ROOM VMP_ENVELOPE_MAX
/* [s] life of the certificate that signs COI keys; renewed at half of it */
#define SIGNER_LIFE (7 * 86400)
/* [s] that certificates begin before now, for clients whose clock is behind */
#define BACKDATE 300

static struct signer {
	const struct config *config;
	struct vmp_ca *ca;
	struct vmp_master *master;
	struct vmp_cms_signer *cms;
	time_t cms_since;
	struct channel *store;
} signer;

unsigned signer_needs(const struct proc_env *env)
{
	/* A URI is some provider's, which may need files and sockets for every signature. */
	bool elsewhere = strchr(env->config->ca_key, ':') && env->config->ca_key[0] != '/';

	return elsewhere ? VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS : 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* The directory that a file is to stand in.  Keys have modes of their own. */
static int make_directory(const char *path, struct vmp_msg *msg)
{
	char dir[VMP_INI_TEXT];
	char *slash;

	strncpy(dir, path, sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = '\0';
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return VMP_OK;
	*slash = '\0';
	if (!exists(dir) && mkdir(dir, 0755) != 0)
		return vmp_fail(msg, VMP_EIO, "%s: cannot make the directory: %m", dir);
	return VMP_OK;
}

/* Is there no CA, and may one be made?  Not where its key is a token's. */
static bool lacks_ca(const struct config *c)
{
	return c->ca_create && c->ca_key[0] == '/' && !exists(c->ca_certificate);
}

static bool lacks_master(const struct config *c)
{
	return c->ca_create && c->master_key[0] == '/' && !*c->master_unlock && !exists(c->master_key);
}

static int make_ca(const struct config *c, struct vmp_msg *msg)
{
	int err = make_directory(c->ca_certificate, msg);

	if (err == VMP_OK)
		err = make_directory(c->ca_key, msg);
	if (err == VMP_OK)
		err = vmp_ca_create(c->ca_certificate, c->ca_key, c->ca_name, (int)(c->ca_life / 86400), msg);
	if (err == VMP_OK)
		vmp_log(VMP_LOG_INFO, "ca-created", "certificate", c->ca_certificate, "name", c->ca_name, NULL);
	return err;
}

static int make_master(const struct config *c, struct vmp_msg *msg)
{
	int err = make_directory(c->master_key, msg);

	if (err == VMP_OK)
		err = vmp_master_create(c->master_key, msg);
	if (err == VMP_OK)
		vmp_log(VMP_LOG_INFO, "master-key-created", "file", c->master_key, NULL);
	return err;
}

static int open_master(const struct config *c, struct vmp_master **out, struct vmp_msg *msg)
{
	return vmp_master_open(out, c->master_key, *c->master_unlock ? c->master_unlock : NULL, msg);
}

int signer_check(const struct config *config, struct vmp_msg *msg)
{
	struct vmp_ca *ca = NULL;
	struct vmp_master *master = NULL;
	int err = lacks_ca(config) ? VMP_OK : vmp_ca_open(&ca, config->ca_certificate, config->ca_key, msg);

	if (err == VMP_OK && !lacks_master(config))
		err = open_master(config, &master, msg);
	vmp_ca_free(ca);
	vmp_master_free(master);
	return err;
}

int signer_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	const struct config *c = signer.config = env->config;
	int err = lacks_ca(c) ? make_ca(c, msg) : VMP_OK;

	if (err == VMP_OK && lacks_master(c))
		err = make_master(c, msg);
	if (err == VMP_OK)
		err = vmp_ca_open(&signer.ca, c->ca_certificate, c->ca_key, msg);
	return err == VMP_OK ? open_master(c, &signer.master, msg) : err;
}

/* -- what is asked -------------------------------------------------------------------------------------------- */

/* An answer's octets: room for most, heap for the rest. */
struct answer {
	uint8_t room[ROOM];
	size_t len;
	uint8_t *heap; /* instead of room, if not NULL */
	struct vmp_msg msg;
};

static int on_chain(const struct message *m, struct answer *a)
{
	size_t len;
	const uint8_t *der = vmp_ca_chain_der(signer.ca, &len);

	(void)m;
	a->heap = malloc(len);
	if (!a->heap)
		return VMP_ENOMEM;
	memcpy(a->heap, der, len);
	a->len = len;
	return VMP_OK;
}

static int on_chain_pem(const struct message *m, struct answer *a)
{
	(void)m;
	a->heap = (uint8_t *)strdup(vmp_ca_chain_pem(signer.ca));
	if (!a->heap)
		return VMP_ENOMEM;
	a->len = strlen((char *)a->heap);
	return VMP_OK;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/* The server's names stand in the configuration, not in the message: net cannot choose them. */
static void server_names(struct vmp_cert_order *order, char room[16][VMP_INI_TEXT])
{
	const char *at = signer.config->names;
	size_t n = 0;

	while (n < 15 && vmp_ini_word(&at, room[n], VMP_INI_TEXT)) {
		order->dns[n] = room[n];
		n++;
	}
	order->common_name = strlen(room[0]) <= 64 ? room[0] : "policyd";
}

static int on_issue(const struct message *m, struct answer *a)
{
	struct vmp_cert_order order = {
		.kind = (enum vmp_cert_kind)m->kind,
		.not_before = (int64_t)m->from,
		.not_after = (int64_t)m->until,
		.common_name = m->name,
		.crl_url = or_null(signer.config->crl_url),
		.ocsp_url = or_null(signer.config->ocsp_url),
		.key = m->key,
	};
	char uri[sizeof("urn:uuid:") + VMP_UUID_TEXT], names[16][VMP_INI_TEXT];

	memcpy(order.serial, m->serial, sizeof(order.serial));
	if (order.kind == VMP_CERT_SERVER) {
		server_names(&order, names);
	} else if (order.kind == VMP_CERT_HOST) {
		order.dns[0] = m->label;
	} else {
		snprintf(uri, sizeof(uri), "urn:uuid:%.36s", m->label);
		order.uri = uri;
	}
	return vmp_ca_issue(signer.ca, &order, a->room, &a->len, &a->msg);
}

static int on_new_key(const struct message *m, struct answer *a)
{
	a->len = VMP_SEALED;
	return vmp_seal_new(signer.master, (int64_t)m->number, m->epoch, a->room, &a->msg);
}

/* The certificate that signs COI keys: made here, renewed here. */
static int have_cms(struct vmp_msg *msg)
{
	uint8_t serial[VMP_SERIAL];
	time_t now = time(NULL);
	struct vmp_cms_signer *next;
	int err;

	/* A clock that was set back makes it look young, or not yet valid: then another one as well. */
	if (signer.cms && now >= signer.cms_since && now - signer.cms_since < SIGNER_LIFE / 2)
		return VMP_OK;
	err = vmp_random(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
	if (err == VMP_OK)
		err = vmp_cms_signer_new(&next, signer.ca, serial, now - BACKDATE, now + SIGNER_LIFE, msg);
	if (err != VMP_OK)
		return err;
	vmp_cms_signer_free(signer.cms);
	signer.cms = next;
	signer.cms_since = now;
	return VMP_OK;
}

static int on_wrap(const struct message *m, struct answer *a)
{
	struct vmp_coi_key key = { .epoch = m->epoch, .not_before = (int64_t)m->from, .not_after = (int64_t)m->until };
	int err = have_cms(&a->msg);

	memcpy(key.coi, m->coi, sizeof(key.coi));
	vmp_hex(m->serial, sizeof(m->serial), key.serial);
	if (err == VMP_OK)
		err = vmp_seal_open(signer.master, (int64_t)m->number, m->epoch, m->sealed, sizeof(m->sealed), key.key,
				    &a->msg);
	if (err == VMP_OK)
		err = vmp_cms_seal(signer.cms, m->blob, m->blob_len, &key, a->room, &a->len, &a->msg);
	vmp_wipe(&key, sizeof(key));
	return err;
}

static int on_sign_ocsp(const struct message *m, struct answer *a)
{
	return vmp_ca_ocsp(signer.ca, &m->ocsp, (int64_t)m->from, (int64_t)m->until, a->room, &a->len, &a->msg);
}

static int64_t read_time(const uint8_t *at)
{
	int64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return v;
}

static int on_sign_crl(const struct message *m, struct answer *a)
{
	size_t n = m->blob_len / MESSAGE_REVOKED, i;
	struct vmp_revoked *list = calloc(n ? n : 1, sizeof(*list));
	int err;

	if (!list)
		return VMP_ENOMEM;
	for (i = 0; i < n; i++) {
		const uint8_t *at = m->blob + i * MESSAGE_REVOKED;

		memcpy(list[i].serial, at, VMP_SERIAL);
		list[i].at = read_time(at + VMP_SERIAL);
		list[i].reason = at[VMP_SERIAL + 8];
	}
	err = vmp_ca_crl(signer.ca, list, n, (int64_t)m->number, (int64_t)m->from, (int64_t)m->until, &a->heap, &a->len,
			 &a->msg);
	free(list);
	return err;
}

static int (*const handlers[M_TYPES])(const struct message *m, struct answer *a) = {
	[M_CHAIN] = on_chain, [M_CHAIN_PEM] = on_chain_pem, [M_ISSUE] = on_issue,	[M_NEW_KEY] = on_new_key,
	[M_WRAP] = on_wrap,   [M_SIGN_OCSP] = on_sign_ocsp, [M_SIGN_CRL] = on_sign_crl,
};

static void answer_one(const struct message *m)
{
	struct answer a;
	struct message reply = { .type = M_REPLY, .id = m->id };
	int err = VMP_EINVAL;

	a.len = sizeof(a.room);
	a.heap = NULL;
	a.msg.text[0] = '\0';
	if (handlers[m->type])
		err = handlers[m->type](m, &a);
	else
		vmp_fail(&a.msg, err, "the signer does not do %s", message_name(m->type));
	if (err == VMP_OK) {
		reply.blob = a.heap ? a.heap : a.room;
		reply.blob_len = a.len;
	} else {
		vmp_log(VMP_LOG_ERROR, "signer-refused", "type", message_name(m->type), "why", a.msg.text, NULL);
	}
	reply.err = (uint32_t)-err;
	memcpy(reply.text, a.msg.text, sizeof(reply.text));
	channel_send(signer.store, &reply);
	free(a.heap);
}

static void ready(void *ctx)
{
	struct message m;

	(void)ctx;
	while (channel_next(signer.store, &m))
		answer_one(&m);
}

int signer_run(const struct proc_env *env, struct vmp_msg *msg)
{
	struct event_base *base = event_base_new();

	if (!base || !(signer.store = channel_new(base, env->channel[PROC_STORE], "store", ready, NULL)))
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	event_base_dispatch(base);
	channel_free(signer.store);
	event_base_free(base);
	return VMP_OK;
}
