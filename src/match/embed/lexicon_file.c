/* SPDX-License-Identifier: MIT */

#include "match/embed/lexicon.h"

#include "base/alloc.h"
#include "match/embed/sort.h"
#include "match/file/sha256.h"

#include <string.h>

#define TAG_HEAD WF_TAG('L', 'X', 'H', 'D')
#define TAG_HASHES WF_TAG('L', 'X', 'H', 'A')
#define TAG_WEIGHTS WF_TAG('L', 'X', 'W', 'E')

#define BITS_MAX 40u
#define IDF_MAX 1000

struct head {
    uint64_t count, row_count, key;
    uint32_t bits;
    float idf_unseen;
};

/* ---- saving ---- */

/* Places or hashes gone through between two looks at whether to go on. */
#define HASHES_A_PART ((size_t)1 << 16)

/* All hashes, ascending; `spare` has room for as many. */
static int list_hashes(const wf_lexicon *lexicon, uint64_t *hashes, uint64_t *spare, wf_pack *pack)
{
    size_t count = 0;
    for (size_t i = 0; i < wf_lexicon_places(lexicon); i++) {
        if (i % HASHES_A_PART == 0 && !wf_pack_goes_on(pack))
            return pack->rc;
        if (lexicon->hashes[i] != 0)
            hashes[count++] = lexicon->hashes[i];
    }
    return wf_sort_keys_job(hashes, spare, count, 0, &pack->job);
}

static uint64_t digest_of(const uint64_t *hashes, size_t count, wf_pack *pack)
{
    uint8_t sum[WF_SHA256_BYTES];
    uint64_t key;
    wf_sha256 sha;
    wf_sha256_init(&sha);
    wf_pack_digest(pack, &sha, hashes, count * sizeof(*hashes));
    wf_sha256_end(&sha, sum);
    memcpy(&key, sum, sizeof(key));
    return key;
}

static void save_head(const wf_lexicon *lexicon, wf_pack *pack)
{
    struct head head = {.count = lexicon->count,
                        .row_count = lexicon->row_count,
                        .key = lexicon->key,
                        .bits = lexicon->bits,
                        .idf_unseen = lexicon->idf_unseen};
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
}

/* The same weights, in places that only the hashes decide on. */
static int save_in_order(const wf_lexicon *lexicon, const uint64_t *hashes, wf_pack *pack)
{
    size_t places = wf_lexicon_places(lexicon);
    wf_lexicon out = *lexicon;
    out.key = digest_of(hashes, lexicon->count, pack) | 1;
    save_head(&out, pack);
    out.hashes = wf_pack_new(pack, TAG_HASHES, places, sizeof(*out.hashes));
    out.entries = wf_pack_new(pack, TAG_WEIGHTS, places, sizeof(*out.entries));
    for (size_t i = 0; i < lexicon->count; i++) {
        if (i % HASHES_A_PART == 0 && !wf_pack_goes_on(pack))
            return pack->rc;
        size_t place = wf_lexicon_place(&out, hashes[i]);
        out.hashes[place] = hashes[i];
        out.entries[place] = lexicon->entries[wf_lexicon_place(lexicon, hashes[i])];
    }
    return 0;
}

static int save_built(const wf_lexicon *lexicon, wf_pack *pack)
{
    uint64_t *hashes = wf_array(lexicon->count, sizeof(*hashes));
    uint64_t *spare = wf_array(lexicon->count, sizeof(*spare));
    int rc = hashes != NULL && spare != NULL ? list_hashes(lexicon, hashes, spare, pack) : -ENOMEM;
    if (rc == 0)
        rc = save_in_order(lexicon, hashes, pack);
    wf_free(hashes);
    wf_free(spare);
    return rc;
}

int wf_lexicon_save(const wf_lexicon *lexicon, wf_pack *pack)
{
    size_t places = wf_lexicon_places(lexicon);
    if (!lexicon->is_of_image)
        return save_built(lexicon, pack);
    save_head(lexicon, pack);
    wf_pack_add(pack, TAG_HASHES, lexicon->hashes, places, sizeof(*lexicon->hashes));
    wf_pack_add(pack, TAG_WEIGHTS, lexicon->entries, places, sizeof(*lexicon->entries));
    return 0;
}

/* ---- loading ---- */

static bool is_weight(float idf)
{
    return idf >= 0 && idf <= IDF_MAX;
}

/* A search ends at an empty place: there must be one. */
static bool is_sound(const wf_lexicon *lexicon)
{
    size_t used = 0, places = wf_lexicon_places(lexicon);
    for (size_t i = 0; i < places; i++) {
        used += lexicon->hashes[i] != 0;
        if (!is_weight(lexicon->entries[i].idf))
            return false;
    }
    return used == lexicon->count && used < places && is_weight(lexicon->idf_unseen);
}

int wf_lexicon_load(wf_lexicon *lexicon, const wf_image *image)
{
    struct head head;
    const void *hashes = NULL, *entries = NULL;
    int rc = wf_image_get_one(image, TAG_HEAD, &head, sizeof(head));
    if (rc < 0)
        return rc;
    if (head.bits == 0 || head.bits > BITS_MAX)
        return -WEFT_M_EPERSIST;
    size_t places = (size_t)1 << head.bits;
    rc = wf_image_get_exactly(image, TAG_HASHES, sizeof(*lexicon->hashes), places, &hashes);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_WEIGHTS, sizeof(*lexicon->entries), places, &entries);
    if (rc < 0)
        return rc;
    *lexicon = (wf_lexicon){.hashes = (uint64_t *)hashes,
                            .entries = (void *)entries,
                            .bits = head.bits,
                            .count = head.count,
                            .row_count = head.row_count,
                            .key = head.key,
                            .idf_unseen = head.idf_unseen,
                            .is_of_image = true};
    return is_sound(lexicon) ? 0 : -WEFT_M_EPERSIST;
}
