/* SPDX-License-Identifier: MIT */

/*
 * Frame: the special tokens that a model wants around a text, or around two, and how many may stand
 * between them: "post_processor" of tokenizer.json.
 */
#ifndef WF_MATCH_FRAME_H
#define WF_MATCH_FRAME_H

#include "match/model/tape.h"

#define WF_FRAME_ITEMS_MAX 16u

enum wf_frame_kind { WF_FRAME_TOKEN, WF_FRAME_FIRST, WF_FRAME_SECOND };

typedef struct wf_frame_list {
    struct wf_frame_item {
        enum wf_frame_kind kind;
        uint32_t id; /* of TOKEN */
        uint8_t type;
    } items[WF_FRAME_ITEMS_MAX];
    size_t count;
} wf_frame_list;

/* `pair.count` is 0 if there is no way to put two texts into one. */
typedef struct wf_frame {
    wf_frame_list single, pair;
} wf_frame;

/* Null and nothing are a frame without tokens, for single texts.  0, or -WEFT_M_EMODEL naming what
 * is unknown. */
int wf_frame_read(wf_frame *frame, const wf_tape *tape, uint32_t value, wf_reason *reason);

/* Tokens that are there whatever the texts. */
size_t wf_frame_tokens(const wf_frame_list *list);

/* The greatest id among them. */
uint32_t wf_frame_id_max(const wf_frame *frame);

/* How many tokens of two texts stay when all must be at most `total` with those of the frame: the
 * longer one is cut first, and both to halves if neither can stay whole. */
void wf_frame_cut(const wf_frame_list *pair, size_t total, size_t *first, size_t *second);

#endif
