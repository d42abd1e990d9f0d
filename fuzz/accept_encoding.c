/* SPDX-License-Identifier: MIT */

/*
 * Accept-Encoding: no coding is chosen that was not offered; none is given when all are refused;
 * two fields are the same as one list; and Content-Encoding is read without reading on.
 */

#include "coding/accept.h"
#include "cut.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wf_accept_coding parse(const char *text, size_t first, size_t second_at, size_t len)
{
    struct wf_accept_coding accept;
    wf_accept_coding_init(&accept);
    wf_accept_coding_add(&accept, (weft_str){text, first});
    if (second_at <= len)
        wf_accept_coding_add(&accept, (weft_str){text + second_at, len - second_at});
    return accept;
}

static void check_choice(const struct wf_accept_coding *accept, unsigned offered)
{
    enum wf_coding chosen = wf_accept_coding_choose(accept, offered);
    bool is_refused = wf_accept_coding_refuses_identity(accept);
    assert((int)chosen >= 0 && chosen <= WF_CODING_NONE);
    if (chosen == WF_CODING_IDENTITY)
        assert(!is_refused);
    else if (chosen == WF_CODING_NONE)
        assert(is_refused);
    else
        assert((offered & 1u << chosen) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    memcpy(text, data, size);
    struct wf_accept_coding whole = parse(text, size, size + 1, size);
    for (unsigned offered = 0; offered < 1u << WF_CODING_COUNT; offered += 2)
        check_choice(&whole, offered);
    size_t from = size == 0 ? 0 : input_hash(data, size) % size;
    const char *comma = memchr(text + from, ',', size - from);
    if (comma != NULL) {
        size_t first = (size_t)(comma - text);
        struct wf_accept_coding cut = parse(text, first, first + 1, size);
        assert(memcmp(&cut, &whole, sizeof cut) == 0);
    }
    enum wf_coding coding = wf_coding_add_field(WF_CODING_IDENTITY, (weft_str){text, size});
    assert(coding == WF_CODING_NONE || wf_coding_is_there(coding));
    free(text);
    return 0;
}
