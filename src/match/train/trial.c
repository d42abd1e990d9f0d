/* SPDX-License-Identifier: MIT */

#include "match/train/trial.h"

#include "base/alloc.h"
#include "match/train/head.h"

/* Up to so many examples, each is held out by itself; of more, each in one of PARTS. */
#define SINGLE_MAX 20u
#define PARTS 5u

struct trial {
    wf_course *course;
    wf_catalogue *catalogue;
    wf_examples *examples;
    wf_scorer *untrained, *head; /* `head` of the part under way */
    uint32_t *part;              /* of each example */
    uint8_t *left_out;
    size_t part_count, head_total;
    size_t untrained_right, head_right;
};

static void trial_fini(struct trial *trial)
{
    wf_scorer_unref(trial->untrained);
    wf_scorer_unref(trial->head);
    wf_free(trial->part);
    wf_free(trial->left_out);
}

/* Spreads the examples of each label over the parts. */
static int part_examples(struct trial *trial)
{
    const wf_examples *examples = trial->examples;
    uint32_t entities = trial->catalogue->entity_count;
    uint32_t *met = wf_array((size_t)entities + 1, sizeof(*met));
    trial->part = wf_array(examples->count, sizeof(*trial->part));
    trial->left_out = wf_array(examples->count, sizeof(*trial->left_out));
    int rc = met != NULL && trial->part != NULL && trial->left_out != NULL ? 0 : -ENOMEM;
    trial->part_count = examples->count <= SINGLE_MAX ? examples->count : PARTS;
    for (size_t i = 0; i < examples->count && rc == 0; i++) {
        const weft_m_example *item = &examples->items[i];
        uint32_t label =
            item->is_none ? entities : wf_catalogue_find(trial->catalogue, item->label);
        trial->part[i] = examples->count <= SINGLE_MAX
                             ? (uint32_t)i
                             : (uint32_t)((met[label]++ + label) % trial->part_count);
    }
    wf_free(met);
    return rc;
}

/* ---- asking ---- */

static int ask(struct trial *trial, wf_scorer *scorer, wf_seeker *seeker,
               const weft_m_example *item, size_t *right)
{
    const weft_matcher *matcher = trial->course->call->matcher;
    wf_job job = wf_call_job(trial->course->call);
    wf_ask ask = {.raw = item->text, .top_k = 1, .job = &job};
    int rc = wf_seeker_read(seeker, &matcher->options, item->text);
    if (rc == 0)
        rc = scorer->cls->find(scorer, seeker, &ask);
    if (rc < 0)
        return rc;
    const wf_rank *rank = &seeker->rank;
    if (item->is_none)
        *right += rank->count == 0 || rank->found[0].score < matcher->options.threshold;
    else
        *right += rank->count > 0 &&
                  rank->found[0].entity == wf_catalogue_find(trial->catalogue, item->label);
    return 0;
}

static int ask_part(void *arg)
{
    struct trial *trial = arg;
    wf_seekers *seekers = &trial->course->call->matcher->seekers;
    wf_seeker *seeker = wf_seekers_take(seekers);
    int rc = seeker != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < trial->examples->count && rc == 0; i++) {
        if (trial->left_out[i] == 0)
            continue;
        const weft_m_example *item = &trial->examples->items[i];
        rc = ask(trial, trial->untrained, seeker, item, &trial->untrained_right);
        if (rc == 0)
            rc = ask(trial, trial->head, seeker, item, &trial->head_right);
    }
    wf_seekers_give(seekers, seeker);
    return rc;
}

/* ---- the parts ---- */

static int try_part(struct trial *trial, size_t part)
{
    for (size_t i = 0; i < trial->examples->count; i++)
        trial->left_out[i] = trial->part[i] == part;
    wf_scorer_unref(trial->head);
    trial->head = NULL;
    int rc = wf_head_create(&trial->head, trial->catalogue, trial->examples, trial->left_out,
                            trial->course->call->matcher->head_c);
    if (rc == 0)
        rc = wf_course_build(trial->course, trial->head);
    return rc == 0 ? wf_work_run(ask_part, trial) : rc;
}

static int begin(struct trial *trial)
{
    weft_matcher *matcher = trial->course->call->matcher;
    int rc = part_examples(trial);
    if (rc == 0)
        rc = matcher->scoring->create(&trial->untrained, trial->catalogue, &matcher->options);
    if (rc < 0)
        return rc;
    trial->head_total = trial->catalogue->row_count + trial->examples->count + WF_HEAD_STEPS;
    trial->course->total = trial->untrained->total + (trial->part_count + 1) * trial->head_total;
    return wf_course_build(trial->course, trial->untrained);
}

/* A catalogue that is too large to learn is not learnt. */
static int choose(struct trial *trial, int rc, wf_scorer **out)
{
    bool is_learnt = rc == 0 && trial->head_right >= trial->untrained_right;
    if (rc == -WEFT_ELIMIT)
        rc = 0;
    if (rc == 0 && is_learnt) {
        wf_scorer_unref(trial->head);
        trial->head = NULL;
        rc = wf_head_create(&trial->head, trial->catalogue, trial->examples, /* left_out= */ NULL,
                            trial->course->call->matcher->head_c);
        if (rc == 0)
            rc = wf_course_build(trial->course, trial->head);
    }
    if (rc == 0)
        rc = wf_course_end(trial->course);
    if (rc == 0)
        *out = wf_scorer_ref(is_learnt ? trial->head : trial->untrained);
    return rc;
}

int wf_trial_run(wf_course *course, wf_catalogue *catalogue, wf_examples *examples, wf_scorer **out)
{
    struct trial trial = {.course = course, .catalogue = catalogue, .examples = examples};
    int rc = begin(&trial);
    for (size_t part = 0; part < trial.part_count && rc == 0; part++)
        rc = try_part(&trial, part);
    rc = choose(&trial, rc, out);
    trial_fini(&trial);
    return rc;
}
