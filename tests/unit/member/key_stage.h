/* A member with its files, and policyd's signer, which seals COI keys for it. */
#ifndef KEY_STAGE_H
#define KEY_STAGE_H

#include "cms.h"

#include <openssl/evp.h>

struct key_stage {
	struct vmp_ca *ca;
	struct vmp_cms_signer *signer;
	uint8_t cert[VMP_CERT_MAX]; /* the member's, DER */
	size_t cert_len;
	char serial[2 * VMP_SERIAL + 1];
	char ca_file[256], certificate[256], key[256]; /* its files */
};
extern struct key_stage key_stage;

/* Beside folder_setup(), whose folder the files are in. */
void key_stage_setup(void);
void key_stage_teardown(void);
/* Another key and certificate, in the same files. @param key  taken over. */
void key_stage_renew(EVP_PKEY *key);

/* A key as policyd lists it, and what it is really. */
struct key_stage_one {
	const char *coi;
	uint32_t epoch;
	bool current;
	uint8_t octet;	      /* the key is made of */
	int64_t begins, ends; /* [s] from now; 0: an hour ago, in an hour */
	const char *inside;   /* the COI's name in the envelope; NULL: coi */
	bool spoilt;	      /* an octet of the envelope is another one */
};
/* The envelope, in base64, from malloc. */
char *key_stage_seal(const struct key_stage_one *one);
/* policyd's answer with them, until the next call; coi NULL ends. */
const char *key_stage_answer(const struct key_stage_one *list);

#endif
