/* SPDX-License-Identifier: MIT */

/*
 * Peers: how many connections each address has, for a limit on them.  An IPv6 peer is its /64: who
 * has one address of it has all.  Peers without an internet address are not counted.
 */
#ifndef WF_HTTP_PEERS_H
#define WF_HTTP_PEERS_H

#include <weft/net.h>

#include "base/hash.h"

struct wf_peer {
    struct wf_peer *next; /* in its bucket */
    uint64_t prefix[2];   /* of its address; IPv4 mapped into IPv6 */
    uint32_t count;
};

/* Zeroed is empty, but for the key of the hash, which must be random: the addresses are others'. */
struct wf_peers {
    wf_hash_key key;
    struct wf_peer **buckets;
    size_t bucket_count, peer_count;
};

/* True for a public internet address; false for one of this machine, of a link or of a private
 * network, as proxies have. */
bool wf_peer_is_public(const weft_addr *addr);

/* Counts a connection: 0, and its peer in *out, NULL for one that is not counted; -EDQUOT if it has
 * `max` of them; -ENOMEM. */
int wf_peers_enter(struct wf_peers *peers, const weft_addr *addr, uint32_t max,
                   struct wf_peer **out);

/* Takes a connection off its peer's count.  NULL is fine. */
void wf_peers_leave(struct wf_peers *peers, struct wf_peer *peer);

/* Frees everything; no connection may be counted any more. */
void wf_peers_fini(struct wf_peers *peers);

#endif
