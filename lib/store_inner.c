#include "store_inner.h"
#include "cidr.h"
#include "store_stmt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_four(const char *text, struct vmp_inner_prefixes *out)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : 0;
	struct in_addr four;

	if (!len || len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	out->bits4 = (unsigned)strtoul(slash + 1, NULL, 10);
	if (inet_pton(AF_INET, address, &four) != 1 || out->bits4 < 8 || out->bits4 > 30)
		return false;
	out->four = ntohl(four.s_addr);
	return (out->four & (UINT32_MAX >> out->bits4)) == 0;
}

int vmp_store_inner_prefixes(struct vmp_store *store, struct vmp_inner_prefixes *out, struct vmp_msg *msg)
{
	char six[INET6_ADDRSTRLEN], four[20];
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, "SELECT inner_prefix, inner_prefix4 FROM site", BIND_NONE, &stmt, msg);

	memset(out, 0, sizeof(*out));
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_ECORRUPT, "table site is empty") : err;
	vmp_stmt_text(stmt, 0, six, sizeof(six));
	vmp_stmt_text(stmt, 1, four, sizeof(four));
	vmp_stmt_done(stmt);
	if (inet_pton(AF_INET6, six, out->six) != 1)
		return vmp_fail(msg, VMP_ECORRUPT, "site: inner_prefix %s: expected an IPv6 /64", six);
	if (*four && !read_four(four, out))
		return vmp_fail(msg, VMP_ECORRUPT, "site: inner_prefix4 %s: expected an IPv4 prefix", four);
	return VMP_OK;
}

/* RFC 4291 appendix A: ff:fe in the middle, and the universal/local bit inverted. */
void vmp_inner_text(const struct vmp_inner_prefixes *prefixes, uint64_t mac, char out[46])
{
	uint8_t address[16];

	memcpy(address, prefixes->six, 8);
	address[8] = (uint8_t)(mac >> 40 ^ 2);
	address[9] = (uint8_t)(mac >> 32);
	address[10] = (uint8_t)(mac >> 24);
	address[11] = 0xff;
	address[12] = 0xfe;
	address[13] = (uint8_t)(mac >> 16);
	address[14] = (uint8_t)(mac >> 8);
	address[15] = (uint8_t)mac;
	if (!inet_ntop(AF_INET6, address, out, 46))
		out[0] = '\0';
}

/* The highest number: the prefix's first and last addresses are nobody's. */
static int64_t room(const struct vmp_inner_prefixes *prefixes)
{
	return prefixes->bits4 ? ((int64_t)1 << (32 - prefixes->bits4)) - 2 : 0;
}

static void four_text(uint32_t address, char out[16])
{
	snprintf(out, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

void vmp_inner4_text(const struct vmp_inner_prefixes *prefixes, int64_t number, char out[16])
{
	*out = '\0';
	if (number >= 1 && number <= room(prefixes))
		four_text(prefixes->four + (uint32_t)number, out);
}

/* @param out  0: all are given. */
static int next_number(struct vmp_store *store, int64_t most, int64_t *out, struct vmp_msg *msg)
{
	static const char gap[] = "SELECT min(n) FROM (SELECT 1 AS n UNION ALL SELECT address + 1 FROM inner4) "
				  "WHERE NOT EXISTS (SELECT 1 FROM inner4 WHERE address = n)";
	int err = vmp_stmt_number(store, "SELECT coalesce(max(address), 0) + 1 FROM inner4", BIND_NONE, out, msg);

	if (err == VMP_OK && *out > most)
		err = vmp_stmt_number(store, gap, BIND_NONE, out, msg);
	if (*out > most)
		*out = 0;
	return err;
}

int vmp_store_inner4_take(struct vmp_store *store, uint64_t mac, bool *exhausted, struct vmp_msg *msg)
{
	struct vmp_inner_prefixes prefixes;
	int64_t number = 0;
	int err = vmp_store_inner_prefixes(store, &prefixes, msg);

	*exhausted = false;
	if (err != VMP_OK || !prefixes.bits4)
		return err;
	err = vmp_stmt_number(store, "SELECT address FROM inner4 WHERE mac = ?1", BIND_LIST(BIND_INT(mac)), &number,
			      msg);
	if (err != VMP_ENOENT && (err != VMP_OK || number <= room(&prefixes)))
		return err;
	err = next_number(store, room(&prefixes), &number, msg);
	*exhausted = err == VMP_OK && !number;
	if (err != VMP_OK || !number)
		return err;
	/* The schema refuses a second row. */
	err = vmp_stmt_run(store, "DELETE FROM inner4 WHERE mac = ?1", BIND_LIST(BIND_INT(mac)), NULL, msg);
	if (err != VMP_OK)
		return err;
	return vmp_stmt_run(store, "INSERT INTO inner4 (mac, address) VALUES (?1, ?2)",
			    BIND_LIST(BIND_INT(mac), BIND_INT(number)), NULL, msg);
}

/* "fd12:3456:789a:1::/64", "10.64.0.0/10" */
static void write_prefixes(const struct vmp_inner_prefixes *prefixes, struct vmp_self *out)
{
	char six[INET6_ADDRSTRLEN] = "", four[16];

	inet_ntop(AF_INET6, prefixes->six, six, sizeof(six));
	snprintf(out->inner_prefix, sizeof(out->inner_prefix), "%.40s/64", six);
	four_text(prefixes->four, four);
	if (prefixes->bits4)
		snprintf(out->inner4_prefix, sizeof(out->inner4_prefix), "%s/%u", four, prefixes->bits4 & 31);
}

int vmp_store_self(struct vmp_store *store, uint64_t mac, struct vmp_self *out, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT kind = 'gateway', remote, (SELECT address FROM inner4 WHERE inner4.mac = guest.mac) "
		"FROM guest JOIN template ON template.id = template_id WHERE guest.mac = ?1";
	struct vmp_inner_prefixes prefixes;
	sqlite3_stmt *stmt;
	int err;

	memset(out, 0, sizeof(*out));
	err = vmp_store_inner_prefixes(store, &prefixes, msg);
	if (err == VMP_OK)
		err = vmp_stmt_first(store, sql, BIND_LIST(BIND_INT(mac)), &stmt, msg);
	if (err != VMP_OK)
		return err;
	out->gateway = sqlite3_column_int(stmt, 0);
	out->remote = sqlite3_column_int(stmt, 1);
	vmp_inner_text(&prefixes, mac, out->inner);
	vmp_inner4_text(&prefixes, sqlite3_column_int64(stmt, 2), out->inner4);
	write_prefixes(&prefixes, out);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_store_inner_show(struct vmp_store *store, struct vmp_self *out, struct vmp_msg *msg)
{
	struct vmp_inner_prefixes prefixes;
	int err = vmp_store_inner_prefixes(store, &prefixes, msg);

	memset(out, 0, sizeof(*out));
	if (err == VMP_OK)
		write_prefixes(&prefixes, out);
	return err;
}

int vmp_store_inner_set(struct vmp_store *store, enum vmp_inner which, const char *prefix, struct vmp_msg *msg)
{
	char text[VMP_CIDR_TEXT] = "", *bits;
	int err = which == VMP_INNER_SIX || *prefix ? vmp_cidr_form(prefix, text, msg) : VMP_OK;

	if (err != VMP_OK)
		return err;
	if (which == VMP_INNER_FOUR)
		return vmp_stmt_run(store, "UPDATE site SET inner_prefix4 = ?1", BIND_LIST(BIND_TEXT(text)), NULL, msg);
	bits = strchr(text, '/');
	if (strcmp(bits, "/64") != 0 || !strchr(text, ':'))
		return vmp_fail(msg, VMP_EINVAL, "inner_prefix: expected an IPv6 /64 such as fd12:3456:789a:1::/64");
	*bits = '\0';
	return vmp_stmt_run(store, "UPDATE site SET inner_prefix = ?1", BIND_LIST(BIND_TEXT(text)), NULL, msg);
}
