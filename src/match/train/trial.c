/* SPDX-License-Identifier: MIT */

#include "match/train/trial.h"

#include "base/alloc.h"
#include "match/train/head.h"
#include "match/train/questions.h"
#include "match/train/verdict.h"

#include <math.h>

#define BERT_EACH_MIN 8u
#define BERT_ALL_MIN 100u
#define FULL_EACH_MIN 3u

#define CONTENDERS_MAX 3u
#define CHANCE 0.05

/* Weights of heads that are kept. */
#define KEPT_MAX (5 * WF_HEAD_WEIGHTS_MAX)

/* Of 5 questions asked: who is not ahead of the untrained scorer by then is given up. */
#define FIFTHS_TO_LEAD 2u

struct contender {
    const wf_scorer_class *cls; /* NULL: untrained */
    wf_scorer *scorer;          /* of the part under way; the untrained one is of all */
    size_t asked, right;        /* examples */
    size_t slips_asked, slips_right;
    size_t plain_right, plain_slips_right; /* of those asked, by the untrained one */
    size_t slips_lost, slips_won; /* that only the untrained got right, that only this one did */
    bool is_out;                  /* it is not trained further */
    bool is_too_large;            /* … because it cannot be */
};

struct trial {
    wf_course *course;
    wf_catalogue *catalogue;
    wf_examples *examples;
    wf_scorer *names; /* of all heads */
    struct contender contenders[CONTENDERS_MAX];
    size_t contender_count;
    wf_questions questions;
    wf_scorer **heads; /* of each part: what "full" would learn again; NULL: it was not kept */
    size_t weights_kept;
    bool *plain_right; /* of each question: the untrained one got it right */
    uint8_t *left_out; /* of each example, in the part under way */

    /* Of the asking under way. */
    struct contender *asking;
    uint32_t part;
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
    for (size_t i = 0; trial->heads != NULL && i < trial->questions.part_count; i++)
        wf_scorer_unref(trial->heads[i]);
    wf_free(trial->heads);
    wf_scorer_unref(trial->names);
    wf_questions_fini(&trial->questions);
    wf_free(trial->plain_right);
    wf_free(trial->left_out);
}

/* ---- who is ahead ---- */

static size_t slip_count(const struct trial *trial)
{
    return trial->questions.count - trial->questions.example_count;
}

/* What so many right answers are worth: slips together at most as much as examples together. */
static uint64_t worth(const struct trial *trial, size_t right, size_t slips_right)
{
    size_t examples = trial->questions.example_count, slips = slip_count(trial);
    return slips > examples ? (uint64_t)right * slips + (uint64_t)slips_right * examples
                            : (uint64_t)right + slips_right;
}

static uint64_t worth_now(const struct trial *trial, const struct contender *it)
{
    return worth(trial, it->right, it->slips_right);
}

/* If it gets all right that it was not asked yet. */
static uint64_t worth_at_best(const struct trial *trial, const struct contender *it)
{
    return worth(trial, it->right + trial->questions.example_count - it->asked,
                 it->slips_right + slip_count(trial) - it->slips_asked);
}

bool wf_trial_is_worse(size_t lost, size_t won)
{
    double count = (double)lost + (double)won, chance = 0;
    double term = -count * log(2); /* ln of the chance that exactly `i` of `count` are lost */
    for (size_t i = 0; i <= lost + won; i++) {
        chance += i >= lost ? exp(term) : 0;
        term += log((count - (double)i) / ((double)i + 1));
    }
    return lost > won && chance < CHANCE;
}

static struct contender *plain_of(struct trial *trial)
{
    return trial->contenders[0].cls == NULL ? &trial->contenders[0] : NULL;
}

/* It cannot be better than what costs less, or is sure to have forgotten names. */
static bool is_beaten(const struct trial *trial, const struct contender *it)
{
    for (const struct contender *less = trial->contenders; less < it; less++) {
        if (!less->is_too_large && worth_at_best(trial, it) <= worth_now(trial, less))
            return true;
    }
    size_t unasked = slip_count(trial) - it->slips_asked;
    return wf_trial_is_worse(it->slips_lost, it->slips_won + unasked);
}

/* It could still win, by little at most: that is not worth its training. */
static bool is_idle(struct trial *trial, const struct contender *it)
{
    size_t asked = it->asked + it->slips_asked;
    return plain_of(trial) != NULL && 5 * asked >= FIFTHS_TO_LEAD * trial->questions.count &&
           worth_now(trial, it) <= worth(trial, it->plain_right, it->plain_slips_right);
}

/* What costs more than a head is tried where a head is better than not learning. */
static bool has_chance(struct trial *trial, const struct contender *it)
{
    const struct contender *plain = plain_of(trial);
    return plain == NULL || it == plain + 1 || !plain[1].is_out;
}

/* ---- asking ---- */

static int is_answered(struct trial *trial, wf_scorer *scorer, wf_seeker *seeker,
                       const wf_question *question)
{
    const weft_matcher *matcher = trial->course->call->matcher;
    wf_job job = wf_call_job(trial->course->call);
    wf_ask ask = {.raw = question->text, .top_k = 1, .job = &job};
    int rc = wf_seeker_read(seeker, &matcher->options, question->text);
    if (rc == 0)
        rc = scorer->cls->find(scorer, seeker, &ask);
    if (rc < 0)
        return rc;
    const wf_rank *rank = &seeker->rank;
    if (question->entity == UINT32_MAX)
        return rank->count == 0 || rank->found[0].score < matcher->options.threshold;
    return rank->count > 0 && rank->found[0].entity == question->entity;
}

static int ask(struct trial *trial, wf_seeker *seeker, size_t index)
{
    struct contender *it = trial->asking;
    bool is_slip = index >= trial->questions.example_count;
    int rc = is_answered(trial, it->scorer, seeker, &trial->questions.items[index]);
    if (rc < 0)
        return rc;
    bool is_right = rc > 0;
    it->asked += !is_slip;
    it->right += !is_slip && is_right;
    it->slips_asked += is_slip;
    it->slips_right += is_slip && is_right;
    if (it->cls == NULL)
        trial->plain_right[index] = is_right;
    it->plain_right += !is_slip && trial->plain_right[index];
    it->plain_slips_right += is_slip && trial->plain_right[index];
    it->slips_lost += is_slip && trial->plain_right[index] && !is_right;
    it->slips_won += is_slip && !trial->plain_right[index] && is_right;
    return 0;
}

/* A scorer that has learnt is asked for the part it was not shown, the untrained one for all. */
static int ask_part(void *arg)
{
    struct trial *trial = arg;
    wf_seekers *seekers = &trial->course->call->matcher->seekers;
    wf_seeker *seeker = wf_seekers_take(seekers);
    int rc = seeker != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < trial->questions.count && rc == 0; i++) {
        if (trial->asking->cls == NULL || trial->questions.items[i].part == trial->part)
            rc = ask(trial, seeker, i);
    }
    wf_seekers_give(seekers, seeker);
    return rc;
}

/* ---- the parts ---- */

static size_t total_of(const struct trial *trial, const wf_scorer_class *cls)
{
    return wf_head_total(cls, trial->catalogue, trial->examples);
}

/* A full one begins with the weights of the head of its part. */
static void keep_head(struct trial *trial, const struct contender *it, uint32_t part)
{
    const wf_head *head = wf_head_of(it->scorer);
    bool is_wanted = it->cls == &wf_scorer_head &&
                     it + 1 < trial->contenders + trial->contender_count &&
                     it[1].cls == &wf_scorer_full;
    size_t weights = head->feature_count * head->label_count;
    if (!is_wanted || trial->weights_kept + weights > KEPT_MAX)
        return;
    trial->weights_kept += weights;
    trial->heads[part] = wf_scorer_ref(it->scorer);
}

/* Learns from what is not left out; what is too large to learn is out. */
static int learn(struct trial *trial, struct contender *contender, const uint8_t *left_out)
{
    wf_scorer *twin =
        left_out != NULL && contender->cls == &wf_scorer_full ? trial->heads[trial->part] : NULL;
    wf_course *course = trial->course;
    size_t before = course->before;
    wf_scorer_unref(contender->scorer);
    contender->scorer = NULL;
    int rc = wf_head_create(&contender->scorer, contender->cls, trial->catalogue, trial->examples,
                            left_out, trial->names, &course->call->matcher->options);
    if (rc == 0 && twin != NULL)
        wf_head_take_weights(contender->scorer, twin);
    if (rc == 0)
        rc = wf_course_build(course, contender->scorer);
    if (rc != -WEFT_ELIMIT)
        return rc;
    course->before = before + total_of(trial, contender->cls);
    contender->is_out = contender->is_too_large = true;
    return 0;
}

static int try_part(struct trial *trial, struct contender *it, uint32_t part)
{
    trial->part = part;
    trial->asking = it;
    for (size_t i = 0; i < trial->examples->count; i++)
        trial->left_out[i] = trial->questions.items[i].part == part;
    int rc = learn(trial, it, trial->left_out);
    if (rc == 0 && !it->is_out)
        keep_head(trial, it, part);
    if (rc == 0 && !it->is_out)
        rc = wf_work_run(ask_part, trial);
    it->is_out = it->is_out || is_beaten(trial, it) || is_idle(trial, it);
    return rc;
}

/* One after the other, for what costs more depends on what came before. */
static int try_all(struct trial *trial)
{
    int rc = 0;
    for (size_t k = 0; k < trial->contender_count; k++) {
        struct contender *it = &trial->contenders[k];
        if (it->cls == NULL)
            continue;
        it->is_out = is_beaten(trial, it) || !has_chance(trial, it);
        for (uint32_t part = 0; part < trial->questions.part_count && !it->is_out; part++) {
            rc = try_part(trial, it, part);
            if (rc < 0)
                return rc;
        }
    }
    return rc;
}

static void enter(struct trial *trial, const wf_scorer_class *asked, bool is_auto)
{
    if (is_auto)
        trial->contenders[trial->contender_count++].cls = NULL;
    trial->contenders[trial->contender_count++].cls = &wf_scorer_head;
    if (asked != &wf_scorer_head)
        trial->contenders[trial->contender_count++].cls = asked;
}

static int make_questions(void *arg)
{
    struct trial *trial = arg;
    wf_call *call = trial->course->call;
    wf_seekers *seekers = &call->matcher->seekers;
    wf_job job = wf_call_job(call);
    wf_seeker *seeker = wf_seekers_take(seekers);
    int rc = seeker != NULL ? wf_questions_init(&trial->questions, trial->catalogue,
                                                trial->examples, seeker, &job)
                            : -ENOMEM;
    wf_seekers_give(seekers, seeker);
    trial->plain_right = wf_array(trial->questions.count, sizeof(*trial->plain_right));
    trial->left_out = wf_array(trial->examples->count, sizeof(*trial->left_out));
    trial->heads = wf_array(trial->questions.part_count, sizeof(*trial->heads));
    bool has_all = trial->plain_right != NULL && trial->left_out != NULL && trial->heads != NULL;
    return rc == 0 && !has_all ? -ENOMEM : rc;
}

static int build_untrained(struct trial *trial, const wf_scorer_class *cls, wf_scorer **out)
{
    int rc = cls->create(out, trial->catalogue, &trial->course->call->matcher->options);
    if (rc < 0)
        return rc;
    trial->course->total += (*out)->total;
    return wf_course_build(trial->course, *out);
}

/* Without a model the untrained scorer is what heads know names by. */
static int begin_plain(struct trial *trial)
{
    const wf_scorer_class *scoring = trial->course->call->matcher->scoring;
    struct contender *plain = plain_of(trial);
    int rc = build_untrained(trial, &wf_scorer_probability, &trial->names);
    if (rc < 0 || plain == NULL)
        return rc;
    if (scoring == &wf_scorer_probability)
        plain->scorer = wf_scorer_ref(trial->names);
    else
        rc = build_untrained(trial, scoring, &plain->scorer);
    trial->asking = plain;
    return rc == 0 ? wf_work_run(ask_part, trial) : rc;
}

/* The last training is of the one that is taken: of the largest, as far as anybody knows. */
static int begin(struct trial *trial, const wf_scorer_class *asked)
{
    int rc = wf_work_run(make_questions, trial);
    size_t total = total_of(trial, asked);
    for (size_t k = 0; k < trial->contender_count; k++) {
        const wf_scorer_class *cls = trial->contenders[k].cls;
        if (cls != NULL)
            total += trial->questions.part_count * total_of(trial, cls);
    }
    trial->course->total = total;
    if (rc == 0)
        rc = begin_plain(trial);
    return rc;
}

/* ---- the choice ---- */

/* Is it to be taken instead of the best before it?  If not, why. */
static bool is_better(const struct trial *trial, const struct contender *it,
                      const struct contender *best, enum wf_trial_why *why)
{
    bool forgets = wf_trial_is_worse(it->slips_lost, it->slips_won);
    if (forgets && worth_at_best(trial, it) > worth_now(trial, best))
        *why = WF_TRIAL_FORGETS;
    else if (it->is_out || worth_now(trial, it) <= worth_now(trial, best))
        *why = WF_TRIAL_NOT_BETTER;
    else
        *why = WF_TRIAL_BETTER;
    return *why == WF_TRIAL_BETTER;
}

static struct contender *best_of(struct trial *trial, enum wf_trial_why *out_why)
{
    struct contender *best = NULL;
    *out_why = WF_TRIAL_TOO_LARGE;
    for (size_t k = 0; k < trial->contender_count; k++) {
        struct contender *it = &trial->contenders[k];
        enum wf_trial_why why;
        if (it->is_too_large)
            continue;
        if (best == NULL || is_better(trial, it, best, &why)) {
            *out_why = best != NULL ? WF_TRIAL_BETTER : *out_why;
            best = it;
        } else if (*out_why == WF_TRIAL_TOO_LARGE || *out_why == WF_TRIAL_NOT_BETTER) {
            *out_why = why;
        }
    }
    return best;
}

static void tell(const struct trial *trial, const struct contender *best, enum wf_trial_why why,
                 weft_m_trial *out)
{
    *out = (weft_m_trial){.held_out = trial->questions.example_count, .slips = slip_count(trial)};
    for (size_t k = 0; k < trial->contender_count; k++) {
        const struct contender *it = &trial->contenders[k];
        *wf_trial_tried(out, it->cls) = (weft_m_tried){.asked = it->asked,
                                                       .right = it->right,
                                                       .slips_asked = it->slips_asked,
                                                       .slips_right = it->slips_right};
    }
    wf_trial_end(out, best->cls, why);
}

static int take_best(struct trial *trial, wf_scorer **out, weft_m_trial *out_trial)
{
    enum wf_trial_why why;
    struct contender *best = best_of(trial, &why);
    if (best == NULL)
        return -WEFT_ELIMIT;
    tell(trial, best, why, out_trial);
    int rc = best->cls != NULL ? learn(trial, best, /* left_out= */ NULL) : 0;
    if (rc == 0 && best->is_too_large)
        rc = -WEFT_ELIMIT; /* with all examples it has become so */
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
    if (rc == 0)
        rc = try_all(&trial);
    if (rc == 0)
        rc = take_best(&trial, out, out_trial);
    trial_fini(&trial);
    return rc;
}
