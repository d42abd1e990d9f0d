/* SPDX-License-Identifier: MIT */

#include "match/embed/lexicon.h"

#include <math.h>

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

void wf_lexicon_save(const wf_lexicon *lexicon, wf_pack *pack)
{
    struct head head = {.count = lexicon->count,
                        .row_count = lexicon->row_count,
                        .key = lexicon->key,
                        .bits = lexicon->bits,
                        .idf_unseen = lexicon->idf_unseen};
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
    wf_pack_add(pack, TAG_HASHES, lexicon->hashes, wf_lexicon_places(lexicon),
                sizeof(*lexicon->hashes));
    wf_pack_add(pack, TAG_WEIGHTS, lexicon->entries, wf_lexicon_places(lexicon),
                sizeof(*lexicon->entries));
}

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
