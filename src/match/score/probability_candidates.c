/* SPDX-License-Identifier: MIT */

/*
 * Who is looked at: the texts nearest to the query by runs and words, one that is equal, and those
 * that it may be a short form of, or that may be a short form of it.
 */
#include "match/score/probability.h"

#include "base/utf8.h"
#include "match/text/chars.h"

#include <string.h>

/* Texts that share the probability. */
#define DEPTH 24u

/* Texts that a short form may bring. */
#define INITIALS_TEXTS_MAX 32u

/* Letters of a row that may be the initials of a query, at least. */
#define SHORT_ROW_MIN 3u

/* ---- who may be found ---- */

static void allow_entity(const wf_probability *it, wf_judge *judge, uint32_t entity)
{
    const uint32_t *row_start = it->head.catalogue->row_start;
    for (uint32_t row = row_start[entity]; row < row_start[entity + 1]; row++) {
        uint32_t text = it->texts.row_text[row];
        judge->allowed[text / 64] |= UINT64_C(1) << text % 64;
    }
}

/* The texts of the entities allowed. */
static int allow_texts(const wf_probability *it, wf_judge *judge, const uint64_t *entities)
{
    size_t words = (size_t)it->texts.count / 64 + 1;
    void *allowed = judge->allowed;
    int rc = wf_judge_grow(&allowed, &judge->allowed_capacity, words, sizeof(*judge->allowed));
    judge->allowed = allowed;
    if (rc < 0)
        return rc;
    memset(judge->allowed, 0, words * sizeof(*judge->allowed));
    size_t count = it->head.catalogue->entity_count;
    for (size_t at = 0; at * 64 < count; at++) {
        for (uint64_t left = entities[at]; left != 0; left &= left - 1)
            allow_entity(it, judge, (uint32_t)(at * 64) + (uint32_t)__builtin_ctzll(left));
    }
    return 0;
}

/* ---- candidates ---- */

/* A new candidate; NULL: no memory. */
static wf_candidate *candidate_new(wf_judge *judge, uint32_t text)
{
    void *candidates = judge->candidates;
    int rc = wf_judge_grow(&candidates, &judge->candidate_capacity, judge->candidate_count + 1,
                           sizeof(*judge->candidates));
    judge->candidates = candidates;
    if (rc < 0)
        return NULL;
    wf_candidate *candidate = &judge->candidates[judge->candidate_count++];
    *candidate = (wf_candidate){.text = text};
    return candidate;
}

/* The candidate for a text, made if there is none yet; NULL: no memory. */
static wf_candidate *candidate_of(wf_judge *judge, uint32_t text)
{
    for (size_t i = 0; i < judge->candidate_count; i++) {
        if (judge->candidates[i].text == text)
            return &judge->candidates[i];
    }
    return candidate_new(judge, text);
}

/* The nearest by runs and words; what is behind DEPTH is the tail. */
static int add_nearest(wf_probability *it, wf_seeker *seeker, const wf_ask *ask)
{
    wf_judge *judge = &seeker->judge;
    const uint64_t *allowed = ask->allowed != NULL ? judge->allowed : NULL;
    size_t depth = ask->top_k > DEPTH / 2 ? 2 * ask->top_k : DEPTH;
    wf_search search = {.postings = &it->postings, .allowed = allowed};
    int rc = wf_rank_begin(&judge->nearest, depth, it->texts.count, 0);
    if (rc == 0)
        rc = wf_find(&seeker->finder, &search, &seeker->vector, &judge->nearest, ask->job);
    if (rc < 0)
        return rc;
    wf_rank_end(&judge->nearest);
    for (size_t i = 0; i < judge->nearest.count; i++) {
        if (!(judge->nearest.found[i].score > 0))
            break;
        wf_candidate *candidate = candidate_new(judge, judge->nearest.found[i].row);
        if (candidate == NULL)
            return -ENOMEM;
        candidate->is_tail = i >= DEPTH;
    }
    return 0;
}

static int add_exact(wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    weft_str text = {wf_buf_ptr(&judge->text), wf_buf_bytes(&judge->text)};
    uint32_t exact = wf_texts_find(&it->texts, text);
    if (exact == WF_NO_TEXT || (ask->allowed != NULL && !wf_is_in(judge->allowed, exact)))
        return 0;
    wf_candidate *candidate = candidate_of(judge, exact);
    if (candidate == NULL)
        return -ENOMEM;
    candidate->is_tail = false;
    candidate->is_exact = true;
    return 0;
}

/* ---- initials ---- */

enum writing { WRITTEN_OTHERWISE, WRITTEN_AS_INITIALS, WRITTEN_AS_WORD };

/* One word with two capitals or more and no two small letters in a row is written as initials; a
 * short word in small letters may be. */
static enum writing writing_of(weft_str raw)
{
    size_t capitals = 0, letters = 0, points = 0;
    bool was_small = false, has_pair = false;
    for (size_t at = 0; at < raw.len; points++) {
        uint32_t c = wf_utf8_next(raw.ptr, &at);
        if (wf_utf8_is_space(c))
            return WRITTEN_OTHERWISE;
        bool is_capital = wf_char_lower(c) != c;
        bool is_small = !is_capital && wf_char_is_cased(c);
        capitals += is_capital;
        letters += is_capital || is_small;
        has_pair |= was_small && is_small;
        was_small = is_small;
    }
    if (capitals >= 2 && !has_pair)
        return WRITTEN_AS_INITIALS;
    return capitals == 0 && letters == points && letters >= 3 && letters <= 6 ? WRITTEN_AS_WORD
                                                                              : WRITTEN_OTHERWISE;
}

/* Blanks at the ends are no part of how a text is written. */
static weft_str trimmed(weft_str raw)
{
    while (raw.len > 0 && raw.ptr[0] == ' ')
        raw = (weft_str){raw.ptr + 1, raw.len - 1};
    while (raw.len > 0 && raw.ptr[raw.len - 1] == ' ')
        raw.len--;
    return raw;
}

static int mark(wf_judge *judge, const wf_ask *ask, uint32_t text, enum wf_sign sign)
{
    if (ask->allowed != NULL && !wf_is_in(judge->allowed, text))
        return 0;
    wf_candidate *candidate = candidate_of(judge, text);
    if (candidate == NULL)
        return -ENOMEM;
    candidate->is_tail = false;
    candidate->signs[sign] = 1;
    return 0;
}

static int add_short_query(wf_probability *it, wf_judge *judge, const wf_ask *ask,
                           enum wf_sign sign)
{
    uint32_t texts[INITIALS_TEXTS_MAX];
    wf_points form = {judge->folded.points, judge->folded.count};
    if (form.count < WF_INITIALS_MIN || form.count > WF_INITIALS_MAX)
        return 0;
    size_t count = wf_initials_find(&it->initials, form, texts, INITIALS_TEXTS_MAX);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = mark(judge, ask, texts[i], sign);
    return rc;
}

static bool is_in_capitals(weft_str raw)
{
    raw = trimmed(raw);
    for (size_t at = 0; at < raw.len;) {
        uint32_t c = wf_utf8_next(raw.ptr, &at);
        if (wf_char_lower(c) == c)
            return false;
    }
    return true;
}

/* A row that is written as initials and may stand for the query of several words. */
static bool has_row_in_capitals(const wf_probability *it, uint32_t text)
{
    for (uint32_t row = it->texts.first_row[text]; row != WF_NO_ROW;
         row = it->texts.next_row[row]) {
        if (is_in_capitals(wf_catalogue_row(it->head.catalogue, row)))
            return true;
    }
    return false;
}

void wf_probability_find_short(wf_probability *it)
{
    it->has_short_rows = false;
    for (uint32_t i = 0; i < it->texts.count && !it->has_short_rows; i++) {
        weft_str text = wf_texts_get(&it->texts, i);
        it->has_short_rows = text.len >= SHORT_ROW_MIN &&
                             text.len <= (size_t)WF_INITIALS_MAX * WF_UTF8_BYTES_MAX &&
                             has_row_in_capitals(it, i);
    }
}

static int add_short_rows(wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    wf_short forms[WF_INITIALS_WAYS];
    if (!it->has_short_rows)
        return 0;
    size_t count = wf_initials_of((wf_points){judge->folded.points, judge->folded.count}, forms);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        char bytes[WF_INITIALS_MAX * WF_UTF8_BYTES_MAX];
        size_t len = 0;
        for (size_t k = 0; k < forms[i].count; k++) {
            char one[WF_UTF8_BYTES_MAX];
            size_t n = wf_utf8_write(forms[i].points[k], one);
            memcpy(bytes + len, one, n);
            len += n;
        }
        uint32_t text = wf_texts_find(&it->texts, (weft_str){bytes, len});
        if (forms[i].count >= SHORT_ROW_MIN && text != WF_NO_TEXT && has_row_in_capitals(it, text))
            rc = mark(judge, ask, text, WF_SIGN_INITIALS_MAYBE);
    }
    return rc;
}

static int add_initials(wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    switch (writing_of(trimmed(ask->raw))) {
    case WRITTEN_AS_INITIALS:
        return add_short_query(it, judge, ask, WF_SIGN_INITIALS);
    case WRITTEN_AS_WORD:
        return add_short_query(it, judge, ask, WF_SIGN_INITIALS_MAYBE);
    default:
        return add_short_rows(it, judge, ask);
    }
}

/* ---- all together ---- */

static int read_query(wf_probability *it, wf_seeker *seeker, const wf_ask *ask)
{
    wf_judge *judge = &seeker->judge;
    weft_str text = {wf_buf_ptr(&judge->text), wf_buf_bytes(&judge->text)};
    seeker->encoder.features.is_whole = true;
    int rc = wf_encode(&seeker->encoder, &it->lexicon, text, &seeker->vector);
    seeker->encoder.features.is_whole = false;
    if (rc < 0)
        return rc;
    wf_points points = {judge->folded.points, judge->folded.count};
    wf_phrase_read(&judge->query, points, wf_probability_rarity, it);
    wf_phrase_place(&judge->query);
    if (judge->query.places.has_text)
        wf_probe_take_short(&judge->probe, &seeker->encoder, points);
    else
        rc = wf_probe_take(&judge->probe, &seeker->encoder);
    if (rc == 0 && ask->allowed != NULL)
        rc = allow_texts(it, judge, ask->allowed);
    seeker->encoded_count++;
    return rc;
}

int wf_probability_candidates(wf_probability *it, wf_seeker *seeker, const wf_ask *ask)
{
    wf_judge *judge = &seeker->judge;
    int rc = read_query(it, seeker, ask);
    judge->candidate_count = 0;
    if (rc < 0 || judge->folded.count == 0)
        return rc;
    rc = add_nearest(it, seeker, ask);
    if (rc == 0)
        rc = add_exact(it, judge, ask);
    if (rc == 0)
        rc = add_initials(it, judge, ask);
    return rc;
}

/* ---- those that no likeness finds ---- */

static void add_entities(const wf_probability *it, uint32_t text, const wf_ask *ask,
                         uint64_t *entities)
{
    for (uint32_t row = it->texts.first_row[text]; row != WF_NO_ROW;
         row = it->texts.next_row[row]) {
        uint32_t entity = it->head.catalogue->row_entity[row];
        if (wf_is_in(ask->allowed, entity))
            entities[entity / 64] |= UINT64_C(1) << entity % 64;
    }
}

int wf_probability_add_alike(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask,
                             uint64_t *entities)
{
    wf_probability *it = wf_probability_of(scorer);
    wf_judge *judge = &seeker->judge;
    int rc = wf_probability_fold(seeker, ask->raw);
    judge->candidate_count = 0;
    if (rc < 0 || judge->folded.count == 0)
        return rc;
    if (ask->allowed != NULL)
        rc = allow_texts(it, judge, ask->allowed);
    if (rc == 0)
        rc = add_exact(it, judge, ask);
    if (rc == 0)
        rc = add_initials(it, judge, ask);
    for (size_t i = 0; i < judge->candidate_count && rc == 0; i++)
        add_entities(it, judge->candidates[i].text, ask, entities);
    return rc;
}
