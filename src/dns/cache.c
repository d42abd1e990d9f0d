/* SPDX-License-Identifier: MIT */

#include "dns/cache.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <string.h>

int wf_dns_cache_init(struct wf_dns_cache *cache, uint32_t count_max)
{
    *cache = (struct wf_dns_cache){.chain_count = 64, .count_max = count_max};
    wf_list_init(&cache->by_use);
    while (cache->chain_count < count_max && cache->chain_count < 1u << 20)
        cache->chain_count *= 2;
    int rc = wf_sys_random(&cache->key, sizeof cache->key);
    if (rc < 0)
        return rc;
    cache->chains = wf_array(cache->chain_count, sizeof(struct wf_dns_entry *));
    return cache->chains != NULL ? 0 : -ENOMEM;
}

static uint64_t key_hash(const struct wf_dns_cache *cache, const char *name, int family)
{
    return wf_hash(&cache->key, name, strlen(name)) + (uint64_t)family;
}

static struct wf_dns_entry **chain_of(struct wf_dns_cache *cache, uint64_t hash)
{
    return &cache->chains[hash & (cache->chain_count - 1)];
}

static void entry_free(struct wf_dns_entry *entry)
{
    wf_free(entry->name);
    wf_free(entry->ips);
    wf_free(entry);
}

static void entry_remove(struct wf_dns_cache *cache, struct wf_dns_entry *entry)
{
    struct wf_dns_entry **at = chain_of(cache, entry->hash);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    wf_list_remove(&entry->by_use);
    cache->count--;
    entry_free(entry);
}

static struct wf_dns_entry *oldest(struct wf_dns_cache *cache)
{
    return wf_container(cache->by_use.next, struct wf_dns_entry, by_use);
}

void wf_dns_cache_fini(struct wf_dns_cache *cache)
{
    if (cache->chains == NULL)
        return;
    while (cache->count != 0)
        entry_remove(cache, oldest(cache));
    wf_free(cache->chains);
    cache->chains = NULL;
}

struct wf_dns_entry *wf_dns_cache_find(struct wf_dns_cache *cache, const char *name, int family)
{
    uint64_t hash = key_hash(cache, name, family);
    struct wf_dns_entry *entry = *chain_of(cache, hash);
    while (entry != NULL &&
           (entry->hash != hash || entry->family != family || strcmp(entry->name, name) != 0))
        entry = entry->next;
    if (entry != NULL) {
        wf_list_remove(&entry->by_use);
        wf_list_append(&cache->by_use, &entry->by_use);
    }
    return entry;
}

static struct wf_dns_entry *entry_new(const char *name, const struct wf_dns_ips *ips)
{
    struct wf_dns_entry *entry = wf_alloc(sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->name = wf_strdup(name, strlen(name));
    entry->count = ips->count;
    if (ips->count != 0)
        entry->ips = wf_dup(ips->items, ips->count * sizeof ips->items[0]);
    if (entry->name == NULL || (ips->count != 0 && entry->ips == NULL)) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

void wf_dns_cache_put(struct wf_dns_cache *cache, const char *name, int family,
                      const struct wf_dns_ips *ips, weft_time fresh_until, weft_time stale_until)
{
    struct wf_dns_entry *old = wf_dns_cache_find(cache, name, family);
    if (old != NULL)
        entry_remove(cache, old);
    struct wf_dns_entry *entry = entry_new(name, ips);
    if (entry == NULL)
        return;
    if (cache->count == cache->count_max)
        entry_remove(cache, oldest(cache));
    entry->hash = key_hash(cache, name, family);
    entry->family = family;
    entry->fresh_until = fresh_until;
    entry->stale_until = stale_until;
    struct wf_dns_entry **chain = chain_of(cache, entry->hash);
    entry->next = *chain;
    *chain = entry;
    wf_list_append(&cache->by_use, &entry->by_use);
    cache->count++;
}
