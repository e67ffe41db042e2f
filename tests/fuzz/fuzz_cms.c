/* What a member is sent: the whole, the envelope inside the signature, and what is inside that. */
#include "cms.h"
#include "pki_internal.h"

#include <stdlib.h>
#include <string.h>

#define NOW 2000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For tests only. */
static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBhjCCASygAwIBAgIQac9ejv/uTNCS/1Fz6UKZbTAKBggqhkjOPQQDAjAiMSAw\n"
			     "HgYDVQQDDBdUZXN0IENBLCBmb3IgdGVzdHMgb25seTAgFw0yNjExMjIwNjU2MTha\n"
			     "GA8yMTI2MTAyOTA3MDExOFowIjEgMB4GA1UEAwwXVGVzdCBDQSwgZm9yIHRlc3Rz\n"
			     "IG9ubHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASso5gYlX5ydZoWWCyvt16O\n"
			     "Hckcm2L96Pr9W2lrWcmvQQ/Z6mtwQ/jEXKBwSyGaRESfxUQ2MrTgexActYgWFfcf\n"
			     "o0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQU\n"
			     "oXXG1OGPvixQ5+n2h/FxKuBIkJkwCgYIKoZIzj0EAwIDSAAwRQIgS+o+WmGbEu+0\n"
			     "avneBP1cJBRDcSgHt0N2MYLTCz+4K9kCIQC8mCTVaHJukOe9GGzi3ZzvOsmfXOa9\n"
			     "89BLtn3sF31ydQ==\n"
			     "-----END CERTIFICATE-----\n";

static const char cert_pem[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIB+jCCAZ+gAwIBAgIQfzEyMzQ1Njc4OTAxMjM0NTAKBggqhkjOPQQDAjAiMSAw\n"
			       "HgYDVQQDDBdUZXN0IENBLCBmb3IgdGVzdHMgb25seTAgFw0yMzExMTQyMjEzMjBa\n"
			       "GA8yMTI2MTAyOTA3MDExOFowGTEXMBUGA1UEAwwOZm9yIHRlc3RzIG9ubHkwWTAT\n"
			       "BgcqhkjOPQIBBggqhkjOPQMBBwNCAATBMqZc6OYjX8RIoGskbPS1F58jHq3InTbG\n"
			       "43NrF5xsTphXBEpeKwz5l7+7+nL/2rTdyBz20Q0CU1+nzKNFljJNo4G9MIG6MAwG\n"
			       "A1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgOIMBMGA1UdJQQMMAoGCCsGAQUFBwMC\n"
			       "MB0GA1UdDgQWBBQYIIAFYV+iSMslPYNky12E7bJwYzAfBgNVHSMEGDAWgBShdcbU\n"
			       "4Y++LFDn6faH8XEq4EiQmTBFBgNVHREEPjA8hi11cm46dXVpZDo2YmE3YjgxMC05\n"
			       "ZGFkLTExZDEtODBiNC0wMGMwNGZkNDMwYziCC3dlYi5leGFtcGxlMAoGCCqGSM49\n"
			       "BAMCA0kAMEYCIQCvwYpxj1QCGuqj1BGsg5tPcJRulsTgsq+WvGh4uwFiDgIhAI6l\n"
			       "AHbNjhobjJmLBcrnhlStTU7W4v4y3Lvz2VT7xPeg\n"
			       "-----END CERTIFICATE-----\n";

static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkR6eTseyS68mdCJe\n"
			      "somPzy/Fbj00BRtXtfoaNDoZ5gOhRANCAATBMqZc6OYjX8RIoGskbPS1F58jHq3I\n"
			      "nTbG43NrF5xsTphXBEpeKwz5l7+7+nL/2rTdyBz20Q0CU1+nzKNFljJN\n"
			      "-----END PRIVATE KEY-----\n";

/* What is read has one form only: it must be written the same. */
static void content(const char *text, size_t size)
{
	struct vmp_coi_key key;
	char *again;

	if (vmp_coi_key_read(text, size, &key, NULL) != VMP_OK)
		return;
	again = vmp_coi_key_write(&key);
	if (!again || strlen(again) != size || memcmp(again, text, size) != 0)
		abort();
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_coi_key key = { .epoch = 0 };
	struct vmp_msg msg = { "" };

	if (vmp_cms_open(ca_pem, cert_pem, key_pem, data, size, NOW, &key, &msg) == VMP_OK) {
		if (strcmp(key.serial, "7f313233343536373839303132333435") != 0 || key.epoch == 0)
			abort();
	} else if (!*msg.text || key.epoch) {
		abort();
	}
	if (vmp_cms_check_envelope(data, size, &msg) != VMP_OK && !*msg.text)
		abort();
	content((const char *)data, size);
	return 0;
}
