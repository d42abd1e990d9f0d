/* SPDX-License-Identifier: MIT */

/*
 * Decoding: a coded body that is read piece by piece, decoded as it comes.  In a task: it lets the
 * loop go after each 64 KiB.
 */
#ifndef WF_CODING_DECODING_H
#define WF_CODING_DECODING_H

#include "coding/coding.h"

#include <sys/types.h>

struct wf_decoding;

/* Gives the next coded bytes, at most so many: their count, 0 at the end, or why there are none. */
typedef ssize_t wf_decoding_source(void *arg, char *buf, size_t bytes);

/* As wf_decoder_new(). */
int wf_decoding_new(struct wf_decoding **out, enum wf_coding coding,
                    const struct wf_coding_limits *limits, wf_decoding_source *source, void *arg);

/* The next decoded bytes: their count, at most `bytes` and 64 KiB; 0: the body is whole; what the
 * source says, -ECANCELED, or a failure of the decoder's; -WEFT_ETRUNCATED: the source ended in the
 * middle of what is coded. */
WEFT_WAITS ssize_t wf_decoding_read(struct wf_decoding *decoding, char *buf, size_t bytes);

/* The decoder, if what the last read returned was its failure; NULL: it was not. */
const struct wf_decoder *wf_decoding_failed(const struct wf_decoding *decoding);

/* NULL is fine. */
void wf_decoding_free(struct wf_decoding *decoding);

#endif
