/* SPDX-License-Identifier: MIT */

#include "match/seeker.h"

#include "base/alloc.h"
#include "match/hierarchy/kin.h"
#include "match/novelty/work.h"

/* More than this many idle ones are freed. */
#define FREE_COUNT_MAX 32

/* What a seeker may keep of one long text. */
#define KEPT_BYTES_MAX ((size_t)1 << 20)

static void seeker_free(wf_seeker *seeker)
{
    wf_norm_fini(&seeker->norm);
    wf_buf_fini(&seeker->cut);
    wf_buf_fini(&seeker->normal);
    wf_buf_fini(&seeker->shown);
    wf_encoder_fini(&seeker->encoder);
    wf_vector_fini(&seeker->vector);
    wf_finder_fini(&seeker->finder);
    wf_rank_fini(&seeker->rank);
    wf_judge_fini(&seeker->judge);
    wf_bag_fini(&seeker->bag);
    wf_pupil_fini(&seeker->pupil);
    wf_glance_fini(&seeker->glance);
    wf_volley_free(seeker->volley);
    wf_hnsw_desk_fini(&seeker->walk);
    wf_block_desk_fini(&seeker->block);
    wf_free(seeker->found);
    wf_novel_work_free(seeker->novel);
    wf_kin_desk_free(seeker->kin);
    wf_free(seeker);
}

int wf_seeker_read(wf_seeker *seeker, const weft_m_options *options, weft_str raw)
{
    wf_buf_reset(&seeker->cut);
    int rc = wf_norm_cut_marks(raw, options->mark_run_max, &seeker->cut);
    if (rc < 0)
        return rc;
    seeker->was_cut = rc > 0;
    if (seeker->was_cut)
        raw = (weft_str){wf_buf_ptr(&seeker->cut), wf_buf_bytes(&seeker->cut)};
    seeker->text = raw;
    if (!options->normalize)
        return 0;
    wf_buf_reset(&seeker->normal);
    rc = wf_norm_append(&seeker->norm, NULL, raw, &seeker->normal);
    if (rc == 0)
        seeker->text = (weft_str){wf_buf_ptr(&seeker->normal), wf_buf_bytes(&seeker->normal)};
    return rc;
}

void wf_seekers_init(wf_seekers *seekers)
{
    *seekers = (wf_seekers){0};
    pthread_mutex_init(&seekers->lock, NULL);
}

void wf_seekers_fini(wf_seekers *seekers)
{
    while (seekers->free != NULL) {
        wf_seeker *next = seekers->free->next;
        seeker_free(seekers->free);
        seekers->free = next;
    }
    pthread_mutex_destroy(&seekers->lock);
}

wf_seeker *wf_seekers_take(wf_seekers *seekers)
{
    pthread_mutex_lock(&seekers->lock);
    wf_seeker *seeker = seekers->free;
    if (seeker != NULL) {
        seekers->free = seeker->next;
        seekers->free_count--;
    }
    pthread_mutex_unlock(&seekers->lock);
    return seeker != NULL ? seeker : wf_alloc(sizeof(*seeker));
}

static size_t kept_bytes(const wf_seeker *seeker)
{
    const wf_judge *judge = &seeker->judge;
    return seeker->encoder.features.capacity * 20 + seeker->encoder.features.span_capacity * 24 +
           judge->entrant_capacity * sizeof(*judge->entrants) + judge->allowed_capacity * 8 +
           judge->candidate_capacity * sizeof(*judge->candidates) + seeker->bag.capacity * 20 +
           seeker->pupil.capacity * 8 + wf_kin_desk_bytes(seeker->kin);
}

void wf_seekers_give(wf_seekers *seekers, wf_seeker *seeker)
{
    if (seeker == NULL)
        return;
    bool is_large = kept_bytes(seeker) > KEPT_BYTES_MAX;
    pthread_mutex_lock(&seekers->lock);
    bool is_kept = !is_large && seekers->free_count < FREE_COUNT_MAX;
    if (is_kept) {
        seeker->next = seekers->free;
        seekers->free = seeker;
        seekers->free_count++;
    }
    pthread_mutex_unlock(&seekers->lock);
    if (!is_kept)
        seeker_free(seeker);
}
