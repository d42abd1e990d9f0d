/* SPDX-License-Identifier: MIT */

/*
 * Decoders: the first byte chooses the coding.  However the input is cut (into pieces of a size
 * that it chooses, cut.h), it is whole or not, with the same bytes (when an error is noticed is the
 * library's matter); never more comes out than the limit and the room of one step.
 */

#include "coding/coding.h"
#include "cut.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES_MAX 40000

struct outcome {
    int rc;
    bool is_whole;
    size_t bytes;
    char out[BYTES_MAX + 1];
};

static void decode(enum wf_coding coding, const char *text, size_t len, size_t cut,
                   struct outcome *outcome)
{
    const struct wf_coding_limits limits = {.bytes_max = BYTES_MAX};
    struct wf_decoder *decoder;
    outcome->rc = 0;
    outcome->bytes = 0; /* what lies in `out` from runs before is not looked at */
    assert(wf_decoder_new(&decoder, coding, &limits) == 0);
    for (size_t at = 0; at < len && outcome->rc == 0;) {
        size_t count = len - at < cut ? len - at : cut, room;
        char *copy = malloc(count);
        assert(copy != NULL);
        memcpy(copy, text + at, count);
        struct wf_coding_io io = {copy, count, NULL, 0};
        do {
            room = BYTES_MAX + 1 - outcome->bytes;
            room = room < cut ? room : cut;
            io.out = outcome->out + outcome->bytes;
            io.room = room;
            outcome->rc = wf_decoder_step(decoder, &io);
            outcome->bytes += room - io.room;
        } while (outcome->rc == 0 && (io.room == 0 || io.in_len != 0));
        free(copy);
        at += count;
    }
    outcome->is_whole = wf_decoder_is_whole(decoder);
    wf_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    if (size == 0)
        return 0;
    enum wf_coding coding = WF_CODING_IDENTITY + 1 + data[0] % (WF_CODING_COUNT - 1);
    if (!wf_coding_is_there(coding))
        return 0;
    const char *text = (const char *)data + 1;
    size_t len = size - 1;
    decode(coding, text, len, BYTES_MAX + 1, &whole);
    assert(whole.rc == 0 || whole.rc == -WEFT_ESYNTAX || whole.rc == -WEFT_ELIMIT);
    assert((whole.bytes > BYTES_MAX) == (whole.rc == -WEFT_ELIMIT));
    assert(!whole.is_whole || whole.rc == 0);
    if (len < 2)
        return 0;
    decode(coding, text, len, 1 + (size_t)(input_hash(data, size) % (len - 1)), &cut);
    assert(cut.is_whole == whole.is_whole);
    if (whole.is_whole)
        assert(cut.bytes == whole.bytes && memcmp(cut.out, whole.out, cut.bytes) == 0);
    return 0;
}
