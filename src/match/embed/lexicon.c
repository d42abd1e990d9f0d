/* SPDX-License-Identifier: MIT */

#include "match/embed/lexicon.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <math.h>

#define BITS_MIN 8

static inline size_t place_of(const wf_lexicon *lexicon, uint64_t hash)
{
    return (size_t)(hash * lexicon->key >> (64 - lexicon->bits));
}

static inline size_t next_place(const wf_lexicon *lexicon, size_t place)
{
    return (place + 1) & (((size_t)1 << lexicon->bits) - 1);
}

/* Where `hash` is, or the empty place where it would be. */
static inline size_t find(const wf_lexicon *lexicon, uint64_t hash)
{
    size_t place = place_of(lexicon, hash);
    while (lexicon->hashes[place] != 0 && lexicon->hashes[place] != hash)
        place = next_place(lexicon, place);
    return place;
}

static int make_places(wf_lexicon *lexicon, unsigned bits)
{
    size_t places = (size_t)1 << bits;
    uint64_t *hashes = wf_array(places, sizeof(*hashes));
    void *entries = wf_array(places, sizeof(*lexicon->entries));
    if (hashes == NULL || entries == NULL) {
        wf_free(hashes);
        wf_free(entries);
        return -ENOMEM;
    }
    lexicon->hashes = hashes;
    lexicon->entries = entries;
    lexicon->bits = bits;
    return 0;
}

int wf_lexicon_init(wf_lexicon *lexicon)
{
    *lexicon = (wf_lexicon){0};
    int rc = wf_sys_random(&lexicon->key, sizeof(lexicon->key));
    lexicon->key |= 1;
    return rc < 0 ? rc : make_places(lexicon, BITS_MIN);
}

void wf_lexicon_fini(wf_lexicon *lexicon)
{
    if (!lexicon->is_of_image) {
        wf_free(lexicon->hashes);
        wf_free(lexicon->entries);
    }
    *lexicon = (wf_lexicon){0};
}

/* Places gone through between two looks at whether to go on. */
#define PLACES_A_PART ((size_t)1 << 16)

static int enlarge(wf_lexicon *lexicon, const wf_job *job)
{
    wf_lexicon old = *lexicon;
    int rc = make_places(lexicon, old.bits + 1);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < (size_t)1 << old.bits && rc == 0; i++) {
        if (i % PLACES_A_PART == 0)
            rc = wf_job_poll(job);
        if (old.hashes[i] == 0)
            continue;
        size_t place = find(lexicon, old.hashes[i]);
        lexicon->hashes[place] = old.hashes[i];
        lexicon->entries[place] = old.entries[i];
    }
    if (rc < 0) { /* as if nothing had been */
        wf_lexicon half = *lexicon;
        *lexicon = old;
        old = half;
    }
    wf_free(old.hashes);
    wf_free(old.entries);
    return rc;
}

int wf_lexicon_count(wf_lexicon *lexicon, const wf_features *row, const wf_job *job)
{
    while (lexicon->count + row->count > ((size_t)3 << lexicon->bits) / 4) {
        int rc = enlarge(lexicon, job);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < row->count; i++)
        __builtin_prefetch(lexicon->hashes + place_of(lexicon, row->hashes[i]));
    for (size_t i = 0; i < row->count; i++) {
        size_t place = find(lexicon, row->hashes[i]);
        lexicon->count += lexicon->hashes[place] == 0;
        lexicon->hashes[place] = row->hashes[i];
        lexicon->entries[place].row_count++;
    }
    lexicon->row_count++;
    return 0;
}

int wf_lexicon_weigh(wf_lexicon *lexicon, const wf_job *job)
{
    double rows = (double)lexicon->row_count;
    for (size_t i = 0; i < (size_t)1 << lexicon->bits; i++) {
        int rc = i % PLACES_A_PART == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        if (lexicon->hashes[i] != 0)
            lexicon->entries[i].idf =
                (float)(log((1 + rows) / (1 + (double)lexicon->entries[i].row_count)) + 1);
    }
    lexicon->idf_unseen = (float)(log(1 + rows) + 1);
    return 0;
}

void wf_lexicon_read(const wf_lexicon *lexicon, const wf_features *features, float *out_idf)
{
    for (size_t i = 0; i < features->count; i++)
        __builtin_prefetch(lexicon->hashes + place_of(lexicon, features->hashes[i]));
    for (size_t i = 0; i < features->count; i++) {
        size_t place = find(lexicon, features->hashes[i]);
        out_idf[i] =
            lexicon->hashes[place] != 0 ? lexicon->entries[place].idf : lexicon->idf_unseen;
    }
}

float wf_lexicon_idf(const wf_lexicon *lexicon, uint64_t hash)
{
    size_t place = find(lexicon, hash);
    return lexicon->hashes[place] != 0 ? lexicon->entries[place].idf : lexicon->idf_unseen;
}

size_t wf_lexicon_place(const wf_lexicon *lexicon, uint64_t hash)
{
    return find(lexicon, hash);
}

size_t wf_lexicon_bytes(const wf_lexicon *lexicon)
{
    return ((size_t)1 << lexicon->bits) * (sizeof(*lexicon->hashes) + sizeof(*lexicon->entries));
}
