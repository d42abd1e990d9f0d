/* SPDX-License-Identifier: MIT */

/*
 * Text: the normaliser that gives two spellings of one name the same bytes.
 *
 *     weft_text out = {0};
 *     if (weft_norm_text(weft_str_of("  Hello   World "), NULL, &out, NULL) == 0)
 *         puts(out.ptr); // hello world
 *     weft_text_free(&out);
 *
 * The steps, in this order: white space at both ends goes; compatibility decomposition (NFKD);
 * accents go, if asked; lower case, with the final sigma; punctuation becomes a space, if asked;
 * each run of white space becomes one space.  White space, case and decomposition are those of the
 * Unicode version weft_norm_unicode_version() names, the same on every machine.
 *
 * Pure functions: any thread, no waiting.  Time is linear in the length of the text.
 *
 * Library: weft-match.
 */
#ifndef WEFT_TEXT_H
#define WEFT_TEXT_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Bytes the caller owns. */
typedef weft_bytes weft_text;

/* Frees the bytes and empties *text.  An empty one and NULL are fine. */
WEFT_API void weft_text_free(weft_text *text);

enum weft_norm_form {
    WEFT_NORM_NFKD = 0,
    WEFT_NORM_NFKC, /* composed again as the last step of 2; what is compared differs in bytes only
                     */
};

/* Zero means the default in every field. */
typedef struct weft_norm_options {
    enum weft_norm_form form;
    bool keep_case;          /* no lower-casing */
    bool remove_accents;     /* characters with a combining class go */
    bool remove_punctuation; /* what is no letter, digit, mark or '_' becomes a space */
} weft_norm_options;

/* Normalises `text` into *out; `options` may be NULL.  0; -WEFT_ESYNTAX if `text` is not UTF-8, and
 * then *out_offset (may be NULL) is the first bad byte; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_norm_text(weft_str text, const weft_norm_options *options,
                                          weft_text *out, size_t *out_offset);

/* "15.0.0": the version of Unicode whose tables are used. */
WEFT_API const char *weft_norm_unicode_version(void);

WEFT_END_DECLS

#endif
