#include "identity_pair.h"
#include "est.h"
#include "file.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int pair_files_init(struct pair_files *files, const char *certificate, const char *key, struct vmp_msg *msg)
{
	int a = snprintf(files->next_certificate, PAIR_PATH, "%s.next", certificate);
	int b = snprintf(files->next_key, PAIR_PATH, "%s.next", key);

	if (a >= PAIR_PATH || b >= PAIR_PATH)
		return vmp_fail(msg, VMP_EINVAL, "[identity]: expected shorter names of files");
	snprintf(files->certificate, PAIR_PATH, "%s", certificate);
	snprintf(files->key, PAIR_PATH, "%s", key);
	return VMP_OK;
}

static void sweep(const char *path)
{
	char dir[PAIR_PATH], name[PAIR_PATH];

	snprintf(dir, sizeof(dir), "%s", path);
	snprintf(name, sizeof(name), "%s", path);
	vmp_file_sweep(dirname(dir), basename(name));
}

/* A crash between the two leaves the new certificate with the old key, and the new key beside it. */
static int replace(const struct pair_files *files, struct vmp_msg *msg)
{
	int err = vmp_file_rename(files->next_certificate, files->certificate, msg);

	return err ? err : vmp_file_rename(files->next_key, files->key, msg);
}

/* Is it what is in the files that is wrong, and not how they are read? */
static bool is_useless(int err)
{
	return err == VMP_EINVAL || err == VMP_ENOENT;
}

int pair_mend(const struct pair_files *files, struct vmp_msg *msg)
{
	struct vmp_pair pair;
	int err;

	sweep(files->next_certificate);
	sweep(files->next_key);
	if (access(files->next_certificate, F_OK) == 0) {
		err = vmp_pair_read(files->next_certificate, files->next_key, &pair, msg);
		if (!err)
			return replace(files, msg);
		if (!is_useless(err))
			return err;
		unlink(files->next_certificate);
	}
	if (access(files->next_key, F_OK) != 0 || vmp_pair_read(files->certificate, files->key, &pair, NULL) == VMP_OK)
		return VMP_OK;
	err = vmp_pair_read(files->certificate, files->next_key, &pair, msg);
	if (!err)
		return vmp_file_rename(files->next_key, files->key, msg);
	return is_useless(err) ? VMP_OK : err;
}

int pair_request(const struct pair_files *files, char **body, struct vmp_msg *msg)
{
	uint8_t *der = malloc(VMP_CSR_MAX);
	size_t len = 0;
	int err = der ? vmp_csr_write(files->next_key, der, &len, msg) : VMP_ENOMEM;

	if (is_useless(err)) {
		/* Nobody could use what stands there. */
		unlink(files->next_key);
		err = vmp_key_create(files->next_key, msg);
		if (!err)
			err = vmp_csr_write(files->next_key, der, &len, msg);
	}
	if (!err && !(*body = vmp_base64(der, len)))
		err = VMP_ENOMEM;
	free(der);
	return err;
}

int pair_take(const struct pair_files *files, const char *answer, size_t len, struct vmp_msg *msg)
{
	uint8_t *certs = malloc(VMP_EST_CERTS_MAX);
	size_t certs_len = 0;
	char *pem = NULL;
	int err = certs ? vmp_est_certs_read(answer, len, certs, &certs_len, msg) : VMP_ENOMEM;

	if (!err)
		err = vmp_pair_pem(files->next_key, certs, certs_len, &pem, msg);
	if (!err)
		err = vmp_file_replace(files->next_certificate, pem, strlen(pem), 0644, msg);
	if (!err)
		err = replace(files, msg);
	free(pem);
	free(certs);
	return err;
}
