/* SPDX-License-Identifier: MIT */

#include "match/train/verdict.h"

#include "match/train/head.h"

#define TAG_TRIAL WF_TAG('T', 'R', 'L', '2')

enum way { ZERO_SHOT, HEAD_ONLY, FULL, BERT, WAYS };

static const char *const modes[WAYS] = {"zero-shot", "head-only", "full", "bert"};

static const char *const whys[WF_TRIAL_WHYS] = {
    [WF_TRIAL_BETTER] = "it was right more often",
    [WF_TRIAL_NOT_BETTER] = "what costs more was not right more often",
    [WF_TRIAL_FORGETS] = "what was right more often knew names with slips worse",
    [WF_TRIAL_TOO_LARGE] = "there is too much to learn",
};

static enum way way_of(const wf_scorer_class *cls)
{
    return cls == NULL              ? ZERO_SHOT
           : cls == &wf_scorer_head ? HEAD_ONLY
           : cls == &wf_scorer_full ? FULL
                                    : BERT;
}

static weft_m_tried *tried(weft_m_trial *trial, enum way way)
{
    weft_m_tried *const all[WAYS] = {&trial->zero_shot, &trial->head_only, &trial->full,
                                     &trial->bert};
    return all[way];
}

weft_m_tried *wf_trial_tried(weft_m_trial *trial, const wf_scorer_class *cls)
{
    return tried(trial, way_of(cls));
}

void wf_trial_end(weft_m_trial *trial, const wf_scorer_class *winner, enum wf_trial_why why)
{
    trial->winner = modes[way_of(winner)];
    trial->why = whys[why];
}

/* ---- files ---- */

struct kept {
    uint64_t held_out, slips;
    weft_m_tried tried[WAYS];
    uint32_t winner, why;
};

static uint32_t place_of(const char *const *texts, uint32_t count, const char *text)
{
    uint32_t at = 0;
    while (at + 1 < count && texts[at] != text)
        at++;
    return at;
}

void wf_trial_save(const weft_m_trial *trial, wf_pack *pack)
{
    if (trial->held_out == 0)
        return;
    weft_m_trial copy = *trial;
    struct kept kept = {.held_out = trial->held_out,
                        .slips = trial->slips,
                        .winner = place_of(modes, WAYS, trial->winner),
                        .why = place_of(whys, WF_TRIAL_WHYS, trial->why)};
    for (enum way way = 0; way < WAYS; way++)
        kept.tried[way] = *tried(&copy, way);
    wf_pack_copy(pack, TAG_TRIAL, &kept, sizeof(kept));
}

void wf_trial_load(weft_m_trial *trial, const wf_image *image)
{
    struct kept kept;
    if (wf_image_get_one(image, TAG_TRIAL, &kept, sizeof(kept)) < 0 || kept.winner >= WAYS ||
        kept.why >= WF_TRIAL_WHYS)
        return;
    *trial = (weft_m_trial){.held_out = kept.held_out,
                            .slips = kept.slips,
                            .winner = modes[kept.winner],
                            .why = whys[kept.why]};
    for (enum way way = 0; way < WAYS; way++)
        *tried(trial, way) = kept.tried[way];
}
