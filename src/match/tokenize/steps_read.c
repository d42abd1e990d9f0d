/* SPDX-License-Identifier: MIT */

/* The steps as tokenizer.json names them.  What is not known here is refused, never guessed. */
#include "match/tokenize/steps.h"

#include <string.h>

#define METASPACE_SIGN 0x2581

struct reading {
    const wf_tape *tape;
    wf_steps *steps;
    wf_reason *reason;
    uint32_t value; /* of the step under way */
};

/* One step of `kind`; NULL, the reason set: too many. */
static wf_step *step_new(struct reading *reading, enum wf_step_kind kind)
{
    if (reading->steps->count == WF_STEPS_MAX) {
        wf_reason_set(reading->reason, "it has more than %u steps", WF_STEPS_MAX);
        return NULL;
    }
    wf_step *step = &reading->steps->items[reading->steps->count++];
    *step = (wf_step){.kind = kind};
    return step;
}

static int add(struct reading *reading, enum wf_step_kind kind)
{
    return step_new(reading, kind) != NULL ? 0 : -WEFT_M_EMODEL;
}

static uint32_t field(const struct reading *reading, const char *name)
{
    return wf_tape_get(reading->tape, reading->value, name);
}

static bool flag(const struct reading *reading, const char *name, bool otherwise)
{
    return wf_tape_bool(reading->tape, field(reading, name), otherwise);
}

static int unknown(const struct reading *reading, const char *what, uint32_t value)
{
    weft_str name = wf_tape_string(reading->tape, value);
    return wf_reason_set(reading->reason, "its tokenizer has an unknown %s '%.*s'", what,
                         wf_reason_shown(name), name.ptr != NULL ? name.ptr : "");
}

static int missing(const struct reading *reading, const char *what)
{
    return wf_reason_set(reading->reason, "a step of its tokenizer has no '%s'", what);
}

/* A text of one character or more into `out`. */
static int read_text(const struct reading *reading, uint32_t value, const char *what,
                     bool may_be_empty, wf_scalars *out)
{
    weft_str text = wf_tape_string(reading->tape, value);
    if (text.ptr == NULL || (text.len == 0 && !may_be_empty))
        return missing(reading, what);
    return wf_scalars_read(out, text);
}

/* {"String": text} or {"Regex": one that is known}. */
static int read_pattern(const struct reading *reading, wf_step *step)
{
    static const struct known {
        const char *regex;
        enum wf_pattern pattern;
    } known[] = {
        {"\\s+", WF_PATTERN_SPACES},
        {" {2,}", WF_PATTERN_TWO_SPACES},
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
         WF_PATTERN_WORDS},
    };
    uint32_t pattern = field(reading, "pattern");
    uint32_t regex = wf_tape_get(reading->tape, pattern, "Regex");
    if (regex == WF_NO_VALUE)
        return read_text(reading, wf_tape_get(reading->tape, pattern, "String"), "pattern",
                         /* may_be_empty= */ false, &step->from);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        step->pattern = known[i].pattern;
        if (wf_tape_is(reading->tape, regex, known[i].regex))
            return 0;
    }
    return unknown(reading, "expression", regex);
}

static int read_cut(const struct reading *reading, wf_step *step)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    uint32_t behavior = field(reading, "behavior");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        step->cut = (enum wf_cut)i;
        if (wf_tape_is(reading->tape, behavior, names[i]))
            return 0;
    }
    return unknown(reading, "behavior", behavior);
}

/* ---- normalisers ---- */

static int read_bert(struct reading *reading)
{
    bool lowers = flag(reading, "lowercase", true);
    int rc = 0;
    if (flag(reading, "clean_text", true))
        rc = add(reading, WF_STEP_CLEAN);
    if (rc == 0 && flag(reading, "handle_chinese_chars", true))
        rc = add(reading, WF_STEP_IDEOGRAPHS);
    if (rc == 0 && flag(reading, "strip_accents", lowers))
        rc = add(reading, WF_STEP_NONSPACING);
    return rc == 0 && lowers ? add(reading, WF_STEP_LOWER) : rc;
}

static int read_form(struct reading *reading, bool is_compatible, bool is_composed)
{
    wf_step *step = step_new(reading, WF_STEP_FORM);
    if (step == NULL)
        return -WEFT_M_EMODEL;
    step->is_compatible = is_compatible;
    step->is_composed = is_composed;
    return 0;
}

static int read_trim(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_TRIM);
    if (step == NULL)
        return -WEFT_M_EMODEL;
    step->trims_left = flag(reading, "strip_left", true);
    step->trims_right = flag(reading, "strip_right", true);
    return 0;
}

static int read_replace(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_REPLACE);
    int rc = step != NULL ? read_pattern(reading, step) : -WEFT_M_EMODEL;
    if (rc == 0 && step->pattern == WF_PATTERN_WORDS)
        rc = unknown(reading, "expression to replace", field(reading, "pattern"));
    return rc < 0 ? rc
                  : read_text(reading, field(reading, "content"), "content",
                              /* may_be_empty= */ true, &step->to);
}

static int read_prepend(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_PREPEND);
    return step == NULL ? -WEFT_M_EMODEL
                        : read_text(reading, field(reading, "prepend"), "prepend",
                                    /* may_be_empty= */ true, &step->to);
}

static int read_charsmap(struct reading *reading)
{
    weft_str map = wf_tape_string(reading->tape, field(reading, "precompiled_charsmap"));
    if (map.ptr == NULL)
        return missing(reading, "precompiled_charsmap");
    wf_step *step = step_new(reading, WF_STEP_CHARSMAP);
    return step == NULL ? -WEFT_M_EMODEL : wf_charsmap_read(&step->charsmap, map, reading->reason);
}

static int read_normaliser(struct reading *reading)
{
    uint32_t type = field(reading, "type");
    if (wf_tape_is(reading->tape, type, "BertNormalizer"))
        return read_bert(reading);
    if (wf_tape_is(reading->tape, type, "NFC"))
        return read_form(reading, false, true);
    if (wf_tape_is(reading->tape, type, "NFD"))
        return read_form(reading, false, false);
    if (wf_tape_is(reading->tape, type, "NFKC"))
        return read_form(reading, true, true);
    if (wf_tape_is(reading->tape, type, "NFKD"))
        return read_form(reading, true, false);
    if (wf_tape_is(reading->tape, type, "Lowercase"))
        return add(reading, WF_STEP_LOWER);
    if (wf_tape_is(reading->tape, type, "StripAccents"))
        return add(reading, WF_STEP_ACCENTS);
    if (wf_tape_is(reading->tape, type, "Strip"))
        return read_trim(reading);
    if (wf_tape_is(reading->tape, type, "Replace"))
        return read_replace(reading);
    if (wf_tape_is(reading->tape, type, "Prepend"))
        return read_prepend(reading);
    if (wf_tape_is(reading->tape, type, "Precompiled"))
        return read_charsmap(reading);
    return unknown(reading, "normalizer", type);
}

/* ---- pre-tokenizers ---- */

static int read_metaspace(struct reading *reading)
{
    static const char *const schemes[] = {"always", "first", "never"};
    uint32_t scheme = field(reading, "prepend_scheme");
    wf_step *step = step_new(reading, WF_STEP_METASPACE);
    int rc = step == NULL ? -WEFT_M_EMODEL
                          : read_text(reading, field(reading, "replacement"), "replacement",
                                      /* may_be_empty= */ false, &step->to);
    if (rc < 0)
        return rc;
    step->splits = flag(reading, "split", true);
    if (scheme == WF_NO_VALUE) {
        step->prepend =
            flag(reading, "add_prefix_space", true) ? WF_PREPEND_ALWAYS : WF_PREPEND_NEVER;
        return 0;
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        step->prepend = (enum wf_prepend)i;
        if (wf_tape_is(reading->tape, scheme, schemes[i]))
            return 0;
    }
    return unknown(reading, "prepend_scheme", scheme);
}

static int read_bytes(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_BYTES);
    if (step == NULL)
        return -WEFT_M_EMODEL;
    step->splits = flag(reading, "use_regex", true);
    step->prepend = flag(reading, "add_prefix_space", true) ? WF_PREPEND_ALWAYS : WF_PREPEND_NEVER;
    return 0;
}

static int read_split(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_SPLIT);
    int rc = step != NULL ? read_pattern(reading, step) : -WEFT_M_EMODEL;
    if (rc == 0)
        rc = read_cut(reading, step);
    if (rc < 0)
        return rc;
    /* What the words' expression matches is all of the text: pieces either way. */
    bool inverts = flag(reading, "invert", false), is_words = step->pattern == WF_PATTERN_WORDS;
    if (step->pattern == WF_PATTERN_TWO_SPACES || (inverts && !is_words) ||
        (is_words && step->cut != (inverts ? WF_CUT_REMOVED : WF_CUT_ISOLATED)))
        return unknown(reading, "way to split", field(reading, "behavior"));
    return 0;
}

static int read_punctuation(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_PUNCTUATION);
    if (step == NULL)
        return -WEFT_M_EMODEL;
    step->cut = WF_CUT_ISOLATED;
    return field(reading, "behavior") == WF_NO_VALUE ? 0 : read_cut(reading, step);
}

static int read_digits(struct reading *reading)
{
    wf_step *step = step_new(reading, WF_STEP_DIGITS);
    if (step == NULL)
        return -WEFT_M_EMODEL;
    step->splits = flag(reading, "individual_digits", false);
    return 0;
}

static int read_splitter(struct reading *reading)
{
    uint32_t type = field(reading, "type");
    if (wf_tape_is(reading->tape, type, "BertPreTokenizer"))
        return add(reading, WF_STEP_BERT);
    if (wf_tape_is(reading->tape, type, "Whitespace"))
        return add(reading, WF_STEP_WORDS);
    if (wf_tape_is(reading->tape, type, "WhitespaceSplit"))
        return add(reading, WF_STEP_SPACES);
    if (wf_tape_is(reading->tape, type, "Metaspace"))
        return read_metaspace(reading);
    if (wf_tape_is(reading->tape, type, "ByteLevel"))
        return read_bytes(reading);
    if (wf_tape_is(reading->tape, type, "Punctuation"))
        return read_punctuation(reading);
    if (wf_tape_is(reading->tape, type, "Split"))
        return read_split(reading);
    if (wf_tape_is(reading->tape, type, "Digits"))
        return read_digits(reading);
    return unknown(reading, "pre_tokenizer", type);
}

/* ---- sequences ---- */

typedef int read_fn(struct reading *reading);

/* The tape is at most WF_TAPE_DEPTH_MAX deep, and so is this. */
static int read_any(struct reading *reading, uint32_t value, const char *list, read_fn *read_one)
{
    const wf_tape *tape = reading->tape;
    enum wf_value_kind kind = wf_tape_kind(tape, value);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    reading->value = value;
    if (!wf_tape_is(tape, field(reading, "type"), "Sequence"))
        return read_one(reading);
    uint32_t items = field(reading, list);
    int rc = wf_tape_kind(tape, items) == WF_VALUE_ARRAY ? 0 : missing(reading, list);
    for (uint32_t at = wf_tape_first(tape, items); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(tape, items, at))
        rc = read_any(reading, at, list, read_one);
    return rc;
}

int wf_steps_read_normaliser(wf_steps *steps, const wf_tape *tape, uint32_t value,
                             wf_reason *reason)
{
    struct reading reading = {.tape = tape, .steps = steps, .reason = reason};
    return read_any(&reading, value, "normalizers", read_normaliser);
}

int wf_steps_read_splitter(wf_steps *steps, const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    struct reading reading = {.tape = tape, .steps = steps, .reason = reason};
    return read_any(&reading, value, "pretokenizers", read_splitter);
}
