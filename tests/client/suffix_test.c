/* SPDX-License-Identifier: MIT */

#include "client/cookies/suffix.h"

#include "harness/harness.h"

TEST(names_that_many_share_are_known)
{
    static const char *const shared[] = {"com",       "COM",   "com.",  "uk",
                                         "localhost", "co.uk", "CO.UK", "co.uk.",
                                         "com.au",    "ne.jp", "or.jp", "gob.mx"};
    static const char *const own[] = {"example.com", "example.co.uk", "www.co.uk", "co.example",
                                      "example.uk",  "go.com",        "a.b.c.d",   "uk.com"};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        note("%s", shared[i]);
        CHECK(wf_is_public_suffix(weft_str_of(shared[i])));
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        note("%s", own[i]);
        CHECK(!wf_is_public_suffix(weft_str_of(own[i])));
    }
    CHECK(wf_is_public_suffix((weft_str){"", 0}));
}
