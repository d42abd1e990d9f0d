/* SPDX-License-Identifier: MIT */

/*
 * Answers kept for a time.  Bounded: a new one takes the place of the one that was used longest
 * ago.  The caller says what time it is.
 */
#ifndef WF_DNS_CACHE_H
#define WF_DNS_CACHE_H

#include "base/hash.h"
#include "base/list.h"
#include "dns/ip.h"

struct wf_dns_entry {
    struct wf_dns_entry *next; /* in its chain */
    wf_list by_use;
    weft_time fresh_until;
    weft_time stale_until; /* until here it may stand in for an answer that cannot be had */
    weft_time retry_at;    /* stale, and no server is asked before this */
    uint64_t hash;
    int family;
    uint32_t count; /* addresses; 0: it is known that there is none */
    char *name;
    struct wf_dns_ip *ips;
};

struct wf_dns_cache {
    struct wf_dns_entry **chains;
    uint32_t chain_count, count, count_max;
    wf_list by_use; /* the one used longest ago is first */
    wf_hash_key key;
};

int wf_dns_cache_init(struct wf_dns_cache *cache, uint32_t count_max);
void wf_dns_cache_fini(struct wf_dns_cache *cache);

/* NULL if there is none.  Borrowed until the next change of the cache. */
struct wf_dns_entry *wf_dns_cache_find(struct wf_dns_cache *cache, const char *name, int family);

/* In place of what was there.  Without memory, nothing is there afterwards. */
void wf_dns_cache_put(struct wf_dns_cache *cache, const char *name, int family,
                      const struct wf_dns_ips *ips, weft_time fresh_until, weft_time stale_until);

#endif
