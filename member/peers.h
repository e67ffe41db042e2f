/** All machines that share a COI with this one, and what the directory's answers make of them. */
#ifndef PEERS_H
#define PEERS_H

#include "peer.h"

VMP_CHECKED int peers_open(struct vmp_msg *msg);
void peers_close(void);

struct peer *peers_by_uuid(const uint8_t uuid[VMP_COI_ID]);
struct peer *peers_by_key(const uint8_t key[VMP_COI_SECRET]);
/** The first of all; the others by its next. */
struct peer *peers_first(void);
size_t peers_count(void);
/** For peer_entry.c: into and out of the tables. */
void peers_insert(struct peer *peer);
void peers_remove(struct peer *peer);

/** For directory_settings.calls. */
extern const struct directory_calls peers_calls;
/** Keys have changed: pairs get theirs anew. */
void peers_rekey(void);
/** Forget all; those that are WireGuard peers are told. @param why  for the log */
void peers_clear(const char *why);
/** After changes of carriers, allowed addresses or routes: what the kernel and WireGuard have is brought up to date. */
void peers_settle(void);
/** One that others cannot reach goes to the gateways by which they might, and stays there. */
void peers_keep_carriers(void);
/** /etc/hosts is written soon. */
void peers_names_later(void);

#endif
