/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The holders' certificates and keys: made at policyd once, and read by each run. */
#include "leaseload.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int mode_certs(const struct lease_options *o)
{
	struct vm *vms = vms_make(&o->base, o->base.vms);
	mode_t mask = umask(077);
	FILE *f = fopen(o->certs, "we");
	size_t i;

	umask(mask);
	if (!f)
		die("%s cannot be written", o->certs);
	fleet_enrol(&o->base, vms, o->base.vms);
	for (i = 0; i < o->base.vms; i++) {
		if (PEM_write_X509(f, vms[i].cert) != 1 ||
		    PEM_write_PrivateKey(f, vms[i].key, NULL, NULL, 0, NULL, NULL) != 1)
			die("%s cannot be written", o->certs);
	}
	if (fclose(f) != 0)
		die("%s cannot be written", o->certs);
	vms_free(vms, o->base.vms);
	return EXIT_SUCCESS;
}

struct client *clients_read(const struct lease_options *o, bool all, size_t *n)
{
	FILE *f = fopen(o->certs, "re");
	struct client *clients = NULL;
	size_t room = 0;
	X509 *cert;

	if (!f)
		die("%s cannot be read", o->certs);
	*n = 0;
	while ((all || *n < o->base.window) && (cert = PEM_read_X509(f, NULL, NULL, NULL))) {
		if (*n == room) {
			room = room ? 2 * room : 64;
			clients = realloc(clients, room * sizeof(*clients));
			if (!clients)
				die("out of memory");
		}
		clients[*n] = (struct client){ .cert = cert, .number = *n };
		clients[*n].key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		if (!clients[(*n)++].key)
			die("%s: a certificate without its key", o->certs);
	}
	ERR_clear_error();
	fclose(f);
	if (!*n || (!all && *n < o->base.window))
		die("%s: %zu certificates are not enough", o->certs, *n);
	return clients;
}

void clients_free(struct client *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		conn_close(c[i].conn);
		X509_free(c[i].cert);
		EVP_PKEY_free(c[i].key);
	}
	free(c);
	conn_turn(0);
}
