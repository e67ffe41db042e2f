/* What an EST server answers: certificates, and a file made of them. */
#include "est.h"
#include "pki_pair.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key that the corpus's certificates are for. */
static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTGyOU8nCMwcT7MaA\n"
			      "k7EyF5mASc/JHtuPxbpj6nPayh+hRANCAAS8+6jZUP+BIMXe/wpWfUGDRbodAOUd\n"
			      "HW4u5JDKdisBsmSJgTTfsn4dolPRi1I5emezqwJO+NabtjlnXeQY+fxW\n"
			      "-----END PRIVATE KEY-----\n";

static const char *key_file(void)
{
	static char path[64];
	FILE *out;
	int fd;

	if (*path)
		return path;
	fd = memfd_create("key", 0);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out || fputs(key_pem, out) < 0 || fflush(out) != 0 || fchmod(fd, 0600) != 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t certs[VMP_EST_CERTS_MAX];
	size_t len = 0, text_len = 0;
	char *text, *pem = NULL;

	if (vmp_est_certs_read((const char *)data, size, certs, &len, NULL) != VMP_OK)
		return 0;
	if (!len || len > sizeof(certs))
		abort();
	/* What is read can be written. */
	text = vmp_est_certs(certs, len, &text_len);
	if (!text)
		abort();
	free(text);
	if (vmp_pair_pem(key_file(), certs, len, &pem, NULL) == VMP_OK && strncmp(pem, "-----BEGIN CERT", 15) != 0)
		abort();
	free(pem);
	return 0;
}
