#include "nft_stub.h"
#include "nft_counters_linux.h"
#include "nft_linux.h"
#include "nft_table_linux.h"
#include "rules.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nft_stub_fails, nft_stub_refuses_rules, nft_stub_table;
int nft_stub_runs;
const struct nft_stub_counter *nft_stub_counters;
static const struct nft_stub_counter plain[] = { { "dropped", 0, 0 }, { NULL, 0, 0 } };
static char last[65536];
static const struct member_stub *members;
static size_t n_member;

const char *nft_stub_last(void)
{
	return last;
}

void nft_stub_reset(void)
{
	nft_stub_fails = nft_stub_refuses_rules = nft_stub_table = false;
	nft_stub_runs = 0;
	nft_stub_counters = plain;
	*last = '\0';
	member_stub_set(NULL, 0);
}

int nft_run(const char *commands, struct vmp_msg *msg)
{
	bool whole = strstr(commands, "delete table") != NULL;

	if (nft_stub_fails || (whole && nft_stub_refuses_rules))
		return vmp_fail(msg, VMP_EIO, "nftables: no");
	nft_stub_runs++;
	if (whole)
		nft_stub_table = strstr(commands, "chain forward") != NULL;
	snprintf(last, sizeof(last), "%s", commands);
	return VMP_OK;
}

int nft_has(const char *table, struct vmp_msg *msg)
{
	ck_assert_str_eq(table, "vmprov_gateway");
	return nft_stub_table ? VMP_OK : vmp_fail(msg, VMP_ENOENT, "nftables: none");
}

int nft_counters(const char *table, int (*each)(void *ctx, const char *name, uint64_t packets, uint64_t octets),
		 void *ctx, struct vmp_msg *msg)
{
	const struct nft_stub_counter *c = nft_stub_counters;
	int err = VMP_OK;

	(void)msg;
	ck_assert_str_eq(table, "vmprov_gateway");
	for (; nft_stub_table && c->name && err == VMP_OK; c++)
		err = each(ctx, c->name, c->packets, c->octets);
	return err;
}

void member_stub_set(const struct member_stub *machines, size_t n)
{
	members = machines;
	n_member = n;
}

int member_each(int (*each)(void *ctx, const struct member_peer *peer), void *ctx)
{
	static const struct prefix none;
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < n_member && err == VMP_OK; i++) {
		const struct member_stub *m = &members[i];
		struct prefix inner6 = m->inner6 ? rules_prefix(m->inner6) : none;
		struct prefix inner4 = m->inner4 ? rules_prefix(m->inner4) : none;
		struct member_peer peer = { .id = "",
					    .name = "",
					    .inner6 = &inner6,
					    .inner4 = &inner4,
					    .remote = m->remote,
					    .coi = m->coi,
					    .cois = m->cois };

		err = each(ctx, &peer);
	}
	return err;
}

void member_inner(struct prefix *inner6, struct prefix *inner4)
{
	*inner6 = rules_prefix("fd12::1");
	*inner4 = (struct prefix){ .family = 0 };
}
