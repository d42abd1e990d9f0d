/* SPDX-License-Identifier: MIT */

#include "match/embed/cache.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <string.h>

/* Longer ones are quicker to make again than to keep. */
#define ENTRY_BYTES_MAX ((size_t)8 << 10)
#define ENTRY_BYTES_MEAN ((size_t)2 << 10)

/* One block: the entry, its weights, its text. */
struct cache_entry {
    wf_list link;
    struct cache_entry *chain;
    uint64_t hash;
    double norm;
    uint32_t weight_count, text_bytes;
    wf_weight weights[];
};

static char *entry_text(struct cache_entry *entry)
{
    return (char *)(entry->weights + entry->weight_count);
}

static size_t entry_bytes(size_t weight_count, size_t text_bytes)
{
    return sizeof(struct cache_entry) + weight_count * sizeof(wf_weight) + text_bytes;
}

int wf_cache_init(wf_cache *cache, size_t count_max)
{
    *cache = (wf_cache){.count_max = count_max};
    wf_list_init(&cache->recent);
    pthread_mutex_init(&cache->lock, NULL);
    while (((size_t)1 << cache->chain_bits) < count_max && cache->chain_bits < 24)
        cache->chain_bits++;
    if (!wf_mul_ok(count_max, ENTRY_BYTES_MEAN, &cache->bytes_max))
        cache->bytes_max = SIZE_MAX;
    int rc = wf_sys_random(&cache->key, sizeof(cache->key));
    if (rc < 0)
        return rc;
    cache->chains = wf_array((size_t)1 << cache->chain_bits, sizeof(struct cache_entry *));
    return cache->chains != NULL ? 0 : -ENOMEM;
}

static struct cache_entry **chain_of(const wf_cache *cache, uint64_t hash)
{
    return &cache->chains[hash & (((uint64_t)1 << cache->chain_bits) - 1)];
}

static void forget(wf_cache *cache, struct cache_entry *entry)
{
    struct cache_entry **at = chain_of(cache, entry->hash);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    wf_list_remove(&entry->link);
    cache->count--;
    cache->bytes -= entry_bytes(entry->weight_count, entry->text_bytes);
    wf_free(entry);
}

void wf_cache_fini(wf_cache *cache)
{
    while (cache->chains != NULL && !wf_list_is_empty(&cache->recent))
        forget(cache, wf_container(cache->recent.next, struct cache_entry, link));
    wf_free(cache->chains);
    cache->chains = NULL;
    pthread_mutex_destroy(&cache->lock);
}

static struct cache_entry *find(const wf_cache *cache, uint64_t hash, weft_str text)
{
    struct cache_entry *entry = *chain_of(cache, hash);
    for (; entry != NULL; entry = entry->chain) {
        if (entry->hash == hash && entry->text_bytes == text.len &&
            memcmp(entry_text(entry), text.ptr, text.len) == 0)
            return entry;
    }
    return NULL;
}

static int copy_out(const struct cache_entry *entry, wf_vector *out)
{
    int rc = wf_vector_reserve(out, entry->weight_count);
    if (rc < 0)
        return rc;
    memcpy(out->weights, entry->weights, entry->weight_count * sizeof(*entry->weights));
    out->count = entry->weight_count;
    out->norm = entry->norm;
    return 1;
}

int wf_cache_get(wf_cache *cache, weft_str text, wf_vector *out)
{
    uint64_t hash = wf_hash(&cache->key, text.ptr, text.len);
    pthread_mutex_lock(&cache->lock);
    struct cache_entry *entry = find(cache, hash, text);
    int rc = 0;
    if (entry != NULL) {
        wf_list_remove(&entry->link);
        wf_list_append(&cache->recent, &entry->link);
        rc = copy_out(entry, out);
    }
    cache->hits += entry != NULL;
    cache->misses += entry == NULL;
    pthread_mutex_unlock(&cache->lock);
    return rc;
}

static struct cache_entry *entry_new(uint64_t hash, weft_str text, const wf_vector *vector)
{
    struct cache_entry *entry = wf_alloc(entry_bytes(vector->count, text.len));
    if (entry == NULL)
        return NULL;
    entry->hash = hash;
    entry->norm = vector->norm;
    entry->weight_count = (uint32_t)vector->count;
    entry->text_bytes = (uint32_t)text.len;
    memcpy(entry->weights, vector->weights, vector->count * sizeof(*vector->weights));
    memcpy(entry_text(entry), text.ptr, text.len);
    return entry;
}

static void enter(wf_cache *cache, struct cache_entry *entry)
{
    struct cache_entry **chain = chain_of(cache, entry->hash);
    entry->chain = *chain;
    *chain = entry;
    wf_list_append(&cache->recent, &entry->link);
    cache->count++;
    cache->bytes += entry_bytes(entry->weight_count, entry->text_bytes);
    while (cache->count > cache->count_max || cache->bytes > cache->bytes_max)
        forget(cache, wf_container(cache->recent.next, struct cache_entry, link));
}

void wf_cache_put(wf_cache *cache, weft_str text, const wf_vector *vector)
{
    size_t bytes = entry_bytes(vector->count, text.len);
    if (cache->count_max == 0 || bytes > ENTRY_BYTES_MAX || vector->count == 0)
        return;
    uint64_t hash = wf_hash(&cache->key, text.ptr, text.len);
    struct cache_entry *entry = entry_new(hash, text, vector);
    if (entry == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    bool is_there = find(cache, hash, text) != NULL; /* another thread was quicker */
    if (!is_there)
        enter(cache, entry);
    pthread_mutex_unlock(&cache->lock);
    if (is_there)
        wf_free(entry);
}

void wf_cache_stats_get(wf_cache *cache, wf_cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    *out = (wf_cache_stats){cache->hits, cache->misses, cache->count, cache->bytes};
    pthread_mutex_unlock(&cache->lock);
}
