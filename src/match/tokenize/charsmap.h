/* SPDX-License-Identifier: MIT */

/*
 * Characters map: the table of replacements that SentencePiece compiles into its models: a double
 * array trie of texts, and behind it the texts that take their place.  It comes from a file, so
 * every step through it is checked.
 */
#ifndef WF_MATCH_CHARSMAP_H
#define WF_MATCH_CHARSMAP_H

#include "match/model/reason.h"
#include "match/tokenize/origin.h"
#include "match/tokenize/scalars.h"

typedef struct wf_charsmap {
    uint32_t *units;
    size_t unit_count;
    char *texts; /* each ends with NUL, and so does the last */
    size_t text_bytes;
} wf_charsmap;

/* Of Base64.  0, -ENOMEM, -WEFT_M_EMODEL. */
int wf_charsmap_read(wf_charsmap *map, weft_str base64, wf_reason *reason);
void wf_charsmap_fini(wf_charsmap *map);

/* Appends `text` with its replacements to `out`, and tells `origin`.  As wf_scalars_append. */
int wf_charsmap_apply(const wf_charsmap *map, const uint32_t *text, size_t count, wf_scalars *out,
                      wf_origin *origin);

#endif
