#include "key_stage.h"
#include "../folder.h"
#include "../maker.h"
#include "../tls_world.h"
#include "est.h"

#include <check.h>
#include <jansson.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR 3600

struct key_stage key_stage;

static char *answer;

void key_stage_renew(EVP_PKEY *key)
{
	static struct vmp_cert_order order;
	struct maker own = { .key = key };
	uint8_t *der = NULL;
	int len;

	maker_order(&order, key);
	ck_assert_int_eq(vmp_random(order.serial, sizeof(order.serial)), VMP_OK);
	order.serial[0] = 0x52;
	vmp_hex(order.serial, sizeof(order.serial), key_stage.serial);
	own.cert = maker_issue(key_stage.ca, &order);
	len = i2d_X509(own.cert, &der);
	ck_assert(len > 0 && (size_t)len <= sizeof(key_stage.cert));
	memcpy(key_stage.cert, der, (size_t)len);
	key_stage.cert_len = (size_t)len;
	OPENSSL_free(der);
	tls_world_write_certs(key_stage.certificate, (const struct maker *const[]){ &own, NULL });
	tls_world_write_key(key_stage.key, key, 0600);
	maker_clear(&own);
}

void key_stage_setup(void)
{
	static const uint8_t serial[VMP_SERIAL] = "\003signer456789abc";
	int64_t now = time(NULL);

	maker_setup();
	key_stage.ca = maker_created();
	ck_assert_int_eq(vmp_cms_signer_new(&key_stage.signer, key_stage.ca, serial, now - HOUR, now + 24 * HOUR, NULL),
			 VMP_OK);
	snprintf(key_stage.ca_file, sizeof(key_stage.ca_file), "%s", folder_path("member-ca.pem"));
	snprintf(key_stage.certificate, sizeof(key_stage.certificate), "%s", folder_path("member.pem"));
	snprintf(key_stage.key, sizeof(key_stage.key), "%s", folder_path("member.key"));
	folder_write("member-ca.pem", vmp_ca_chain_pem(key_stage.ca), 0644);
	key_stage_renew(EVP_EC_gen("P-256"));
}

void key_stage_teardown(void)
{
	free(answer);
	answer = NULL;
	vmp_cms_signer_free(key_stage.signer);
	vmp_ca_free(key_stage.ca);
	maker_teardown();
}

char *key_stage_seal(const struct key_stage_one *one)
{
	struct vmp_coi_key key = { .epoch = one->epoch };
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sizeof(der);
	int64_t now = time(NULL);
	struct vmp_msg msg = { "" };
	char *text;

	snprintf(key.coi, sizeof(key.coi), "%s", one->inside ? one->inside : one->coi);
	key.not_before = now + (one->begins ? one->begins : -HOUR);
	key.not_after = now + (one->ends ? one->ends : HOUR);
	memcpy(key.serial, key_stage.serial, sizeof(key.serial));
	memset(key.key, one->octet, sizeof(key.key));
	ck_assert_msg(vmp_cms_seal(key_stage.signer, key_stage.cert, key_stage.cert_len, &key, der, &len, &msg) ==
			      VMP_OK,
		      "%s", msg.text);
	if (one->spoilt)
		der[len / 2] ^= 1;
	text = vmp_base64(der, len);
	ck_assert_ptr_nonnull(text);
	return text;
}

const char *key_stage_answer(const struct key_stage_one *list)
{
	json_t *keys = json_array(), *doc;

	for (; list->coi; list++) {
		char *cms = key_stage_seal(list);

		json_array_append_new(keys,
				      json_pack("{s:s, s:I, s:b, s:s}", "coi", list->coi, "epoch",
						(json_int_t)list->epoch, "current", (int)list->current, "cms", cms));
		free(cms);
	}
	doc = json_pack("{s:o}", "keys", keys);
	free(answer);
	answer = json_dumps(doc, 0);
	json_decref(doc);
	return answer;
}
