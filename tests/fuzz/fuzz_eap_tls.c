/* What a server sends in EAP-TLS: one octet for the versions and a session, then the type-data of requests, each with
 * its length in two octets.  Randomness is the same for each input, so that a server's true answers can be in the
 * corpus. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "eap.h"
#include "eap_tls.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TLS12	  0x01
#define TLS13	  0x02
#define SESSION	  0x04 /* one is offered; its length and it come first */
#define ROOM	  (VMP_EAP_MAX - VMP_EAP_HEADER - 1)
#define UNTOUCHED 0x55

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The host's, the server's and the CA's, all in one; it protects nothing. */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBiTCCAS+gAwIBAgIUIztbrMLzeWAld/F5+7CyTyCdIXwwCgYIKoZIzj0EAwIw\n"
				  "GTEXMBUGA1UEAwwOcmFkaXVzLmV4YW1wbGUwIBcNMjYxMTIyMTI0NDMzWhgPMjEy\n"
				  "NjEwMjkxMjQ0MzNaMBkxFzAVBgNVBAMMDnJhZGl1cy5leGFtcGxlMFkwEwYHKoZI\n"
				  "zj0CAQYIKoZIzj0DAQcDQgAE8l63tnpuJ95+C0uY7FHtDVBTUPnDK7Num7LqV8av\n"
				  "duFZknRsNKAemJiMSyUE9R+6SrQt0j4RhQUyPwwc05E/wqNTMFEwHQYDVR0OBBYE\n"
				  "FMkjNuIoYVv96OnNbRqQDQj0iwgNMB8GA1UdIwQYMBaAFMkjNuIoYVv96OnNbRqQ\n"
				  "DQj0iwgNMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJ/SIkZX\n"
				  "R/AiZVD+CarOXfGH1tSLRk/5kpHdzT3Ir9p7AiBRXg15L3llitrckQWYCIpzpzbj\n"
				  "xORpCvrXLuVYW3FYWw==\n"
				  "-----END CERTIFICATE-----\n";
static const char key[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSWNs1R5qByOGBL3B\n"
			  "9axo1ssSRBvQpZ9VCDwCjqNkDRWhRANCAATyXre2em4n3n4LS5jsUe0NUFNQ+cMr\n"
			  "s26bsupXxq924VmSdGw0oB6YmIxLJQT1H7pKtC3SPhGFBTI/DBzTkT/C\n"
			  "-----END PRIVATE KEY-----\n";

static uint64_t seed;

/* SplitMix64 */
static int random_bytes(unsigned char *out, int n)
{
	for (; n > 0; n--, out++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		*out = (unsigned char)(z ^ z >> 31);
	}
	return 1;
}

static int random_status(void)
{
	return 1;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* @param versions  TLS12, TLS13 or both */
static struct vmp_tls_identity *make_identity(unsigned versions)
{
	const char *tmp = getenv("TMPDIR");
	char dir[512], cert_path[600], key_path[600];
	struct vmp_tls_files files = { .certificate = cert_path,
				       .key = key_path,
				       .ca = cert_path,
				       .server_name = "radius.example",
				       .tls12 = versions & TLS12,
				       .tls13 = versions & TLS13,
				       .resumption = true };
	struct vmp_tls_identity *identity = NULL;

	snprintf(dir, sizeof(dir), "%s/vmprov-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
	snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir);
	snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
	write_file(cert_path, certificate);
	write_file(key_path, key);
	if (vmp_tls_identity_new(&files, &identity, NULL) != VMP_OK)
		abort();
	unlink(cert_path);
	unlink(key_path);
	rmdir(dir);
	return identity;
}

static struct vmp_tls_identity *identity_of(unsigned versions)
{
	static const RAND_METHOD method = { .bytes = random_bytes,
					    .pseudorand = random_bytes,
					    .status = random_status };
	static struct vmp_tls_identity *identities[4];
	unsigned i = versions & (TLS12 | TLS13);

	RAND_set_rand_method(&method);
	if (!i)
		i = TLS12 | TLS13;
	if (!identities[i])
		identities[i] = make_identity(i);
	return identities[i];
}

/* What was kept must be taken again, or not, without harm. */
static void keep(const struct vmp_eap_tls *tls, struct vmp_tls_identity *identity)
{
	uint8_t session[VMP_TLS_SESSION_MAX];
	size_t len = vmp_eap_tls_session(tls, session);

	if (len > sizeof(session))
		abort();
	vmp_eap_tls_free(vmp_eap_tls_new(identity, session, len));
}

static void check_text(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			abort();
	}
}

/* @param failed  whether it has before. */
static enum vmp_eap_tls_result ask(struct vmp_eap_tls *tls, const uint8_t *data, size_t len, bool failed)
{
	uint8_t out[ROOM + 1];
	enum vmp_eap_tls_result result;
	size_t out_len = 0;

	out[ROOM] = UNTOUCHED;
	result = vmp_eap_tls_request(tls, data, len, out, &out_len);
	if (out[ROOM] != UNTOUCHED)
		abort();
	if (result == VMP_EAP_TLS_DISCARD ? out_len != 0 : (out_len < 1 || out_len > 5 + VMP_EAP_TLS_FRAGMENT_MAX))
		abort();
	if (failed && result != VMP_EAP_TLS_FAILED && result != VMP_EAP_TLS_DISCARD)
		abort();
	check_text(vmp_eap_tls_why(tls));
	(void)vmp_eap_tls_version(tls);
	return result;
}

/* The next octets that have their length before them.  @return NULL: no more. */
static const uint8_t *take(const uint8_t **data, size_t *size, size_t *len)
{
	const uint8_t *at = *data + 2;

	if (*size < 2)
		return NULL;
	*len = (size_t)(*data)[0] << 8 | (*data)[1];
	if (*len > *size - 2)
		*len = *size - 2;
	*data = at + *len;
	*size -= 2 + *len;
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_tls_identity *identity;
	const uint8_t *part = NULL;
	struct vmp_eap_tls *tls;
	bool failed = false;
	unsigned flags;
	size_t len = 0;

	if (size < 1)
		return 0;
	flags = *data++;
	size--;
	identity = identity_of(flags);
	seed = 1;
	if (flags & SESSION)
		part = take(&data, &size, &len);
	tls = vmp_eap_tls_new(identity, part, len);
	if (!tls)
		abort();
	while ((part = take(&data, &size, &len))) {
		enum vmp_eap_tls_result result = ask(tls, part, len, failed);

		failed = failed || result == VMP_EAP_TLS_FAILED;
		if (result == VMP_EAP_TLS_DONE)
			keep(tls, identity);
	}
	vmp_eap_tls_free(tls);
	return 0;
}
