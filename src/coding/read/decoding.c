/* SPDX-License-Identifier: MIT */

#include "coding/read/decoding.h"

#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"

#define IN_BYTES ((size_t)8 * 1024)

struct wf_decoding {
    struct wf_decoder *decoder;
    wf_decoding_source *source;
    void *source_arg;
    size_t at, end; /* of in: not decoded yet */
    bool is_ended;  /* no more comes */
    bool has_failed;
    size_t in_row; /* bytes given since the loop was last let go */
    char in[IN_BYTES];
};

int wf_decoding_new(struct wf_decoding **out, enum wf_coding coding,
                    const struct wf_coding_limits *limits, wf_decoding_source *source, void *arg)
{
    struct wf_decoding *decoding = wf_alloc(sizeof *decoding);
    if (decoding == NULL)
        return -ENOMEM;
    int rc = wf_decoder_new(&decoding->decoder, coding, limits);
    if (rc < 0) {
        wf_free(decoding);
        return rc;
    }
    decoding->source = source;
    decoding->source_arg = arg;
    *out = decoding;
    return 0;
}

void wf_decoding_free(struct wf_decoding *decoding)
{
    if (decoding == NULL)
        return;
    wf_decoder_free(decoding->decoder);
    wf_free(decoding);
}

const struct wf_decoder *wf_decoding_failed(const struct wf_decoding *decoding)
{
    return decoding->has_failed ? decoding->decoder : NULL;
}

static int decoding_fill(struct wf_decoding *decoding)
{
    ssize_t got = decoding->source(decoding->source_arg, decoding->in, sizeof decoding->in);
    if (got < 0)
        return (int)got;
    decoding->at = 0;
    decoding->end = (size_t)got;
    decoding->is_ended = got == 0;
    return 0;
}

/* Decodes what is there: the count that came out; 0: more must be read. */
static ssize_t decoding_step(struct wf_decoding *decoding, char *buf, size_t bytes)
{
    struct wf_coding_io io = {decoding->in + decoding->at, decoding->end - decoding->at, buf,
                              bytes};
    int rc = wf_decoder_step(decoding->decoder, &io);
    decoding->at = decoding->end - io.in_len;
    decoding->in_row += bytes - io.room;
    if (bytes != io.room)
        return (ssize_t)(bytes - io.room); /* an error comes again */
    if (rc == 0 && decoding->is_ended && !wf_decoder_is_whole(decoding->decoder))
        rc = -WEFT_ETRUNCATED;
    decoding->has_failed = rc < 0;
    return rc;
}

ssize_t wf_decoding_read(struct wf_decoding *decoding, char *buf, size_t bytes)
{
    bytes = bytes < WF_CODING_STEP_BYTES ? bytes : WF_CODING_STEP_BYTES;
    decoding->has_failed = false;
    if (decoding->in_row >= WF_CODING_STEP_BYTES) {
        decoding->in_row = 0;
        WEFT_TRY(weft_yield());
    }
    for (;;) {
        ssize_t got = decoding_step(decoding, buf, bytes);
        if (got != 0 || decoding->is_ended)
            return got;
        WEFT_TRY(decoding_fill(decoding));
    }
}
