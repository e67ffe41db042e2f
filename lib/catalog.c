#include "policy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Every row type here starts with its id, so one comparison serves all. */
static int by_id(const void *key, const void *row)
{
	int64_t a = *(const int64_t *)key, b = *(const int64_t *)row;

	return (a > b) - (a < b);
}

static int by_address(const void *key, const void *row)
{
	return memcmp(key, &((const struct vmp_nas *)row)->address, sizeof(struct vmp_addr));
}

static int by_cert_name(const void *key, const void *row)
{
	return strcasecmp(key, ((const struct vmp_host *)row)->cert_name);
}

/* An empty table has no array, which bsearch() may not be given. */
static const void *find(const void *key, const void *rows, size_t n, size_t size,
			int (*order)(const void *, const void *))
{
	return n ? bsearch(key, rows, n, size, order) : NULL;
}

const struct vmp_coi *vmp_catalog_coi(const struct vmp_catalog *cat, int64_t id)
{
	return find(&id, cat->coi, cat->n_coi, sizeof(*cat->coi), by_id);
}

const struct vmp_tenant *vmp_catalog_tenant(const struct vmp_catalog *cat, int64_t id)
{
	return find(&id, cat->tenant, cat->n_tenant, sizeof(*cat->tenant), by_id);
}

const struct vmp_enclave *vmp_catalog_enclave(const struct vmp_catalog *cat, int64_t id)
{
	return find(&id, cat->enclave, cat->n_enclave, sizeof(*cat->enclave), by_id);
}

const struct vmp_nas *vmp_catalog_nas(const struct vmp_catalog *cat, const struct vmp_addr *address)
{
	return find(address, cat->nas, cat->n_nas, sizeof(*cat->nas), by_address);
}

const struct vmp_host *vmp_catalog_host(const struct vmp_catalog *cat, const char *cert_name)
{
	return find(cert_name, cat->host, cat->n_host, sizeof(*cat->host), by_cert_name);
}

void vmp_addr_v4(const struct in_addr *in, struct vmp_addr *out)
{
	memset(out->octet, 0, 10);
	memset(out->octet + 10, 0xff, 2);
	memcpy(out->octet + 12, in, 4);
}

int vmp_addr_parse(const char *text, struct vmp_addr *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		vmp_addr_v4(&v4, out);
		return VMP_OK;
	}
	return inet_pton(AF_INET6, text, out->octet) == 1 ? VMP_OK : VMP_EINVAL;
}

/* inet_ntop() formats its numbers with the whole of printf, which is a tenth of what a session's report costs a worker
 * of radiusd. */
static void format_v4(const uint8_t octet[4], char *out)
{
	int i;

	for (i = 0; i < 4; i++) {
		uint8_t n = octet[i];

		if (n >= 100)
			*out++ = (char)('0' + n / 100);
		if (n >= 10)
			*out++ = (char)('0' + n / 10 % 10);
		*out++ = (char)('0' + n % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

bool vmp_addr_is_v4(const struct vmp_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr->octet, mapped, sizeof(mapped)) == 0;
}

void vmp_addr_format(const struct vmp_addr *addr, char out[VMP_ADDR_TEXT])
{
	if (vmp_addr_is_v4(addr))
		format_v4(addr->octet + 12, out);
	else if (!inet_ntop(AF_INET6, addr->octet, out, VMP_ADDR_TEXT))
		out[0] = '\0';
}
