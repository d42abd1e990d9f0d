/* SPDX-License-Identifier: MIT */

#include "match/score/texts.h"

#include "base/utf8.h"
#include "match/file/sha256.h"

#include <string.h>

#define TAG_HEAD WF_TAG('T', 'X', 'H', 'D')
#define TAG_BYTES WF_TAG('T', 'X', 'B', 'Y')
#define TAG_ENDS WF_TAG('T', 'X', 'E', 'N')
#define TAG_FIRST_ROW WF_TAG('T', 'X', 'F', 'I')
#define TAG_ROW_TEXT WF_TAG('T', 'X', 'R', 'O')
#define TAG_NEXT_ROW WF_TAG('T', 'X', 'N', 'E')
#define TAG_PLACES WF_TAG('T', 'X', 'P', 'L')

/* Texts gone through between two looks at whether to go on. */
#define TEXTS_A_PART 16384u

#define PLACE_BITS_MAX 40u

struct head {
    uint64_t byte_count;
    uint32_t count, row_count, place_bits, zero;
    wf_hash_key key;
};

/* ---- saving ---- */

static wf_hash_key digest_of(const wf_texts *texts, wf_pack *pack)
{
    uint8_t sum[WF_SHA256_BYTES];
    wf_hash_key key;
    wf_sha256 sha;
    wf_sha256_init(&sha);
    wf_pack_digest(pack, &sha, texts->ends, texts->count * sizeof(*texts->ends));
    wf_pack_digest(pack, &sha, texts->bytes, texts->byte_count);
    wf_sha256_end(&sha, sum);
    memcpy(&key, sum, sizeof(key));
    return key;
}

/* The texts in places that only they decide on. */
static void save_in_order(const wf_texts *texts, wf_hash_key key, wf_pack *pack)
{
    wf_texts out = *texts;
    out.key = key;
    out.places = wf_pack_new(pack, TAG_PLACES, (size_t)1 << out.place_bits, sizeof(*out.places));
    for (uint32_t at = 0; at < out.count && wf_pack_goes_on(pack);) {
        uint32_t end = out.count - at < TEXTS_A_PART ? out.count : at + TEXTS_A_PART;
        wf_texts_place(&out, at, end);
        at = end;
    }
}

void wf_texts_save(const wf_texts *texts, wf_pack *pack)
{
    wf_hash_key key = texts->is_of_image ? texts->key : digest_of(texts, pack);
    struct head head = {.byte_count = texts->byte_count,
                        .count = texts->count,
                        .row_count = texts->row_count,
                        .place_bits = texts->place_bits,
                        .key = key};
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
    wf_pack_add(pack, TAG_BYTES, texts->bytes, texts->byte_count, 1);
    wf_pack_add(pack, TAG_ENDS, texts->ends, texts->count, sizeof(*texts->ends));
    wf_pack_add(pack, TAG_FIRST_ROW, texts->first_row, texts->count, sizeof(*texts->first_row));
    wf_pack_add(pack, TAG_ROW_TEXT, texts->row_text, texts->row_count, sizeof(*texts->row_text));
    wf_pack_add(pack, TAG_NEXT_ROW, texts->next_row, texts->row_count, sizeof(*texts->next_row));
    if (texts->is_of_image)
        wf_pack_add(pack, TAG_PLACES, texts->places, (size_t)1 << texts->place_bits,
                    sizeof(*texts->places));
    else
        save_in_order(texts, key, pack);
}

/* ---- loading ---- */

static bool are_sound_texts(const wf_texts *texts)
{
    size_t start = 0;
    for (uint32_t i = 0; i < texts->count; i++) {
        size_t end = texts->ends[i];
        if (end < start || end > texts->byte_count ||
            !wf_utf8_is_valid(texts->bytes + start, end - start))
            return false;
        uint32_t row = texts->first_row[i];
        if (row >= texts->row_count || texts->row_text[row] != i)
            return false;
        start = end;
    }
    return start == texts->byte_count;
}

/* Rows of a text ascend, so that a walk along them ends. */
static bool are_sound_rows(const wf_texts *texts)
{
    for (uint32_t row = 0; row < texts->row_count; row++) {
        uint32_t text = texts->row_text[row], next = texts->next_row[row];
        if (text >= texts->count)
            return false;
        bool is_last = next == WF_NO_ROW;
        if (!is_last && (next <= row || next >= texts->row_count || texts->row_text[next] != text))
            return false;
    }
    return true;
}

/* A search ends at an empty place: there must be one. */
static bool are_sound_places(const wf_texts *texts)
{
    size_t empty = 0, places = (size_t)1 << texts->place_bits;
    for (size_t i = 0; i < places; i++) {
        empty += texts->places[i] == 0;
        if (texts->places[i] > texts->count)
            return false;
    }
    return empty > 0;
}

int wf_texts_load(wf_texts *texts, const wf_image *image, uint32_t row_count)
{
    struct head head;
    int rc = wf_image_get_one(image, TAG_HEAD, &head, sizeof(head));
    if (rc < 0)
        return rc;
    if (head.row_count != row_count || head.place_bits > PLACE_BITS_MAX)
        return -WEFT_M_EPERSIST;
    *texts = (wf_texts){.byte_count = head.byte_count,
                        .count = head.count,
                        .row_count = head.row_count,
                        .place_bits = head.place_bits,
                        .key = head.key,
                        .is_of_image = true};
    rc = wf_image_get_exactly(image, TAG_BYTES, 1, head.byte_count, &texts->bytes);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_ENDS, sizeof(*texts->ends), head.count, &texts->ends);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_FIRST_ROW, sizeof(uint32_t), head.count,
                                  &texts->first_row);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_ROW_TEXT, sizeof(uint32_t), head.row_count,
                                  &texts->row_text);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_NEXT_ROW, sizeof(uint32_t), head.row_count,
                                  &texts->next_row);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_PLACES, sizeof(uint32_t), (size_t)1 << head.place_bits,
                                  &texts->places);
    if (rc < 0)
        return rc;
    bool is_sound = are_sound_rows(texts) && are_sound_texts(texts) && are_sound_places(texts);
    return is_sound ? 0 : -WEFT_M_EPERSIST;
}
