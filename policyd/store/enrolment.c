/* Certificates: a first one by join token, further ones by the one before, policyd's own. */
#include "log.h"
#include "mac.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

/* [s] life of policyd's own certificate; net renews it at half of it. */
#define SERVER_LIFE 86400

/* What is kept while the signer works. */
struct order {
	struct vmp_enrolment e;
	struct vmp_cert_row row;
};

static void draw_serial(uint8_t serial[VMP_SERIAL])
{
	if (vmp_random(serial, VMP_SERIAL) != VMP_OK)
		abort();
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, and never shorter */
}

static int64_t life_of(const struct state *s, const struct vmp_identity *who)
{
	if (who->life_s)
		return who->life_s;
	return who->kind == VMP_CERT_HOST ? s->config->host_life : s->config->vm_life;
}

/* Whom and what the certificate names. */
static void fill_message(const struct order *o, struct message *m)
{
	const struct vmp_identity *who = &o->row.who;
	char mac[VMP_MAC_TEXT];

	m->type = M_ISSUE;
	memcpy(m->serial, who->serial, sizeof(m->serial));
	m->kind = who->kind;
	m->from = (uint64_t)who->not_before;
	m->until = (uint64_t)who->not_after;
	if (who->kind == VMP_CERT_HOST) {
		snprintf(m->label, sizeof(m->label), "%s", who->dns);
		snprintf(m->name, sizeof(m->name), "%.64s", strlen(who->dns) <= 64 ? who->dns : who->name);
	} else {
		vmp_mac_format(who->mac, mac);
		snprintf(m->label, sizeof(m->label), "%s", who->uuid);
		snprintf(m->name, sizeof(m->name), "%s", mac);
	}
}

static int recorded(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	struct order *o = job->data;
	char actor[STATE_ACTOR], serial[2 * VMP_SERIAL + 1];
	int err;

	o->row.der = reply->blob;
	o->row.der_len = reply->blob_len;
	err = vmp_store_enrol(s->store, &o->e, &o->row, &s->clock, msg);
	if (err == VMP_OK && o->e.done) /* another request with the same key was faster */
		return state_answer(s, job->net_id, o->e.der, o->e.der_len);
	vmp_hex(o->row.who.serial, VMP_SERIAL, serial);
	state_actor(&o->row.who, actor);
	if (err == VMP_OK)
		err = state_audit(s, o->e.by_token ? "enrolled" : "renewed", actor, actor, serial, msg);
	if (err == VMP_OK)
		err = state_answer(s, job->net_id, reply->blob, reply->blob_len);
	if (err != VMP_OK)
		return err;
	vmp_log(VMP_LOG_INFO, o->e.by_token ? "enrolled" : "renewed", "whom", actor, "uuid",
		*o->row.who.uuid ? o->row.who.uuid : NULL, "serial", serial, NULL);
	metric_add(o->e.by_token ? METRIC_ISSUED_TOKEN : METRIC_ISSUED_RENEWAL, 1);
	return VMP_OK;
}

/* Have a certificate made for o->e.who; o is taken. */
static int issue(struct state *s, const struct message *m, struct order *o)
{
	struct message ask = { .key = m->key };
	struct vmp_cert_row *row = &o->row;

	row->who = o->e.who;
	row->who.kind = o->e.who.next_kind;
	draw_serial(row->who.serial);
	row->who.not_before = s->clock.now - STATE_BACKDATE;
	row->who.not_after = s->clock.now + life_of(s, &o->e.who);
	row->issued_at = s->clock.now;
	memcpy(row->key_digest, o->e.key_digest, VMP_DIGEST);
	fill_message(o, &ask);
	snprintf(row->subject, sizeof(row->subject), "%s", ask.name);
	return state_ask(s, m, &ask, recorded, NULL, o);
}

int enrolment_token(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct order *o = calloc(1, sizeof(*o));
	uint8_t digest[VMP_DIGEST];
	int err = o ? vmp_pubkey_digest(&m->key, digest) : VMP_ENOMEM;

	if (err == VMP_OK)
		err = vmp_store_token_check(s->store, m->token, &s->clock, *m->label ? m->label : NULL, digest, &o->e,
					    msg);
	if (err == VMP_OK && !o->e.done)
		return issue(s, m, o);
	if (err == VMP_OK)
		err = state_answer(s, m->id, o->e.der, o->e.der_len);
	else if (o)
		s->asker = o->e.who; /* whose token it was */
	free(o);
	return err;
}

static bool label_fits(const struct vmp_identity *who, const char *label)
{
	return !*label || strcasecmp(label, who->kind == VMP_CERT_HOST ? "host" : who->template_name) == 0;
}

int enrolment_renew(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct order *o = calloc(1, sizeof(*o));
	int err = o ? state_identify(s, m, STATE_GUESTS | STATE_HOSTS, &o->e.who, msg) : VMP_ENOMEM;

	if (err == VMP_OK && !label_fits(&o->e.who, m->label))
		err = vmp_fail(msg, VMP_EACCES, "label %s: expected the template's, %s", m->label,
			       o->e.who.kind == VMP_CERT_HOST ? "host" : o->e.who.template_name);
	if (err == VMP_OK)
		err = vmp_pubkey_digest(&m->key, o->e.key_digest);
	if (err == VMP_OK) {
		o->e.der_len = sizeof(o->e.der);
		err = vmp_store_cert_prepared(s->store, &o->e.who, o->e.key_digest, s->clock.now, o->e.der,
					      &o->e.der_len, msg);
		if (err == VMP_ENOENT)
			return issue(s, m, o);
	}
	if (err == VMP_OK)
		err = state_answer(s, m->id, o->e.der, o->e.der_len);
	free(o);
	return err;
}

/* -- policyd's own ------------------------------------------------------------------------------------------- */

static int server_recorded(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	struct order *o = job->data;
	int err;

	o->row.der = reply->blob;
	o->row.der_len = reply->blob_len;
	err = vmp_store_cert_add(s->store, &o->row, msg);
	return err == VMP_OK ? state_answer(s, job->net_id, reply->blob, reply->blob_len) : err;
}

int enrolment_server(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct message ask = { .type = M_ISSUE, .kind = VMP_CERT_SERVER, .key = m->key };
	struct order *o = calloc(1, sizeof(*o));
	struct vmp_cert_row *row;

	if (!o)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	row = &o->row;
	row->who.kind = VMP_CERT_SERVER;
	draw_serial(row->who.serial);
	memcpy(ask.serial, row->who.serial, sizeof(ask.serial));
	ask.from = (uint64_t)(row->who.not_before = s->clock.now - STATE_BACKDATE);
	ask.until = (uint64_t)(row->who.not_after = s->clock.now + SERVER_LIFE);
	row->issued_at = s->clock.now;
	snprintf(row->subject, sizeof(row->subject), "policyd");
	if (vmp_pubkey_digest(&m->key, row->key_digest) != VMP_OK) {
		free(o);
		return VMP_EINVAL;
	}
	return state_ask(s, m, &ask, server_recorded, NULL, o);
}

/* -- the CA's chain ------------------------------------------------------------------------------------------- */

static int keep_pem(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	(void)job;
	(void)msg;
	free(s->chain_pem);
	s->chain_pem = strndup((const char *)reply->blob, reply->blob_len);
	return s->chain_pem ? VMP_OK : VMP_ENOMEM;
}

static int keep_der(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	(void)msg;
	if (!s->chain_der && (s->chain_der = malloc(reply->blob_len ? reply->blob_len : 1))) {
		memcpy(s->chain_der, reply->blob, reply->blob_len);
		s->chain_der_len = reply->blob_len;
	}
	return job->net_id ? state_answer(s, job->net_id, reply->blob, reply->blob_len) : VMP_OK;
}

void enrolment_begin(struct state *s)
{
	struct message pem = { .type = M_CHAIN_PEM }, der = { .type = M_CHAIN };

	if (state_ask(s, NULL, &pem, keep_pem, NULL, NULL) < 0 || state_ask(s, NULL, &der, keep_der, NULL, NULL) < 0)
		vmp_log(VMP_LOG_ERROR, "out-of-memory", NULL);
}

int enrolment_chain(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct message ask = { .type = M_CHAIN };

	(void)msg;
	if (s->chain_der)
		return state_answer(s, m->id, s->chain_der, s->chain_der_len);
	return state_ask(s, m, &ask, keep_der, NULL, NULL);
}
