/* SPDX-License-Identifier: MIT */

/* Whole: small files that are read and replaced in one piece, in a task or outside of any. */
#ifndef WF_MATCH_WHOLE_H
#define WF_MATCH_WHOLE_H

#include <weft/match.h>

/* Replaces the file, so that whoever looks finds the old or the new.  0, or negative with what is
 * wrong with `path`. */
WEFT_WAITS int wf_whole_save(const char *path, const void *bytes, size_t count,
                             weft_m_error *error);

/* The file's bytes, at most `most`, the caller's (weft_bytes_free). */
WEFT_WAITS int wf_whole_load(const char *path, size_t most, weft_bytes *out, weft_m_error *error);

#endif
