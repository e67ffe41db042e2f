/* Stands for nftables and for member/: what is told to one, and what the other says. */
#ifndef NFT_STUB_H
#define NFT_STUB_H

#include "member.h"

#include <stdbool.h>

/* nftables */
extern bool nft_stub_fails;	    /* each run */
extern bool nft_stub_refuses_rules; /* runs that have more than elements */
extern bool nft_stub_table;	    /* there is one; follows what is run */
extern int nft_stub_runs;
/* Counters, while there is a table; a NULL name ends. */
struct nft_stub_counter {
	const char *name;
	unsigned packets, octets;
};
extern const struct nft_stub_counter *nft_stub_counters;
/* The last commands that were taken; "": none since nft_stub_reset(). */
const char *nft_stub_last(void);
void nft_stub_reset(void);

/* member: n of them */
struct member_stub {
	const char *inner6, *inner4; /* NULL: none */
	bool remote;
	const char *coi, *cois[4];
};
void member_stub_set(const struct member_stub *machines, size_t n);

#endif
