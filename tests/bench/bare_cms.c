/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare.h"
#include "cms.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct vmp_ca *make_ca(const char *dir, struct vmp_msg *msg)
{
	char cert[4096], key[4096];
	struct vmp_ca *ca;
	int err;

	snprintf(cert, sizeof(cert), "%s/wrap-ca.pem", dir);
	snprintf(key, sizeof(key), "%s/wrap-ca.key", dir);
	unlink(cert);
	unlink(key);
	err = vmp_ca_create(cert, key, "bench", 10, msg);
	if (err == VMP_OK)
		err = vmp_ca_open(&ca, cert, key, msg);
	if (err != VMP_OK)
		die("%s", msg->text);
	return ca;
}

static size_t make_member(struct vmp_ca *ca, int64_t now, uint8_t *out, struct vmp_msg *msg)
{
	struct vmp_cert_order order = { .kind = VMP_CERT_VM,
					.serial = { 0x41 },
					.not_before = now - 300,
					.not_after = now + 86400,
					.common_name = "52:54:00:00:00:01",
					.uri = "urn:uuid:00000001-bec4-4000-8000-000000000001" };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *spki = NULL;
	size_t len = VMP_CERT_MAX;
	int n = key ? i2d_PUBKEY(key, &spki) : 0;

	if (n < 65)
		die("cannot make a key");
	order.key.type = VMP_KEY_P256;
	order.key.len = 65;
	memcpy(order.key.bits, spki + n - 65, 65);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
	if (vmp_ca_issue(ca, &order, out, &len, msg) != VMP_OK)
		die("%s", msg->text);
	return len;
}

void cms_loop(const struct options *o)
{
	const uint8_t serial[VMP_SERIAL] = { 0x42 };
	struct vmp_coi_key key = { .coi = "bench-1", .epoch = 1, .serial = "41000000000000000000000000000000" };
	uint8_t cert[VMP_CERT_MAX], out[VMP_ENVELOPE_MAX];
	size_t cert_len, len = 0, n = 0;
	struct vmp_cms_signer *signer;
	int64_t now = time(NULL);
	struct vmp_msg msg = { "" };
	struct vmp_ca *ca = make_ca(o->dir, &msg);
	double began, cpu;

	key.not_before = now;
	key.not_after = now + 86400;
	cert_len = make_member(ca, now, cert, &msg);
	if (vmp_cms_signer_new(&signer, ca, serial, now - 300, now + 86400, &msg) != VMP_OK)
		die("%s", msg.text);
	began = now_us();
	cpu = cpu_us();
	while (now_us() - began < o->seconds * 1e6) {
		len = sizeof(out);
		if (vmp_cms_seal(signer, cert, cert_len, &key, out, &len, &msg) != VMP_OK)
			die("%s", msg.text);
		n++;
	}
	loop_report("coi-keys", n, now_us() - began, cpu_us() - cpu, (double)len);
	vmp_cms_signer_free(signer);
	vmp_ca_free(ca);
}
