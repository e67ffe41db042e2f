/* What an EST client sends: a body, and an Authorization header. */
#include "est.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is decoded has one form only: it must be encoded to the same. */
static void base64(const char *text, size_t size)
{
	size_t len = size;
	char *out = malloc(size + 1), *again;

	if (!out)
		return;
	if (vmp_unbase64(text, size, out, &len) == VMP_OK) {
		again = vmp_base64(out, len);
		if (again && (strlen(again) != size || memcmp(again, text, size) != 0))
			abort();
		free(again);
	}
	free(out);
}

static void basic(const char *data, size_t size)
{
	char *header = strndup(data, size), out[512];
	const char *password;

	if (header && vmp_basic_read(header, out, &password) == VMP_OK) {
		if (password != out + strlen(out) + 1 || !memchr(password, 0, (size_t)(out + sizeof(out) - password)))
			abort();
	}
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *der = malloc(VMP_CSR_MAX);
	size_t len, out_len;

	if (!der)
		return 0;
	if (vmp_est_request((const char *)data, size, der, &len, NULL) == VMP_OK && (len < 1 || len > VMP_CSR_MAX))
		abort();
	free(der);
	base64((const char *)data, size);
	basic((const char *)data, size);
	free(vmp_est_certs(data, size, &out_len));
	return 0;
}
