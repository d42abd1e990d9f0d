/* SPDX-License-Identifier: MIT */

#include "match/train/trial.h"

#include "base/alloc.h"
#include "match/train/head.h"

#include <assert.h>

/* Up to so many examples, each is held out by itself; of more, each in one of PARTS. */
#define SINGLE_MAX 20u
#define PARTS 5u

#define BERT_EACH_MIN 8u
#define BERT_ALL_MIN 100u
#define FULL_EACH_MIN 3u

#define CONTENDERS_MAX 3u

struct contender {
    const wf_scorer_class *cls; /* NULL: untrained */
    wf_scorer *scorer;          /* of the part under way; the untrained one is of all */
    size_t right;
    bool is_out; /* too large to learn */
};

struct trial {
    wf_course *course;
    wf_catalogue *catalogue;
    wf_examples *examples;
    struct contender contenders[CONTENDERS_MAX];
    size_t contender_count;
    uint32_t *part; /* of each example */
    uint8_t *left_out;
    size_t part_count;
};

const wf_scorer_class *wf_trial_resolve(const wf_catalogue *catalogue, const wf_examples *examples)
{
    uint32_t *each = wf_array((size_t)catalogue->entity_count + 1, sizeof(*each));
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < examples->count && each != NULL; i++) {
        const weft_m_example *item = &examples->items[i];
        each[item->is_none ? catalogue->entity_count : wf_catalogue_find(catalogue, item->label)]++;
    }
    for (uint32_t i = 0; i <= catalogue->entity_count && each != NULL; i++) {
        least = each[i] != 0 && each[i] < least ? each[i] : least;
        most = each[i] > most ? each[i] : most;
    }
    wf_free(each);
    if (least >= BERT_EACH_MIN && least != UINT32_MAX && examples->count >= BERT_ALL_MIN)
        return &wf_scorer_bag;
    return most < FULL_EACH_MIN ? &wf_scorer_head : &wf_scorer_full;
}

static void trial_fini(struct trial *trial)
{
    for (size_t i = 0; i < trial->contender_count; i++)
        wf_scorer_unref(trial->contenders[i].scorer);
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

static int ask(struct trial *trial, struct contender *contender, wf_seeker *seeker,
               const weft_m_example *item)
{
    const weft_matcher *matcher = trial->course->call->matcher;
    wf_job job = wf_call_job(trial->course->call);
    wf_ask ask = {.raw = item->text, .top_k = 1, .job = &job};
    int rc = wf_seeker_read(seeker, &matcher->options, item->text);
    if (rc == 0)
        rc = contender->scorer->cls->find(contender->scorer, seeker, &ask);
    if (rc < 0)
        return rc;
    const wf_rank *rank = &seeker->rank;
    if (item->is_none)
        contender->right += rank->count == 0 || rank->found[0].score < matcher->options.threshold;
    else
        contender->right += rank->count > 0 && rank->found[0].entity ==
                                                   wf_catalogue_find(trial->catalogue, item->label);
    return 0;
}

static int ask_part(void *arg)
{
    struct trial *trial = arg;
    wf_seekers *seekers = &trial->course->call->matcher->seekers;
    wf_seeker *seeker = wf_seekers_take(seekers);
    int rc = seeker != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < trial->examples->count && rc == 0; i++) {
        for (size_t k = 0; k < trial->contender_count && trial->left_out[i] != 0 && rc == 0; k++) {
            if (!trial->contenders[k].is_out)
                rc = ask(trial, &trial->contenders[k], seeker, &trial->examples->items[i]);
        }
    }
    wf_seekers_give(seekers, seeker);
    return rc;
}

/* ---- the parts ---- */

static size_t total_of(const struct trial *trial, const wf_scorer_class *cls)
{
    return wf_head_total(cls, trial->catalogue, trial->examples);
}

/* Learns from what is not left out; what is too large to learn is out. */
static int learn(struct trial *trial, struct contender *contender, const uint8_t *left_out)
{
    wf_course *course = trial->course;
    size_t before = course->before;
    wf_scorer_unref(contender->scorer);
    contender->scorer = NULL;
    int rc = wf_head_create(&contender->scorer, contender->cls, trial->catalogue, trial->examples,
                            left_out, &course->call->matcher->options);
    if (rc == 0)
        rc = wf_course_build(course, contender->scorer);
    if (rc != -WEFT_ELIMIT)
        return rc;
    course->before = before + total_of(trial, contender->cls);
    contender->is_out = true;
    return 0;
}

static int try_part(struct trial *trial, size_t part)
{
    int rc = 0;
    for (size_t i = 0; i < trial->examples->count; i++)
        trial->left_out[i] = trial->part[i] == part;
    for (size_t k = 0; k < trial->contender_count && rc == 0; k++) {
        struct contender *contender = &trial->contenders[k];
        if (contender->cls != NULL && !contender->is_out)
            rc = learn(trial, contender, trial->left_out);
    }
    return rc == 0 ? wf_work_run(ask_part, trial) : rc;
}

static void enter(struct trial *trial, const wf_scorer_class *asked, bool is_auto)
{
    if (is_auto)
        trial->contenders[trial->contender_count++].cls = NULL;
    trial->contenders[trial->contender_count++].cls = &wf_scorer_head;
    if (asked != &wf_scorer_head)
        trial->contenders[trial->contender_count++].cls = asked;
}

/* The last training is of the one that is taken: of the largest, as far as anybody knows. */
static int begin(struct trial *trial, const wf_scorer_class *asked)
{
    weft_matcher *matcher = trial->course->call->matcher;
    struct contender *first = &trial->contenders[0];
    int rc = part_examples(trial);
    if (rc == 0 && first->cls == NULL)
        rc = matcher->scoring->create(&first->scorer, trial->catalogue, &matcher->options);
    if (rc < 0)
        return rc;
    assert(first->cls != NULL || first->scorer != NULL);
    size_t total = total_of(trial, asked) + (first->cls == NULL ? first->scorer->total : 0);
    for (size_t k = 0; k < trial->contender_count; k++) {
        const wf_scorer_class *cls = trial->contenders[k].cls;
        if (cls != NULL)
            total += trial->part_count * total_of(trial, cls);
    }
    trial->course->total = total;
    return first->cls == NULL ? wf_course_build(trial->course, first->scorer) : 0;
}

/* ---- the choice ---- */

static struct contender *best_of(struct trial *trial)
{
    struct contender *best = NULL;
    for (size_t k = 0; k < trial->contender_count; k++) {
        struct contender *contender = &trial->contenders[k];
        size_t needed = best == NULL ? 0 : best->right + (best->cls != NULL);
        if (!contender->is_out && contender->right >= needed)
            best = contender;
    }
    return best;
}

static void tell(const struct trial *trial, weft_m_trial *out)
{
    *out = (weft_m_trial){.held_out = trial->examples->count,
                          .zero_shot = -1,
                          .head_only = -1,
                          .full = -1,
                          .bert = -1};
    for (size_t k = 0; k < trial->contender_count; k++) {
        const struct contender *contender = &trial->contenders[k];
        const wf_scorer_class *cls = contender->cls;
        int64_t *right = cls == NULL              ? &out->zero_shot
                         : cls == &wf_scorer_head ? &out->head_only
                         : cls == &wf_scorer_full ? &out->full
                                                  : &out->bert;
        if (!contender->is_out)
            *right = (int64_t)contender->right;
    }
}

static int take_best(struct trial *trial, wf_scorer **out)
{
    struct contender *best = best_of(trial);
    if (best == NULL)
        return -WEFT_ELIMIT;
    int rc = best->cls != NULL ? learn(trial, best, /* left_out= */ NULL) : 0;
    if (rc == 0 && best->is_out)
        rc = -WEFT_ELIMIT; /* with all examples it has become too large */
    if (rc == 0)
        rc = wf_course_end(trial->course);
    if (rc == 0)
        *out = wf_scorer_ref(best->scorer);
    return rc;
}

int wf_trial_run(wf_course *course, wf_catalogue *catalogue, wf_examples *examples,
                 const wf_scorer_class *asked, bool is_auto, wf_scorer **out,
                 weft_m_trial *out_trial)
{
    struct trial trial = {.course = course, .catalogue = catalogue, .examples = examples};
    enter(&trial, asked, is_auto);
    int rc = begin(&trial, asked);
    for (size_t part = 0; part < trial.part_count && rc == 0; part++)
        rc = try_part(&trial, part);
    if (rc == 0) {
        tell(&trial, out_trial);
        rc = take_best(&trial, out);
    }
    trial_fini(&trial);
    return rc;
}
