/* SPDX-License-Identifier: MIT */

/*
 * What Unicode says of one character.  The only file that knows the library with the tables.
 */
#ifndef WF_MATCH_CHARS_H
#define WF_MATCH_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest compatibility decomposition of one character (U+FDFA). */
#define WF_CHAR_PARTS_MAX 18

const char *wf_chars_version(void);

/* Letter or number. */
bool wf_char_is_alnum(uint32_t c);

/* Mn, Mc or Me. */
bool wf_char_is_mark(uint32_t c);

/* By general category: L or Nl; N; Nd; P; Pc; Mn; Cc, Cf, Co and Cs. */
bool wf_char_is_letter(uint32_t c);
bool wf_char_is_number(uint32_t c);
bool wf_char_is_digit(uint32_t c);
bool wf_char_is_punctuation(uint32_t c);
bool wf_char_is_connector(uint32_t c);
bool wf_char_is_nonspacing(uint32_t c);
bool wf_char_is_other(uint32_t c);

/* L alone: no Nl. */
bool wf_char_is_plain_letter(uint32_t c);

/* Cased and Case_Ignorable, for the final sigma.  Characters that are both count as ignorable. */
bool wf_char_is_cased(uint32_t c);
bool wf_char_is_case_ignorable(uint32_t c);

/* Canonical combining class. */
unsigned wf_char_class(uint32_t c);

/* The simple lower-case mapping. */
uint32_t wf_char_lower(uint32_t c);

/* Full compatibility decomposition into `out`; returns the count, >= 1.  Not yet reordered. */
size_t wf_char_decompose(uint32_t c, uint32_t out[WF_CHAR_PARTS_MAX]);

/* The same, canonical. */
size_t wf_char_decompose_canonical(uint32_t c, uint32_t out[WF_CHAR_PARTS_MAX]);

/* True if a character the user sees ends between the two; *state is 0 at the start of a text. */
bool wf_char_is_border(uint32_t before, uint32_t after, int32_t *state);

/* Canonical composition, in place, of decomposed and ordered characters.  Returns the new count. */
size_t wf_chars_compose(uint32_t *points, size_t count);

#endif
