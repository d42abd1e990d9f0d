/* SPDX-License-Identifier: MIT */

#include "http/server/peers.h"

#include "base/alloc.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define BUCKETS_MIN 64

static bool prefix_of(const weft_addr *addr, uint64_t out[2])
{
    uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
    if (addr->storage.ss_family == AF_INET) {
        memcpy(bytes + 12, &((const struct sockaddr_in *)&addr->storage)->sin_addr, 4);
    } else if (addr->storage.ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)&addr->storage)->sin6_addr;
        bool is_mapped = memcmp(in6, bytes, 12) == 0;
        memcpy(bytes, in6, sizeof bytes);
        memset(bytes + 8, 0, is_mapped ? 0 : 8);
    } else {
        return false;
    }
    memcpy(out, bytes, sizeof bytes);
    return true;
}

/* RFC 6890. */
static bool is_public_v4(const uint8_t ip[4])
{
    switch (ip[0]) {
    case 0:
    case 10:
    case 127:
        return false;
    case 100:
        return (ip[1] & 0xc0) != 64;
    case 169:
        return ip[1] != 254;
    case 172:
        return (ip[1] & 0xf0) != 16;
    case 192:
        return ip[1] != 168;
    default:
        return true;
    }
}

bool wf_peer_is_public(const weft_addr *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint64_t prefix[2];
    uint8_t bytes[16];
    if (!prefix_of(addr, prefix))
        return false;
    memcpy(bytes, prefix, sizeof bytes);
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return is_public_v4(bytes + 12);
    bool is_link = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    return prefix[0] != 0 && (bytes[0] & 0xfe) != 0xfc && !is_link;
}

static struct wf_peer **bucket_of(const struct wf_peers *peers, const uint64_t prefix[2])
{
    uint64_t hash = wf_hash(&peers->key, prefix, 2 * sizeof prefix[0]);
    return &peers->buckets[hash & (peers->bucket_count - 1)];
}

/* Doubles the buckets; without memory for that the chains just get longer. */
static void peers_grow(struct wf_peers *peers)
{
    struct wf_peers grown = *peers;
    grown.bucket_count = peers->bucket_count != 0 ? 2 * peers->bucket_count : BUCKETS_MIN;
    grown.buckets = wf_array(grown.bucket_count, sizeof(struct wf_peer *));
    if (grown.buckets == NULL)
        return;
    for (size_t i = 0; i < peers->bucket_count; i++) {
        for (struct wf_peer *peer = peers->buckets[i], *next; peer != NULL; peer = next) {
            struct wf_peer **bucket = bucket_of(&grown, peer->prefix);
            next = peer->next;
            peer->next = *bucket;
            *bucket = peer;
        }
    }
    wf_free(peers->buckets);
    *peers = grown;
}

int wf_peers_enter(struct wf_peers *peers, const weft_addr *addr, uint32_t max,
                   struct wf_peer **out)
{
    uint64_t prefix[2];
    *out = NULL;
    if (!prefix_of(addr, prefix))
        return 0;
    if (peers->peer_count >= peers->bucket_count)
        peers_grow(peers);
    if (peers->bucket_count == 0)
        return -ENOMEM;
    struct wf_peer **bucket = bucket_of(peers, prefix), *peer = *bucket;
    while (peer != NULL && memcmp(peer->prefix, prefix, sizeof prefix) != 0)
        peer = peer->next;
    if (peer == NULL) {
        peer = wf_alloc(sizeof *peer);
        if (peer == NULL)
            return -ENOMEM;
        memcpy(peer->prefix, prefix, sizeof prefix);
        peer->next = *bucket;
        *bucket = peer;
        peers->peer_count++;
    }
    if (peer->count >= max)
        return -EDQUOT;
    peer->count++;
    *out = peer;
    return 0;
}

void wf_peers_leave(struct wf_peers *peers, struct wf_peer *peer)
{
    if (peer == NULL || --peer->count != 0)
        return;
    struct wf_peer **link = bucket_of(peers, peer->prefix);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    wf_free(peer);
    peers->peer_count--;
}

void wf_peers_fini(struct wf_peers *peers)
{
    assert(peers->peer_count == 0);
    wf_free(peers->buckets);
    peers->buckets = NULL;
    peers->bucket_count = 0;
}
