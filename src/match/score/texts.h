/* SPDX-License-Identifier: MIT */

/*
 * Texts: the different folded texts of a catalogue's rows, each once, and which rows have each.
 * Rows are added in their order; a text's number is the order of its first row.
 */
#ifndef WF_MATCH_TEXTS_H
#define WF_MATCH_TEXTS_H

#include "base/hash.h"
#include "match/file/image.h"
#include "match/text/fold.h"

#define WF_NO_TEXT UINT32_MAX
#define WF_NO_ROW UINT32_MAX

typedef struct wf_texts {
    char *bytes;
    size_t byte_count, byte_capacity;
    size_t *ends; /* of each text, in `bytes` */
    uint32_t *first_row;
    uint32_t count, capacity;
    uint32_t *row_text;
    uint32_t *next_row; /* with the same text; WF_NO_ROW: none */
    uint32_t row_count;

    uint32_t *places; /* open addressing: text + 1; 0: empty */
    unsigned place_bits;
    wf_hash_key key;  /* random; of a file: a digest of the texts */
    bool is_of_image; /* the arrays are those of an image, which lives longer */
} wf_texts;

int wf_texts_init(wf_texts *texts, uint32_t row_count); /* 0, -ENOMEM, -EIO */
void wf_texts_fini(wf_texts *texts);

/* Adds the next row.  0 or -ENOMEM. */
int wf_texts_add(wf_texts *texts, weft_str folded);

/* After the last row: the rows of each text ascend. */
void wf_texts_seal(wf_texts *texts);

/* The number of a text, or WF_NO_TEXT. */
uint32_t wf_texts_find(const wf_texts *texts, weft_str folded);

static inline weft_str wf_texts_get(const wf_texts *texts, uint32_t text)
{
    size_t start = text != 0 ? texts->ends[text - 1] : 0;
    return (weft_str){texts->bytes + start, texts->ends[text] - start};
}

/* Puts the texts from `first` to before `end` into the places; those are new there. */
void wf_texts_place(const wf_texts *texts, uint32_t first, uint32_t end);

/* The bytes are those of the rows, whatever the key is. */
void wf_texts_save(const wf_texts *texts, wf_pack *pack);

/* Takes the arrays of an image.  0, or -WEFT_M_EPERSIST: fini is allowed all the same. */
int wf_texts_load(wf_texts *texts, const wf_image *image, uint32_t row_count);

size_t wf_texts_bytes(const wf_texts *texts);

#endif
