/* What a network may do to a guest: frames, truths and lies, and time.  Each step is an octet that says what, and what
 * belongs to it.  An authorized port must stay so until an EAP-Failure or a logoff, and open by an EAP-Success alone.
 */
#include "eap.h"
#include "supplicant.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUEST  0x525400aabbccULL
#define SWITCH 0x020000000001ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step { FRAME, PASS, START, LOGOFF, REQUEST, END, PASSWORD, IDENTITY, STEPS };

struct world {
	const uint8_t *p, *end;
	struct vmp_supplicant *s;
	struct vmp_tls_identity *tls;
	bool has_password, has_tls, group;
	uint64_t now;
	int code; /* of the EAP packet that is being given; 0: none */
	uint8_t id;
};

/* -- the input -- */

static uint8_t octet(struct world *w)
{
	return (uint8_t)(w->p < w->end ? *w->p++ : 0);
}

static size_t take(struct world *w, size_t max, const uint8_t **out)
{
	size_t left = (size_t)(w->end - w->p), n = (size_t)octet(w) << 8;

	n |= octet(w);
	left = (size_t)(w->end - w->p);
	n = n < left ? n : left;
	n = n < max ? n : max;
	*out = w->p;
	w->p += n;
	return n;
}

/* -- the guest's world -- */

static void check(bool good)
{
	if (!good)
		abort();
}

static void on_send(void *ctx, enum vmp_eapol_type type, const uint8_t *body, size_t len)
{
	struct world *w = ctx;
	struct vmp_eap eap;

	if (type != VMP_EAPOL_EAP) {
		check(len == 0);
		return;
	}
	/* Only ever in answer to a request, with its identifier. */
	check(w->code == VMP_EAP_REQUEST && len <= VMP_EAP_MAX);
	check(vmp_eap_read(body, len, &eap) == VMP_OK && eap.code == VMP_EAP_RESPONSE && eap.id == w->id);
}

static void on_changed(void *ctx, enum vmp_auth_event event)
{
	struct world *w = ctx;
	struct vmp_supplicant_status status;

	vmp_supplicant_status(w->s, &status);
	check(event != VMP_AUTH_SUCCEEDED || (w->code == VMP_EAP_SUCCESS && status.authorized));
	check(event != VMP_AUTH_REJECTED || (w->code == VMP_EAP_FAILURE && !status.authorized));
}

static struct vmp_tls_identity *on_identity(void *ctx)
{
	struct world *w = ctx;

	return w->has_tls ? w->tls : NULL;
}

static size_t on_password(void *ctx, char out[128])
{
	struct world *w = ctx;

	memcpy(out, "secret", 6);
	return w->has_password ? 6 : 0;
}

static uint32_t on_random(void *ctx)
{
	return (uint32_t)((struct world *)ctx)->now * 2654435761u;
}

static const struct vmp_supplicant_ops ops = { on_send, on_changed, on_identity, on_password, on_random };

static const struct vmp_supplicant_params params = { .eapol_version = 2,
						     .start_period = 5000,
						     .max_start = 3,
						     .auth_period = 30000,
						     .held_period = 60000,
						     .held_max = 600000,
						     .silent_period = 300000,
						     .reauth_period = 3600000,
						     .jitter = 20,
						     .method = { VMP_EAP_TLS, VMP_EAP_MD5 } };

/* -- an identity, made once -- */

static void save_key(const char *path, EVP_PKEY *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		abort();
	check(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(out);
}

static void save_cert(const char *path, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	FILE *out = fopen(path, "w");

	if (!out)
		abort();
	X509_set_version(x, X509_VERSION_3);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"for tests", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	check(X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_X509(out, x) == 1);
	fclose(out);
	X509_free(x);
}

static struct vmp_tls_identity *make_identity(void)
{
	char dir[] = "/tmp/vmprov-fuzz.XXXXXX", cert[64], key[64];
	struct vmp_tls_files files = {
		.certificate = cert, .key = key, .ca = cert, .tls12 = true, .tls13 = true, .resumption = true
	};
	struct vmp_tls_identity *identity = NULL;
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	struct vmp_msg msg;

	check(mkdtemp(dir) && pair);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	save_key(key, pair);
	save_cert(cert, pair);
	check(vmp_tls_identity_new(&files, &identity, &msg) == VMP_OK);
	EVP_PKEY_free(pair);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return identity;
}

/* -- steps -- */

static void give(struct world *w, const uint8_t *packet, size_t len)
{
	struct vmp_eapol e = { .dst = w->group ? VMP_EAPOL_PAE_GROUP : GUEST,
			       .src = SWITCH,
			       .version = 2,
			       .type = VMP_EAPOL_EAP,
			       .body = packet,
			       .len = (uint16_t)len };
	struct vmp_eap eap = { .code = 0 };
	bool expected;

	if (vmp_eap_read(packet, len, &eap) == VMP_OK) {
		w->code = eap.code;
		w->id = eap.id;
	}
	expected = vmp_supplicant_expects(w->s, &e);
	/* To the group only what is expected can be sure of being taken: a method may still find it wrong. */
	check(vmp_supplicant_receive(w->s, &e, w->now) || !expected || eap.code == VMP_EAP_REQUEST);
	w->code = 0;
}

static void step_frame(struct world *w)
{
	const uint8_t *body;
	size_t len;

	w->group = octet(w) & 1;
	len = take(w, VMP_EAPOL_BODY_MAX, &body);
	give(w, body, len);
}

static void step_pass(struct world *w)
{
	uint64_t ms = (uint64_t)octet(w) << 8;

	ms |= octet(w);
	w->now += ms * 100;
}

static void step_start(struct world *w)
{
	vmp_supplicant_start(w->s, w->now);
}

static void step_logoff(struct world *w)
{
	vmp_supplicant_logoff(w->s, w->now);
}

/* Identifiers are counted from the last one, so that a fuzzer finds the right one. */
static uint8_t near_id(struct world *w)
{
	struct vmp_supplicant_status status;

	vmp_supplicant_status(w->s, &status);
	return (uint8_t)(status.request_id + octet(w));
}

static void step_request(struct world *w)
{
	uint8_t id = near_id(w), type = octet(w), packet[VMP_EAP_MAX];
	const uint8_t *data;
	size_t len;

	w->group = type & 0x80 && type != VMP_EAP_EXPANDED;
	if (w->group)
		type &= 0x7f;
	len = take(w, VMP_EAP_MAX - VMP_EAP_HEADER - 1, &data);
	give(w, packet, vmp_eap_write(VMP_EAP_REQUEST, id, type, data, len, packet));
}

static void step_end(struct world *w)
{
	uint8_t id = near_id(w), how = octet(w), packet[VMP_EAP_MAX];

	w->group = how & 2;
	give(w, packet, vmp_eap_write(how & 1 ? VMP_EAP_FAILURE : VMP_EAP_SUCCESS, id, 0, NULL, 0, packet));
}

static void step_password(struct world *w)
{
	w->has_password = !w->has_password;
}

static void step_identity(struct world *w)
{
	w->has_tls = !w->has_tls;
}

static void step(struct world *w)
{
	static void (*const steps[])(struct world *) = {
		[FRAME] = step_frame,	  [PASS] = step_pass, [START] = step_start,	  [LOGOFF] = step_logoff,
		[REQUEST] = step_request, [END] = step_end,   [PASSWORD] = step_password, [IDENTITY] = step_identity,
	};
	struct vmp_supplicant_status before, after;
	uint8_t what = octet(w) % STEPS;

	vmp_supplicant_status(w->s, &before);
	steps[what](w);
	vmp_supplicant_status(w->s, &after);
	check(what != PASS || after.authorized == before.authorized);
	check(after.authorized || !before.authorized || what == FRAME || what == END || what == LOGOFF);
	check(!after.authorized || before.authorized || what == FRAME || what == END);
	check(after.busy == (after.state == VMP_PAE_AUTHENTICATING));
	check(vmp_supplicant_step(w->s, w->now) > w->now);
	check(strlen(after.notice) <= 80);
	vmp_supplicant_status(w->s, &before);
	check(after.authorized == before.authorized);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vmp_tls_identity *identity;
	struct world w = { .p = data, .end = data + size, .has_password = true, .has_tls = true, .now = 1000000 };

	if (!identity)
		identity = make_identity();
	w.tls = identity;
	w.s = vmp_supplicant_new(&params, &ops, &w, "guest");
	if (!w.s)
		return 0;
	while (w.p < w.end)
		step(&w);
	vmp_supplicant_free(w.s);
	return 0;
}
