/* SPDX-License-Identifier: MIT */

/* The normaliser on any text: its result is UTF-8, within its bound, without white space at the
 * ends or in a row, and normalising it again changes nothing.  The first byte chooses the options.
 */

#include "match/text/normalise.h"
#include "base/utf8.h"
#include "match/text/chars.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spaces(weft_str text)
{
    bool was_space = true;
    for (size_t at = 0; at < text.len;) {
        uint32_t c = wf_utf8_next(text.ptr, &at);
        bool is_space = wf_utf8_is_space(c);
        assert(!is_space || c == ' ');
        assert(!is_space || !was_space);
        was_space = is_space;
    }
    assert(text.len == 0 || !was_space);
}

/* Lower-casing is not repeatable for every character (a capital that decomposes only when small),
 * so this is asked of the rest. */
static void check_again(const weft_norm_options *options, weft_text once)
{
    if (!options->keep_case)
        return;
    weft_text twice;
    if (weft_norm_text((weft_str){once.ptr, once.len}, options, &twice, NULL) < 0)
        return;
    assert(twice.len == once.len);
    assert(memcmp(twice.ptr, once.ptr, once.len) == 0);
    weft_text_free(&twice);
}

static void check_cut(weft_str text)
{
    wf_buf cut = {0}, again = {0};
    if (wf_norm_cut_marks(text, 3, &cut) == 1) {
        weft_str shorter = {wf_buf_ptr(&cut), wf_buf_bytes(&cut)};
        assert(shorter.len < text.len);
        assert(wf_utf8_is_valid(shorter.ptr, shorter.len));
        assert(wf_norm_cut_marks(shorter, 3, &again) == 0);
    }
    wf_buf_fini(&cut);
    wf_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    weft_norm_options options = {
        .form = (data[0] & 1) != 0 ? WEFT_NORM_NFKC : WEFT_NORM_NFKD,
        .keep_case = (data[0] & 2) != 0,
        .remove_accents = (data[0] & 4) != 0,
        .remove_punctuation = (data[0] & 8) != 0,
    };
    weft_str text = {(const char *)data + 1, size - 1};
    weft_text out;
    size_t offset = SIZE_MAX;
    int rc = weft_norm_text(text, &options, &out, &offset);
    assert((rc == -WEFT_ESYNTAX) == !wf_utf8_is_valid(text.ptr, text.len));
    if (rc < 0) {
        assert(rc != -WEFT_ESYNTAX || offset == wf_utf8_check(text.ptr, text.len));
        return 0;
    }
    assert(wf_utf8_is_valid(out.ptr, out.len));
    assert(out.len <= 11 * text.len + 4);
    check_spaces((weft_str){out.ptr, out.len});
    check_again(&options, out);
    check_cut(text);
    weft_text_free(&out);
    return 0;
}
