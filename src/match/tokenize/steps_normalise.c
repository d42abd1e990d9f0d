/* SPDX-License-Identifier: MIT */

/* The steps of a normaliser: text to text. */
#include "match/tokenize/steps.h"

#include "match/text/chars.h"
#include "match/tokenize/kinds.h"

#include <string.h>

#define I_WITH_DOT 0x130
#define DOT_ABOVE 0x307
#define REPLACEMENT 0xFFFD

/* A step reads memory->text and writes memory->spare, which is empty; it tells memory->origin what
 * it takes and puts. */
typedef int step_fn(const wf_step *step, wf_steps_memory *memory);

/* What is not dropped of memory->spare. */
static void keep(wf_steps_memory *memory, bool drops(uint32_t c))
{
    wf_scalars *text = &memory->spare;
    size_t kept = 0;
    for (size_t i = 0; i < text->count; i++) {
        if (drops(text->at[i])) {
            wf_origin_skip(&memory->origin, 1);
            continue;
        }
        wf_origin_put(&memory->origin, 1);
        text->at[kept++] = text->at[i];
    }
    text->count = kept;
}

static bool is_unclean(uint32_t c)
{
    return c == 0 || c == REPLACEMENT || wf_kind_is_control(c);
}

static int clean(const wf_step *step, wf_steps_memory *memory)
{
    int rc = wf_scalars_append(&memory->spare, memory->text.at, memory->text.count);
    (void)step;
    if (rc < 0)
        return rc;
    keep(memory, is_unclean);
    for (size_t i = 0; i < memory->spare.count; i++) {
        if (wf_kind_is_space(memory->spare.at[i]))
            memory->spare.at[i] = ' ';
    }
    return 0;
}

static int space_ideographs(const wf_step *step, wf_steps_memory *memory)
{
    int rc = 0;
    (void)step;
    for (size_t i = 0; i < memory->text.count && rc == 0; i++) {
        uint32_t c = memory->text.at[i];
        const uint32_t spaced[] = {' ', c, ' '};
        bool is_spaced = wf_kind_is_ideograph(c);
        rc = is_spaced ? wf_scalars_append(&memory->spare, spaced, 3)
                       : wf_scalars_put(&memory->spare, c);
        wf_origin_put(&memory->origin, 1);
        wf_origin_add(&memory->origin, is_spaced ? 2 : 0);
    }
    return rc;
}

static bool is_ascii(const wf_scalars *text)
{
    uint32_t all = 0;
    for (size_t i = 0; i < text->count; i++)
        all |= text->at[i];
    return all < 0x80;
}

static size_t decompose(uint32_t c, bool is_compatible, uint32_t out[WF_CHAR_PARTS_MAX])
{
    if (wf_kind_is_whole(c)) {
        out[0] = c;
        return 1;
    }
    return is_compatible ? wf_char_decompose(c, out) : wf_char_decompose_canonical(c, out);
}

/* The text's characters in order, each of them but the first of what was one character marked. */
static int decompose_all(wf_steps_memory *memory, bool is_compatible)
{
    wf_norm *norm = &memory->norm;
    norm->count = 0;
    for (size_t i = 0; i < memory->text.count; i++) {
        int rc = wf_norm_reserve(norm, norm->count + WF_CHAR_PARTS_MAX);
        if (rc < 0)
            return rc;
        uint32_t *parts = norm->points + norm->count;
        size_t count = decompose(memory->text.at[i], is_compatible, parts);
        for (size_t k = 1; k < count; k++)
            parts[k] |= WF_NORM_MARK;
        norm->count += count;
    }
    return wf_norm_order(norm, /* composes= */ false);
}

/* How many characters of the source a composed one takes: its parts are the first such from *from
 * on that are not gone.  Each is in the same run of marks, so looking for them is linear. */
static size_t take_parts(uint32_t composed, wf_scalars *parts, size_t *from)
{
    const uint32_t gone = UINT32_MAX;
    uint32_t wanted[WF_CHAR_PARTS_MAX];
    size_t takes = 0, count = decompose(composed, /* is_compatible= */ false, wanted);
    for (size_t i = 0; i < count; i++) {
        size_t at = *from;
        while (at < parts->count && (parts->at[at] & ~WF_NORM_MARK) != wanted[i])
            at++;
        if (at == parts->count)
            return 1; /* composed of what is whole here */
        takes += (parts->at[at] & WF_NORM_MARK) == 0;
        parts->at[at] = gone;
    }
    while (*from < parts->count && parts->at[*from] == gone)
        ++*from;
    return takes;
}

static int form(wf_steps_memory *memory, bool is_compatible, bool is_composed)
{
    wf_norm *norm = &memory->norm;
    wf_scalars *parts = &memory->spare;
    wf_origin *origin = &memory->origin;
    int rc = decompose_all(memory, is_compatible);
    if (rc == 0)
        rc = wf_scalars_append(parts, norm->points, norm->count);
    for (size_t i = 0; i < norm->count; i++)
        norm->points[i] &= ~WF_NORM_MARK;
    if (rc == 0 && is_composed)
        rc = wf_norm_order(norm, /* composes= */ true);
    if (rc < 0)
        return rc;
    for (size_t i = 0, from = 0; i < norm->count && origin->taken <= origin->source; i++)
        wf_origin_put(origin, take_parts(norm->points[i], parts, &from));
    parts->count = 0;
    return wf_scalars_append(parts, norm->points, norm->count);
}

static int take_form(const wf_step *step, wf_steps_memory *memory)
{
    if (!is_ascii(&memory->text))
        return form(memory, step->is_compatible, step->is_composed);
    wf_origin_copy(&memory->origin, memory->text.count);
    return wf_scalars_append(&memory->spare, memory->text.at, memory->text.count);
}

static int drop_nonspacing(const wf_step *step, wf_steps_memory *memory)
{
    int rc = is_ascii(&memory->text) ? take_form(step, memory)
                                     : form(memory, /* is_compatible= */ false, false);
    memory->origin = (wf_origin){.source = memory->origin.put};
    if (rc == 0)
        keep(memory, wf_kind_is_nonspacing);
    return rc;
}

static int drop_accents(const wf_step *step, wf_steps_memory *memory)
{
    int rc = wf_scalars_append(&memory->spare, memory->text.at, memory->text.count);
    (void)step;
    if (rc == 0)
        keep(memory, wf_kind_is_accent);
    return rc;
}

/* Character by character: no final sigma. */
static int lower(const wf_step *step, wf_steps_memory *memory)
{
    int rc = 0;
    (void)step;
    for (size_t i = 0; i < memory->text.count && rc == 0; i++) {
        uint32_t c = memory->text.at[i];
        rc = wf_scalars_put(&memory->spare, c == I_WITH_DOT ? 'i' : wf_char_lower(c));
        wf_origin_put(&memory->origin, 1);
        if (rc == 0 && c == I_WITH_DOT) {
            rc = wf_scalars_put(&memory->spare, DOT_ABOVE);
            wf_origin_add(&memory->origin, 1);
        }
    }
    return rc;
}

static int trim(const wf_step *step, wf_steps_memory *memory)
{
    size_t start = 0, end = memory->text.count;
    while (step->trims_left && start < end && wf_kind_is_space(memory->text.at[start]))
        start++;
    while (step->trims_right && end > start && wf_kind_is_space(memory->text.at[end - 1]))
        end--;
    wf_origin_skip(&memory->origin, start);
    wf_origin_copy(&memory->origin, end - start);
    return wf_scalars_append(&memory->spare, memory->text.at + start, end - start);
}

/* How many scalars at `at` the pattern takes; 0: it is not there. */
static size_t match(const wf_step *step, const wf_scalars *text, size_t at)
{
    size_t end = at;
    if (step->pattern == WF_PATTERN_TEXT) {
        size_t count = step->from.count;
        bool is_there = text->count - at >= count &&
                        memcmp(text->at + at, step->from.at, count * sizeof(uint32_t)) == 0;
        return is_there ? count : 0;
    }
    if (step->pattern == WF_PATTERN_TWO_SPACES) {
        while (end < text->count && text->at[end] == ' ')
            end++;
        return end - at >= 2 ? end - at : 0;
    }
    while (end < text->count && wf_kind_is_space(text->at[end]))
        end++;
    return end - at;
}

static int replace(const wf_step *step, wf_steps_memory *memory)
{
    int rc = 0;
    for (size_t at = 0; at < memory->text.count && rc == 0;) {
        size_t count = match(step, &memory->text, at);
        rc = count > 0 ? wf_scalars_append(&memory->spare, step->to.at, step->to.count)
                       : wf_scalars_put(&memory->spare, memory->text.at[at]);
        if (count > 0) { /* what takes the place of several stands where the last of them stood */
            wf_origin_skip(&memory->origin, count);
            wf_origin_add(&memory->origin, step->to.count);
        } else {
            wf_origin_put(&memory->origin, 1);
        }
        at += count > 0 ? count : 1;
    }
    return rc;
}

static int prepend(const wf_step *step, wf_steps_memory *memory)
{
    wf_origin *origin = &memory->origin;
    const wf_scalars *text = &memory->text;
    if (text->count == 0)
        return 0;
    /* The first one put takes the place of the text's first, which is put behind it. */
    wf_origin_put(origin, 1);
    wf_origin_add(origin, step->to.count);
    wf_origin_copy(origin, text->count - 1);
    int rc = wf_scalars_append(&memory->spare, step->to.at, step->to.count);
    return rc < 0 ? rc : wf_scalars_append(&memory->spare, text->at, text->count);
}

static int map_chars(const wf_step *step, wf_steps_memory *memory)
{
    return wf_charsmap_apply(&step->charsmap, memory->text.at, memory->text.count, &memory->spare,
                             &memory->origin);
}

int wf_steps_normalise(const wf_steps *steps, wf_steps_memory *memory, size_t *first)
{
    static step_fn *const fns[] = {
        [WF_STEP_CLEAN] = clean,
        [WF_STEP_IDEOGRAPHS] = space_ideographs,
        [WF_STEP_NONSPACING] = drop_nonspacing,
        [WF_STEP_LOWER] = lower,
        [WF_STEP_FORM] = take_form,
        [WF_STEP_ACCENTS] = drop_accents,
        [WF_STEP_TRIM] = trim,
        [WF_STEP_REPLACE] = replace,
        [WF_STEP_PREPEND] = prepend,
        [WF_STEP_CHARSMAP] = map_chars,
    };
    for (size_t i = 0; i < steps->count; i++) {
        memory->spare.count = 0;
        memory->origin = (wf_origin){.source = *first};
        int rc = fns[steps->items[i].kind](&steps->items[i], memory);
        if (rc < 0)
            return rc;
        wf_scalars_swap(&memory->text, &memory->spare);
        *first = memory->origin.put;
    }
    return 0;
}
