/* SPDX-License-Identifier: MIT */

#include "match/train/questions.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/novelty/perturb.h"
#include "match/score/probability.h"

#include <string.h>

/* Up to so many examples, each is held out by itself; of more, each in one of PARTS. */
#define SINGLE_MAX 20u
#define PARTS 5u

/* A shorter row is a code. */
#define LETTERS_MIN 4u

/* Slips tried until one shows. */
#define ATTEMPTS 4u

/* From a row to the one that lends it a word. */
#define OTHER_STEP 7919u

void wf_questions_fini(wf_questions *it)
{
    wf_free(it->items);
    wf_buf_fini(&it->bytes);
    *it = (wf_questions){0};
}

/* ---- examples ---- */

/* Spreads the examples of each label over the parts. */
static int add_examples(wf_questions *it, const wf_catalogue *catalogue,
                        const wf_examples *examples)
{
    uint32_t entities = catalogue->entity_count;
    uint32_t *met = wf_array((size_t)entities + 1, sizeof(*met));
    bool is_single = examples->count <= SINGLE_MAX;
    it->part_count = is_single ? (uint32_t)examples->count : PARTS;
    for (size_t i = 0; i < examples->count && met != NULL; i++) {
        const weft_m_example *item = &examples->items[i];
        uint32_t entity = item->is_none ? UINT32_MAX : wf_catalogue_find(catalogue, item->label);
        uint32_t label = item->is_none ? entities : entity;
        uint32_t part = is_single ? (uint32_t)i : (met[label]++ + label) % PARTS;
        it->items[it->count++] = (wf_question){.text = item->text, .entity = entity, .part = part};
    }
    it->example_count = it->count;
    wf_free(met);
    return met != NULL ? 0 : -ENOMEM;
}

/* ---- slips ---- */

static bool is_word(weft_str text)
{
    size_t letters = 0;
    for (size_t at = 0; at < text.len && letters < LETTERS_MIN; letters++)
        wf_utf8_next(text.ptr, &at);
    return letters >= LETTERS_MIN;
}

struct slips {
    wf_questions *questions;
    const wf_catalogue *catalogue;
    uint32_t *rows; /* that are no codes */
    size_t row_count;
    uint64_t seed;
    wf_seeker *seeker;
    wf_buf text, plain; /* the row with slips; the row, folded */
};

/* Is it another text to what compares texts? */
static int is_seen(struct slips *it, weft_str row, weft_str text)
{
    wf_buf_reset(&it->plain);
    int rc = wf_probability_fold(it->seeker, row);
    wf_buf_append(&it->plain, wf_buf_ptr(&it->seeker->judge.text),
                  wf_buf_bytes(&it->seeker->judge.text));
    if (rc == 0)
        rc = it->plain.rc;
    if (rc == 0)
        rc = wf_probability_fold(it->seeker, text);
    const wf_buf *folded = &it->seeker->judge.text;
    return rc < 0
               ? rc
               : wf_buf_bytes(folded) != wf_buf_bytes(&it->plain) ||
                     memcmp(wf_buf_ptr(folded), wf_buf_ptr(&it->plain), wf_buf_bytes(folded)) != 0;
}

/* Slips that do not show would say nothing: they are no question. */
static int add_slip(struct slips *it, uint32_t row, size_t index)
{
    wf_questions *out = it->questions;
    const wf_catalogue *catalogue = it->catalogue;
    int rc = 0;
    for (uint64_t attempt = 0; attempt < ATTEMPTS && rc == 0; attempt++) {
        uint64_t seed = it->seed ^ (attempt << 32 | index);
        uint32_t other =
            (uint32_t)((row + (uint64_t)(index + 1) * OTHER_STEP + attempt) % catalogue->row_count);
        rc = wf_perturb(wf_catalogue_row(catalogue, row), wf_catalogue_row(catalogue, other),
                        WF_POINTS_A_SLIP, seed, &it->text);
        weft_str text = {wf_buf_ptr(&it->text), wf_buf_bytes(&it->text)};
        if (rc == 0)
            rc = is_seen(it, wf_catalogue_row(catalogue, row), text);
    }
    if (rc <= 0)
        return rc;
    out->items[out->count] = (wf_question){
        .text = {NULL, wf_buf_bytes(&it->text)}, /* its place is known when all are written */
        .entity = catalogue->row_entity[row],
        .part = (uint32_t)((out->count - out->example_count) % out->part_count)};
    out->count++;
    wf_buf_append(&out->bytes, wf_buf_ptr(&it->text), wf_buf_bytes(&it->text));
    return out->bytes.rc;
}

static size_t slips_wanted(size_t examples, size_t rows)
{
    size_t wanted = examples > WF_SLIPS_MIN ? examples : WF_SLIPS_MIN;
    return rows * WF_SLIPS_EACH < wanted ? rows * WF_SLIPS_EACH : wanted;
}

static int add_slips(struct slips *it, const wf_job *job)
{
    wf_questions *out = it->questions;
    size_t wanted = slips_wanted(out->example_count, it->row_count), at = 0;
    int rc = 0;
    for (size_t i = 0; i < wanted && rc == 0; i++) {
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = add_slip(it, it->rows[(uint64_t)i * it->row_count / wanted], i);
    }
    for (size_t i = out->example_count; i < out->count && rc == 0; i++) {
        out->items[i].text.ptr = wf_buf_ptr(&out->bytes) + at;
        at += out->items[i].text.len;
    }
    return rc;
}

static int find_words(struct slips *it, const wf_job *job)
{
    const wf_catalogue *catalogue = it->catalogue;
    it->rows = wf_array(catalogue->row_count, sizeof(*it->rows));
    if (it->rows == NULL)
        return -ENOMEM;
    for (uint32_t row = 0; row < catalogue->row_count; row++) {
        if (is_word(wf_catalogue_row(catalogue, row)))
            it->rows[it->row_count++] = row;
    }
    return wf_job_poll(job);
}

int wf_questions_init(wf_questions *it, const wf_catalogue *catalogue, const wf_examples *examples,
                      wf_seeker *seeker, const wf_job *job)
{
    struct slips slips = {.questions = it,
                          .catalogue = catalogue,
                          .seed = examples->plan.seed << 40,
                          .seeker = seeker};
    size_t most = examples->count + slips_wanted(examples->count, catalogue->row_count);
    *it = (wf_questions){.items = wf_array(most, sizeof(*it->items))};
    int rc = it->items != NULL ? add_examples(it, catalogue, examples) : -ENOMEM;
    if (rc == 0)
        rc = find_words(&slips, job);
    if (rc == 0)
        rc = add_slips(&slips, job);
    wf_free(slips.rows);
    wf_buf_fini(&slips.text);
    wf_buf_fini(&slips.plain);
    return rc;
}
