#include "message.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* How a field stands on the wire. */
enum form { OCTETS, U32, U64, TEXT, KEY, OCSP, LEASE, BLOB };

enum field {
	F_SERIAL,
	F_TOKEN,
	F_KEY,
	F_MAC,
	F_UUID,
	F_LABEL,
	F_NAME,
	F_WG_KEY,
	F_ENDPOINT,
	F_COI,
	F_EPOCH,
	F_SINCE,
	F_WAIT,
	F_KIND,
	F_FROM,
	F_UNTIL,
	F_NUMBER,
	F_SEALED,
	F_OCSP,
	F_ACTION,
	F_OUTCOME,
	F_CAUSE,
	F_LEASE,
	F_ERR,
	F_TEXT,
	F_BLOB,
	FIELDS
};

#define B(field) (1u << (field))

static bool serial_ok(const struct message *m)
{
	return m->serial[0] >= 1 && m->serial[0] <= 127;
}

static bool key_ok(const struct message *m)
{
	return vmp_pubkey_is_sane(&m->key);
}

static bool mac_ok(const struct message *m)
{
	return m->mac > 0 && m->mac < (uint64_t)1 << 48 && !(m->mac >> 40 & 1);
}

static bool uuid_ok(const struct message *m)
{
	char same[VMP_UUID_TEXT];

	return vmp_uuid_parse(m->uuid, strlen(m->uuid), same) == VMP_OK && strcmp(same, m->uuid) == 0;
}

static bool label_ok(const struct message *m)
{
	return m->label[strspn(m->label, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			return false;
	}
	return true;
}

static bool name_ok(const struct message *m)
{
	return printable(m->name);
}

static bool endpoint_ok(const struct message *m)
{
	return printable(m->endpoint);
}

static bool coi_ok(const struct message *m)
{
	return m->coi[0] &&
	       m->coi[strspn(m->coi, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static bool wg_key_ok(const struct message *m)
{
	return strlen(m->wg_key) == 44 && printable(m->wg_key);
}

static bool since_ok(const struct message *m)
{
	return m->since <= INT64_MAX;
}

static bool wait_ok(const struct message *m)
{
	return m->wait <= 3600;
}

static bool kind_ok(const struct message *m)
{
	return m->kind >= VMP_CERT_VM && m->kind <= VMP_CERT_SERVER;
}

static bool times_ok(const struct message *m)
{
	return m->from <= 253402300799 && m->until <= 253402300799;
}

static bool number_ok(const struct message *m)
{
	return m->number > 0 && m->number <= INT64_MAX;
}

static bool action_ok(const struct message *m)
{
	return m->action <= VMP_COA_TEST;
}

static bool outcome_ok(const struct message *m)
{
	return m->outcome > 0 && m->outcome < COA_OUTCOMES;
}

static bool is_product(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return i > 0;
}

static bool lease_ok(const struct message *m)
{
	const struct message_lease *l = &m->lease;
	const uint64_t amounts[] = { l->has, l->in_use, l->wants, l->least, l->elsewhere };
	char same[VMP_UUID_TEXT];
	size_t i;

	for (i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		if (amounts[i] > VMP_LEASE_MAX)
			return false;
	}
	return is_product(l->product) && vmp_uuid_parse(l->id, strlen(l->id), same) == VMP_OK &&
	       strcmp(same, l->id) == 0 && l->seen <= INT64_MAX && l->all <= 1 && l->n_started <= MESSAGE_UUIDS &&
	       l->n_stopped <= MESSAGE_UUIDS - l->n_started;
}

static bool err_ok(const struct message *m)
{
	return m->err <= -VMP_EACCES;
}

#define AT(member) offsetof(struct message, member), sizeof(((struct message *)0)->member)

static const struct {
	enum form form;
	size_t offset, size;
	bool (*ok)(const struct message *m); /* NULL: anything goes */
} fields[FIELDS] = {
	[F_SERIAL] = { OCTETS, AT(serial), serial_ok },
	[F_TOKEN] = { OCTETS, AT(token), NULL },
	[F_KEY] = { KEY, AT(key), key_ok },
	[F_MAC] = { U64, AT(mac), mac_ok },
	[F_UUID] = { TEXT, AT(uuid), uuid_ok },
	[F_LABEL] = { TEXT, AT(label), label_ok },
	[F_NAME] = { TEXT, AT(name), name_ok },
	[F_WG_KEY] = { TEXT, AT(wg_key), wg_key_ok },
	[F_ENDPOINT] = { TEXT, AT(endpoint), endpoint_ok },
	[F_COI] = { TEXT, AT(coi), coi_ok },
	[F_EPOCH] = { U32, AT(epoch), NULL },
	[F_SINCE] = { U64, AT(since), since_ok },
	[F_WAIT] = { U32, AT(wait), wait_ok },
	[F_KIND] = { U32, AT(kind), kind_ok },
	[F_FROM] = { U64, AT(from), times_ok },
	[F_UNTIL] = { U64, AT(until), times_ok },
	[F_NUMBER] = { U64, AT(number), number_ok },
	[F_SEALED] = { OCTETS, AT(sealed), NULL },
	[F_OCSP] = { OCSP, AT(ocsp), NULL },
	[F_ACTION] = { U32, AT(action), action_ok },
	[F_OUTCOME] = { U32, AT(outcome), outcome_ok },
	[F_CAUSE] = { U32, AT(cause), NULL },
	[F_LEASE] = { LEASE, 0, 0, lease_ok },
	[F_ERR] = { U32, AT(err), err_ok },
	[F_TEXT] = { TEXT, AT(text), NULL },
	[F_BLOB] = { BLOB, 0, 0, NULL },
};

static const struct {
	const char *name;
	uint32_t fields; /* bits */
} types[M_TYPES] = {
	[M_REPLY] = { "reply", B(F_ERR) | B(F_TEXT) | B(F_BLOB) },
	[M_SERVER] = { "server", B(F_KEY) },
	[M_CHAIN] = { "chain", 0 },
	[M_ENROL] = { "enrol", B(F_TOKEN) | B(F_KEY) | B(F_LABEL) },
	[M_RENEW] = { "renew", B(F_SERIAL) | B(F_KEY) | B(F_LABEL) },
	[M_START] = { "start", B(F_SERIAL) | B(F_UUID) | B(F_MAC) | B(F_LABEL) | B(F_NAME) },
	[M_STOP] = { "stop", B(F_SERIAL) | B(F_UUID) },
	[M_SELF] = { "self", B(F_SERIAL) | B(F_WG_KEY) | B(F_ENDPOINT) },
	[M_COI_KEYS] = { "coi-keys", B(F_SERIAL) },
	[M_COI_ACK] = { "coi-ack", B(F_SERIAL) | B(F_COI) | B(F_EPOCH) },
	[M_DIRECTORY] = { "directory", B(F_SERIAL) | B(F_SINCE) | B(F_WAIT) },
	[M_NOTICES] = { "notices", B(F_SERIAL) | B(F_SINCE) | B(F_WAIT) },
	[M_OCSP] = { "ocsp", B(F_OCSP) },
	[M_CRL] = { "crl", 0 },
	[M_HEALTH] = { "health", 0 },
	[M_METRICS] = { "metrics", 0 },
	[M_CHAIN_PEM] = { "chain-pem", 0 },
	[M_ISSUE] = { "issue", B(F_SERIAL) | B(F_KEY) | B(F_LABEL) | B(F_NAME) | B(F_KIND) | B(F_FROM) | B(F_UNTIL) },
	[M_NEW_KEY] = { "new-key", B(F_NUMBER) | B(F_EPOCH) },
	[M_WRAP] = { "wrap", B(F_SERIAL) | B(F_COI) | B(F_EPOCH) | B(F_FROM) | B(F_UNTIL) | B(F_NUMBER) | B(F_SEALED) |
				     B(F_BLOB) },
	[M_SIGN_OCSP] = { "sign-ocsp", B(F_FROM) | B(F_UNTIL) | B(F_OCSP) },
	[M_SIGN_CRL] = { "sign-crl", B(F_FROM) | B(F_UNTIL) | B(F_NUMBER) | B(F_BLOB) },
	[M_COA] = { "coa", B(F_ACTION) | B(F_NUMBER) | B(F_BLOB) },
	[M_COA_RESULT] = { "coa-result", B(F_ACTION) | B(F_OUTCOME) | B(F_CAUSE) | B(F_NUMBER) | B(F_TEXT) },
	[M_LICENCE] = { "licence", B(F_SERIAL) | B(F_LEASE) },
	[M_LICENCE_WATCH] = { "licence-watch", B(F_SERIAL) | B(F_SINCE) | B(F_WAIT) },
	[M_FILTERS] = { "filters", B(F_SERIAL) | B(F_SINCE) | B(F_WAIT) },
};

const char *message_name(enum message_type type)
{
	return type > 0 && type < M_TYPES ? types[type].name : "unknown";
}

/* -- writing ------------------------------------------------------------------------------------------------ */

static void put(struct evbuffer *out, const void *data, size_t len, int *err)
{
	if (evbuffer_add(out, data, len) != 0)
		*err = VMP_ENOMEM;
}

static void put_num(struct evbuffer *out, uint64_t v, int octets, int *err)
{
	uint8_t raw[8];
	int i;

	for (i = 0; i < octets; i++)
		raw[i] = (uint8_t)(v >> 8 * (octets - 1 - i));
	put(out, raw, (size_t)octets, err);
}

static void put_sized(struct evbuffer *out, const void *data, size_t len, int *err)
{
	put_num(out, len, 4, err);
	put(out, data, len, err);
}

static void put_ocsp(struct evbuffer *out, const struct vmp_ocsp *o, int *err)
{
	size_t i;

	put_sized(out, o->nonce, o->nonce_len, err);
	put_num(out, o->n, 1, err);
	for (i = 0; i < o->n; i++) {
		put_sized(out, o->item[i].cert_id, o->item[i].cert_id_len, err);
		put_num(out, o->item[i].ours, 1, err);
		put(out, o->item[i].serial, VMP_SERIAL, err);
		put_num(out, o->item[i].status, 1, err);
		put_num(out, (uint64_t)o->item[i].revoked_at, 8, err);
		put_num(out, o->item[i].reason, 1, err);
	}
}

/* The numbers of a lease, in the order in which they stand on the wire. */
static const size_t amounts[] = {
	offsetof(struct message_lease, seen),	offsetof(struct message_lease, has),
	offsetof(struct message_lease, in_use), offsetof(struct message_lease, wants),
	offsetof(struct message_lease, least),	offsetof(struct message_lease, elsewhere),
};
#define AMOUNTS (sizeof(amounts) / sizeof(amounts[0]))

static void put_lease(struct evbuffer *out, const struct message_lease *l, int *err)
{
	uint64_t amount;
	size_t i;

	put_sized(out, l->product, strnlen(l->product, sizeof(l->product) - 1), err);
	put_sized(out, l->id, strnlen(l->id, sizeof(l->id) - 1), err);
	for (i = 0; i < AMOUNTS; i++) {
		memcpy(&amount, (const char *)l + amounts[i], sizeof(amount));
		put_num(out, amount, 8, err);
	}
	put_num(out, l->all, 1, err);
	put_num(out, l->n_started, 4, err);
	put_num(out, l->n_stopped, 4, err);
	put(out, l->uuids, ((size_t)l->n_started + l->n_stopped) * MESSAGE_UUID, err);
}

static void put_field(struct evbuffer *out, const struct message *m, enum field f, int *err)
{
	const char *at = (const char *)m + fields[f].offset;
	uint64_t wide;
	uint32_t narrow;

	switch (fields[f].form) {
	case OCTETS:
		put(out, at, fields[f].size, err);
		break;
	case U32:
		memcpy(&narrow, at, sizeof(narrow));
		put_num(out, narrow, 4, err);
		break;
	case U64:
		memcpy(&wide, at, sizeof(wide));
		put_num(out, wide, 8, err);
		break;
	case TEXT:
		put_sized(out, at, strnlen(at, fields[f].size - 1), err);
		break;
	case KEY:
		put_num(out, m->key.type, 1, err);
		put_sized(out, m->key.bits, m->key.len, err);
		break;
	case OCSP:
		put_ocsp(out, &m->ocsp, err);
		break;
	case LEASE:
		put_lease(out, &m->lease, err);
		break;
	case BLOB:
		put_sized(out, m->blob, m->blob_len, err);
		break;
	}
}

bool message_is_sane(const struct message *m)
{
	int f;

	for (f = 0; f < FIELDS; f++) {
		if (types[m->type].fields & B(f) && fields[f].ok && !fields[f].ok(m))
			return false;
	}
	return true;
}

int message_write(const struct message *m, struct evbuffer *out)
{
	struct evbuffer *payload;
	int f, err = VMP_OK;

	if (!message_is_sane(m))
		return VMP_EINVAL;
	payload = evbuffer_new();
	if (!payload)
		return VMP_ENOMEM;
	for (f = 0; f < FIELDS; f++) {
		if (types[m->type].fields & B(f))
			put_field(payload, m, (enum field)f, &err);
	}
	if (evbuffer_get_length(payload) > MESSAGE_MAX)
		err = VMP_EINVAL;
	if (err == VMP_OK) {
		put_num(out, evbuffer_get_length(payload), 4, &err);
		put_num(out, m->type, 2, &err);
		put_num(out, 0, 2, &err);
		put_num(out, m->id, 8, &err);
		if (evbuffer_add_buffer(out, payload) != 0)
			err = VMP_ENOMEM;
	}
	evbuffer_free(payload);
	return err;
}

/* -- reading ------------------------------------------------------------------------------------------------ */

/* Once bad, it stays so, and every read gives zeros. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct cursor *c, size_t len)
{
	const uint8_t *at = c->at;

	if (c->bad || len > c->left) {
		c->bad = true;
		return NULL;
	}
	c->at += len;
	c->left -= len;
	return at;
}

static void take_octets(struct cursor *c, void *out, size_t len)
{
	const uint8_t *at = take(c, len);

	if (at && len)
		memcpy(out, at, len);
}

static uint64_t take_num(struct cursor *c, int octets)
{
	const uint8_t *at = take(c, (size_t)octets);
	uint64_t v = 0;
	int i;

	for (i = 0; at && i < octets; i++)
		v = v << 8 | at[i];
	return v;
}

/* Length, then octets, of which there may be at most room. @return the length */
static size_t take_sized(struct cursor *c, void *out, size_t room)
{
	size_t len = take_num(c, 4);

	if (len > room)
		c->bad = true;
	take_octets(c, out, len);
	return c->bad ? 0 : len;
}

static void take_text(struct cursor *c, char *out, size_t size)
{
	size_t len = take_sized(c, out, size - 1);

	out[len] = '\0';
	if (memchr(out, '\0', len))
		c->bad = true;
}

static void take_ocsp(struct cursor *c, struct vmp_ocsp *o)
{
	size_t i;

	o->nonce_len = (uint8_t)take_sized(c, o->nonce, sizeof(o->nonce));
	o->n = (uint8_t)take_num(c, 1);
	if (o->n < 1 || o->n > VMP_OCSP_SERIALS)
		c->bad = true;
	for (i = 0; i < o->n && !c->bad; i++) {
		unsigned ours, status;

		o->item[i].cert_id_len = (uint8_t)take_sized(c, o->item[i].cert_id, sizeof(o->item[i].cert_id));
		ours = (unsigned)take_num(c, 1);
		take_octets(c, o->item[i].serial, VMP_SERIAL);
		status = (unsigned)take_num(c, 1);
		o->item[i].revoked_at = (int64_t)take_num(c, 8);
		o->item[i].reason = (uint8_t)take_num(c, 1);
		if (ours > 1 || status > VMP_OCSP_UNKNOWN || o->item[i].reason > 10 || o->item[i].revoked_at < 0)
			c->bad = true;
		o->item[i].ours = ours & 1;
		o->item[i].status = (enum vmp_ocsp_status)(c->bad ? 0 : status);
	}
}

static void take_lease(struct cursor *c, struct message_lease *l)
{
	uint64_t amount;
	size_t i;

	take_text(c, l->product, sizeof(l->product));
	take_text(c, l->id, sizeof(l->id));
	for (i = 0; i < AMOUNTS; i++) {
		amount = take_num(c, 8);
		memcpy((char *)l + amounts[i], &amount, sizeof(amount));
	}
	l->all = (uint32_t)take_num(c, 1);
	l->n_started = (uint32_t)take_num(c, 4);
	l->n_stopped = (uint32_t)take_num(c, 4);
	l->uuids = take(c, ((size_t)l->n_started + l->n_stopped) * MESSAGE_UUID);
}

static void take_field(struct cursor *c, struct message *m, enum field f)
{
	char *at = (char *)m + fields[f].offset;
	uint64_t wide;
	uint32_t narrow;

	switch (fields[f].form) {
	case OCTETS:
		take_octets(c, at, fields[f].size);
		break;
	case U32:
		narrow = (uint32_t)take_num(c, 4);
		memcpy(at, &narrow, sizeof(narrow));
		break;
	case U64:
		wide = take_num(c, 8);
		memcpy(at, &wide, sizeof(wide));
		break;
	case TEXT:
		take_text(c, at, fields[f].size);
		break;
	case KEY:
		m->key.type = (enum vmp_key_type)take_num(c, 1);
		m->key.len = (uint16_t)take_sized(c, m->key.bits, sizeof(m->key.bits));
		break;
	case OCSP:
		take_ocsp(c, &m->ocsp);
		break;
	case LEASE:
		take_lease(c, &m->lease);
		break;
	case BLOB:
		m->blob_len = take_num(c, 4);
		m->blob = take(c, m->blob_len);
		break;
	}
}

int message_length(const uint8_t *head, size_t *len)
{
	struct cursor c = { .at = head, .left = MESSAGE_HEADER };
	uint64_t payload = take_num(&c, 4), type = take_num(&c, 2), zero = take_num(&c, 2);

	if (payload > MESSAGE_MAX || type < M_REPLY || type >= M_TYPES || zero != 0)
		return VMP_EINVAL;
	*len = MESSAGE_HEADER + payload;
	return VMP_OK;
}

int message_read(const uint8_t *frame, size_t len, struct message *out)
{
	struct cursor c = { .at = frame, .left = len };
	size_t whole;
	int f;

	if (len < MESSAGE_HEADER || message_length(frame, &whole) != VMP_OK || whole != len)
		return VMP_EINVAL;
	memset(out, 0, sizeof(*out));
	take(&c, 4);
	out->type = (enum message_type)take_num(&c, 2);
	take(&c, 2);
	out->id = take_num(&c, 8);
	for (f = 0; f < FIELDS && !c.bad; f++) {
		if (!(types[out->type].fields & B(f)))
			continue;
		take_field(&c, out, (enum field)f);
		if (!c.bad && fields[f].ok && !fields[f].ok(out))
			c.bad = true;
	}
	return c.bad || c.left ? VMP_EINVAL : VMP_OK;
}
