/* SPDX-License-Identifier: MIT */

/*
 * Steps: what a tokenizer does with a text before its model sees it.  First the normaliser's, text
 * to text; then the pre-tokenizer's, which cut the text into pieces.  A sequence of sequences is
 * one flat list.
 */
#ifndef WF_MATCH_STEPS_H
#define WF_MATCH_STEPS_H

#include "match/model/tape.h"
#include "match/text/normalise.h"
#include "match/tokenize/charsmap.h"
#include "match/tokenize/origin.h"
#include "match/tokenize/scalars.h"

#define WF_STEPS_MAX 32u

enum wf_step_kind {
    /* normaliser */
    WF_STEP_CLEAN,      /* BERT: controls off, white space to spaces */
    WF_STEP_IDEOGRAPHS, /* BERT: spaces around Chinese characters */
    WF_STEP_NONSPACING, /* BERT: decompose, nonspacing marks off */
    WF_STEP_LOWER,
    WF_STEP_FORM, /* NFC … NFKD */
    WF_STEP_ACCENTS,
    WF_STEP_TRIM,
    WF_STEP_REPLACE,
    WF_STEP_PREPEND,
    WF_STEP_CHARSMAP,
    /* pre-tokenizer */
    WF_STEP_BERT,
    WF_STEP_WORDS, /* \w+|[^\w\s]+ */
    WF_STEP_SPACES,
    WF_STEP_METASPACE,
    WF_STEP_BYTES,
    WF_STEP_PUNCTUATION,
    WF_STEP_SPLIT,
    WF_STEP_DIGITS,
};

/* What becomes of what a piece was cut at. */
enum wf_cut { WF_CUT_REMOVED, WF_CUT_ISOLATED, WF_CUT_PREVIOUS, WF_CUT_NEXT, WF_CUT_CONTIGUOUS };

enum wf_prepend { WF_PREPEND_ALWAYS, WF_PREPEND_FIRST, WF_PREPEND_NEVER };

/* What REPLACE and SPLIT look for: a text, or one of the expressions that are known. */
enum wf_pattern { WF_PATTERN_TEXT, WF_PATTERN_SPACES, WF_PATTERN_TWO_SPACES, WF_PATTERN_WORDS };

typedef struct wf_step {
    enum wf_step_kind kind;
    bool is_composed, is_compatible; /* FORM */
    bool trims_left, trims_right;
    bool splits; /* METASPACE: cuts; BYTES: at words; DIGITS: each alone */
    enum wf_cut cut;
    enum wf_prepend prepend;
    enum wf_pattern pattern;
    wf_scalars from, to; /* REPLACE, SPLIT; what is put in front; METASPACE: its sign */
    wf_charsmap charsmap;
} wf_step;

typedef struct wf_steps {
    wf_step items[WF_STEPS_MAX];
    size_t count;
} wf_steps;

void wf_steps_fini(wf_steps *steps);

/* Reads the value of "normalizer" or "pre_tokenizer"; null and nothing are no step.  0, -ENOMEM,
 * -WEFT_M_EMODEL naming what is unknown. */
int wf_steps_read_normaliser(wf_steps *steps, const wf_tape *tape, uint32_t value,
                             wf_reason *reason);
int wf_steps_read_splitter(wf_steps *steps, const wf_tape *tape, uint32_t value, wf_reason *reason);

/* ---- doing ---- */

typedef struct wf_piece {
    uint32_t start, count; /* scalars of `text` */
    uint32_t first;        /* so many of them come of the whole text's first character */
} wf_piece;

/* Memory of one thread.  Zeroed is ready. */
typedef struct wf_steps_memory {
    wf_scalars text, spare;
    wf_piece *pieces, *spare_pieces;
    size_t piece_count, piece_capacity, spare_count, spare_capacity;
    wf_norm norm;
    wf_origin origin; /* the normaliser's: of the step under way */
} wf_steps_memory;

void wf_steps_memory_fini(wf_steps_memory *memory);

/* memory->text to memory->text.  *first: how many of its characters come of the whole text's first
 * one, there and here.  0, -ENOMEM, or -WEFT_ELIMIT by the bound of memory->text. */
int wf_steps_normalise(const wf_steps *steps, wf_steps_memory *memory, size_t *first);

/* memory->text, of which `first` characters come of the whole text's first one, to memory->pieces
 * of a new memory->text.  As wf_steps_normalise. */
int wf_steps_split(const wf_steps *steps, wf_steps_memory *memory, size_t first);

/* Appends to memory->pieces.  0 or -ENOMEM. */
int wf_steps_piece(wf_steps_memory *memory, size_t start, size_t count, size_t first);

#endif
