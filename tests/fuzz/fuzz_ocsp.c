/* An OCSP request from anybody. */
#include "ca.h"
#include "est.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate for tests only: its key is gone. */
static const char issuer_base64[] = "MIIBhjCCASygAwIBAgIQac9ejv/uTNCS/1Fz6UKZbTAKBggqhkjOPQQDAjAiMSAw"
				    "HgYDVQQDDBdUZXN0IENBLCBmb3IgdGVzdHMgb25seTAgFw0yNjExMjIwNjU2MTha"
				    "GA8yMTI2MTAyOTA3MDExOFowIjEgMB4GA1UEAwwXVGVzdCBDQSwgZm9yIHRlc3Rz"
				    "IG9ubHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASso5gYlX5ydZoWWCyvt16O"
				    "Hckcm2L96Pr9W2lrWcmvQQ/Z6mtwQ/jEXKBwSyGaRESfxUQ2MrTgexActYgWFfcf"
				    "o0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQU"
				    "oXXG1OGPvixQ5+n2h/FxKuBIkJkwCgYIKoZIzj0EAwIDSAAwRQIgS+o+WmGbEu+0"
				    "avneBP1cJBRDcSgHt0N2MYLTCz+4K9kCIQC8mCTVaHJukOe9GGzi3ZzvOsmfXOa9"
				    "89BLtn3sF31ydQ==";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t issuer[1024];
	static size_t issuer_len;
	struct vmp_ocsp ask;
	size_t i;

	if (!issuer_len) {
		issuer_len = sizeof(issuer);
		if (vmp_unbase64(issuer_base64, strlen(issuer_base64), issuer, &issuer_len) != VMP_OK)
			abort();
	}
	if (vmp_ocsp_read(data, size, issuer, issuer_len, &ask, NULL) != VMP_OK)
		return 0;
	if (ask.n < 1 || ask.n > VMP_OCSP_SERIALS || ask.nonce_len > VMP_OCSP_NONCE_MAX)
		abort();
	for (i = 0; i < ask.n; i++) {
		if (ask.item[i].cert_id_len < 10 || ask.item[i].status != VMP_OCSP_UNKNOWN ||
		    (ask.item[i].ours && (ask.item[i].serial[0] < 1 || ask.item[i].serial[0] > 127)))
			abort();
	}
	return 0;
}
