#include "coi_internal.h"
#include "pki.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define NONCE	12
#define TAG	16
#define HEAD	(2 + 1 + 1 + 4 + 8 + 2 * VMP_COI_ID) /* in the clear, without the nonce */
#define BODY	(HEAD + NONCE)
#define SHORT	(16 + 8 + 16) /* encrypted: challenge, counter, offer */
#define LONG	(SHORT + VMP_COI_SECRET)
#define LONGEST (BODY + LONG + TAG)

_Static_assert(LONGEST <= VMP_COI_MESSAGE, "a message has room");

static const uint8_t start[] = { 'v', 'c', 1 };
static const size_t text_len[] = { [VMP_COI_OFFER] = LONG, [VMP_COI_TAKEN] = SHORT, [VMP_COI_REFUSED] = SHORT,
				   [VMP_COI_DONE] = SHORT, [VMP_COI_ASK] = SHORT,   [VMP_COI_BYE] = SHORT };

static bool is_type(unsigned type)
{
	return type < sizeof(text_len) / sizeof(text_len[0]) && text_len[type] > 0;
}

static uint64_t get(const uint8_t *at, size_t octets)
{
	uint64_t v = 0;

	while (octets--)
		v = v << 8 | *at++;
	return v;
}

static bool is_zero(const uint8_t *data, size_t len)
{
	static const uint8_t none[32];

	return memcmp(data, none, len) == 0;
}

/* All but an ask are about an offer, and asks alone are counted. */
static bool makes_sense(const struct vmp_coi_message *m)
{
	bool ask = m->type == VMP_COI_ASK;

	return ask == is_zero(m->offer, sizeof(m->offer)) && ask == (m->counter > 0);
}

static void head_write(const struct vmp_coi_message *m, const uint8_t nonce[NONCE], uint8_t out[BODY])
{
	uint8_t *at = out;

	memcpy(at, start, sizeof(start));
	at = coi_put(at + sizeof(start), m->type, 1);
	at = coi_put(at, m->epoch, 4);
	at = coi_put(at, m->coi, 8);
	memcpy(at, m->from, VMP_COI_ID);
	memcpy(at + VMP_COI_ID, m->to, VMP_COI_ID);
	memcpy(at + 2 * VMP_COI_ID, nonce, NONCE);
}

static void text_write(const struct vmp_coi_message *m, uint8_t out[LONG])
{
	memcpy(out, m->challenge, 16);
	coi_put(out + 16, m->counter, 8);
	memcpy(out + 24, m->offer, 16);
	if (m->type == VMP_COI_OFFER)
		memcpy(out + SHORT, m->session, VMP_COI_SECRET);
}

static void text_read(const uint8_t text[LONG], struct vmp_coi_message *m)
{
	memcpy(m->challenge, text, 16);
	m->counter = get(text + 16, 8);
	memcpy(m->offer, text + 24, 16);
	if (m->type == VMP_COI_OFFER)
		memcpy(m->session, text + SHORT, VMP_COI_SECRET);
}

/* out has BODY octets of additional data, and room for len and a tag behind them. */
static bool encrypt(const uint8_t key[VMP_COI_SECRET], const uint8_t *text, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *to = out + BODY;
	int n;
	bool good = ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, out + HEAD, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, NULL, &n, out, BODY) == 1 &&
		    EVP_EncryptUpdate(ctx, to, &n, text, (int)len) == 1 && n == (int)len &&
		    EVP_EncryptFinal_ex(ctx, to + len, &n) == 1 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, to + len) == 1;

	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

static bool decrypt(const uint8_t key[VMP_COI_SECRET], const uint8_t *data, size_t len, uint8_t *text)
{
	uint8_t tag[TAG], none[TAG];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool good;
	int n;

	memcpy(tag, data + BODY + len, TAG);
	good = ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, data + HEAD, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, data, BODY) == 1 &&
	       EVP_DecryptUpdate(ctx, text, &n, data + BODY, (int)len) == 1 && n == (int)len &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, none, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

int vmp_coi_seal(const struct vmp_coi_message *message, const uint8_t key[VMP_COI_SECRET], const uint8_t nonce[NONCE],
		 uint8_t *out, size_t *len, struct vmp_msg *msg)
{
	uint8_t text[LONG];
	bool good;

	if (!is_type(message->type) || message->epoch == 0 || message->coi == 0 || !makes_sense(message))
		return vmp_fail(msg, VMP_EINVAL,
				"no message: expected a type, an epoch, a COI, and an offer or a number");
	head_write(message, nonce, out);
	text_write(message, text);
	good = encrypt(key, text, text_len[message->type], out);
	vmp_wipe(text, sizeof(text));
	if (!good)
		return vmp_fail(msg, VMP_EIO, "cannot seal a message");
	*len = BODY + text_len[message->type] + TAG;
	return VMP_OK;
}

int vmp_coi_peek(const uint8_t *data, size_t len, struct vmp_coi_message *out, struct vmp_msg *msg)
{
	struct vmp_coi_message m = { .type = VMP_COI_OFFER };

	if (len < BODY || memcmp(data, start, sizeof(start)) != 0)
		return vmp_fail(msg, VMP_EINVAL, "expected a message between members, of version %d", start[2]);
	if (!is_type(data[3]))
		return vmp_fail(msg, VMP_EINVAL, "a message between members of the unknown type %d", data[3]);
	if (len != BODY + text_len[data[3]] + TAG)
		return vmp_fail(msg, VMP_EINVAL, "a message between members: %zu octets, expected %zu", len,
				BODY + text_len[data[3]] + TAG);
	m.type = (enum vmp_coi_type)data[3];
	m.epoch = (uint32_t)get(data + 4, 4);
	m.coi = get(data + 8, 8);
	if (m.epoch == 0 || m.coi == 0)
		return vmp_fail(msg, VMP_EINVAL, "a message between members without a COI's epoch");
	memcpy(m.from, data + 16, VMP_COI_ID);
	memcpy(m.to, data + 16 + VMP_COI_ID, VMP_COI_ID);
	*out = m;
	return VMP_OK;
}

int vmp_coi_open(const uint8_t *data, size_t len, const uint8_t key[VMP_COI_SECRET], struct vmp_coi_message *out,
		 struct vmp_msg *msg)
{
	struct vmp_coi_message m;
	uint8_t text[LONG];
	int err = vmp_coi_peek(data, len, &m, msg);

	if (err)
		return err;
	if (!decrypt(key, data, text_len[m.type], text)) {
		err = vmp_fail(msg, VMP_EACCES, "a message between members is not sealed with their key");
	} else {
		text_read(text, &m);
		if (makes_sense(&m))
			*out = m;
		else
			err = vmp_fail(msg, VMP_EINVAL, "a message between members: expected %s",
				       m.type == VMP_COI_ASK ? "a number, and no offer" : "an offer, and no number");
	}
	vmp_wipe(text, sizeof(text));
	vmp_wipe(&m, sizeof(m));
	return err;
}
