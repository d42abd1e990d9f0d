/* SPDX-License-Identifier: MIT */

/* Conditions, in the order of RFC 9110 13.2.2. */

#include "http/files/conditional.h"

#include "harness/harness.h"

#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define OLDER "Sun, 06 Nov 1994 08:49:36 GMT"
#define NEWER "Sun, 06 Nov 1994 08:49:38 GMT"

struct row {
    const char *names[2], *values[2];
    bool is_weak; /* our tag */
    enum wf_verdict get, put;
};

static struct wf_validators validators(bool is_weak)
{
    return (struct wf_validators){
        .tag = weft_str_of(is_weak ? "W/\"v,1\"" : "\"v,1\""),
        .modified = 784111777,
        .is_date_strong = true,
        .now = 1700000000,
    };
}

static struct wf_conditions conditions(const struct wf_validators *of, const struct row *row)
{
    struct wf_conditions it;
    wf_conditions_init(&it, of);
    for (int i = 0; i < 2 && row->names[i] != NULL; i++)
        wf_conditions_add(&it, weft_str_of(row->names[i]), weft_str_of(row->values[i]));
    return it;
}

TEST(conditions_come_to_what_the_rfc_says)
{
    static const struct row rows[] = {
        {{0}, {0}, false, WF_PROCEED, WF_PROCEED},
        {{"X-If"}, {"\"v,1\""}, false, WF_PROCEED, WF_PROCEED},

        {{"If-Match"}, {"\"v,1\""}, false, WF_PROCEED, WF_PROCEED},
        {{"if-match"}, {"*"}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Match"}, {"\"x\", \"v,1\""}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Match", "If-Match"}, {"\"x\"", "\"v,1\""}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Match"}, {"\"x\""}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match"}, {"W/\"v,1\""}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match"}, {"\"v,1\""}, true, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match"}, {""}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match"}, {"v,1"}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match"}, {"\"x\" \"v,1\""}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Match", "If-Unmodified-Since"}, {"\"v,1\"", OLDER}, false, WF_PROCEED, WF_PROCEED},

        {{"If-Unmodified-Since"}, {SAME}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Unmodified-Since"}, {NEWER}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Unmodified-Since"}, {OLDER}, false, WF_PRECONDITION_FAILED, WF_PRECONDITION_FAILED},
        {{"If-Unmodified-Since"}, {"yesterday"}, false, WF_PROCEED, WF_PROCEED},

        {{"If-None-Match"}, {"\"v,1\""}, false, WF_NOT_MODIFIED, WF_PRECONDITION_FAILED},
        {{"If-None-Match"}, {"W/\"v,1\""}, false, WF_NOT_MODIFIED, WF_PRECONDITION_FAILED},
        {{"If-None-Match"}, {"\"v,1\""}, true, WF_NOT_MODIFIED, WF_PRECONDITION_FAILED},
        {{"If-None-Match"}, {"*"}, false, WF_NOT_MODIFIED, WF_PRECONDITION_FAILED},
        {{"If-None-Match"},
         {"\"a\" ,\t\"v,1\",\"b\""},
         false,
         WF_NOT_MODIFIED,
         WF_PRECONDITION_FAILED},
        {{"If-None-Match"}, {"\"v\""}, false, WF_PROCEED, WF_PROCEED},
        {{"If-None-Match"}, {"\"v,1"}, false, WF_PROCEED, WF_PROCEED},
        {{"If-None-Match", "If-Modified-Since"}, {"\"x\"", SAME}, false, WF_PROCEED, WF_PROCEED},
        {{"If-None-Match", "If-Modified-Since"},
         {"\"v,1\"", OLDER},
         false,
         WF_NOT_MODIFIED,
         WF_PRECONDITION_FAILED},

        {{"If-Modified-Since"}, {SAME}, false, WF_NOT_MODIFIED, WF_PROCEED},
        {{"If-Modified-Since"}, {NEWER}, false, WF_NOT_MODIFIED, WF_PROCEED},
        {{"If-Modified-Since"}, {OLDER}, false, WF_PROCEED, WF_PROCEED},
        {{"If-Modified-Since"}, {"0"}, false, WF_PROCEED, WF_PROCEED},

        {{"If-Match", "If-None-Match"},
         {"\"x\"", "\"v,1\""},
         false,
         WF_PRECONDITION_FAILED,
         WF_PRECONDITION_FAILED},
        {{"If-Unmodified-Since", "If-None-Match"},
         {OLDER, "\"x\""},
         false,
         WF_PRECONDITION_FAILED,
         WF_PRECONDITION_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_validators of = validators(rows[i].is_weak);
        struct wf_conditions it = conditions(&of, &rows[i]);
        note("row %zu", i);
        CHECK_EQ((int)wf_conditions_judge(&it, /* reads= */ true), (int)rows[i].get);
        CHECK_EQ((int)wf_conditions_judge(&it, /* reads= */ false), (int)rows[i].put);
        CHECK(wf_conditions_allow_range(&it));
    }
}

TEST(if_range_wants_the_very_same_bytes)
{
    static const struct {
        const char *value;
        bool is_weak, is_date_weak, allows;
    } rows[] = {
        {"\"v,1\"", false, false, true}, {"W/\"v,1\"", false, false, false},
        {"\"v,1\"", true, false, false}, {"W/\"v,1\"", true, false, false},
        {"\"x\"", false, false, false},  {"\"v,1\", \"x\"", false, false, false},
        {SAME, false, false, true},      {SAME, false, true, false},
        {NEWER, false, false, false},    {OLDER, false, false, false},
        {"", false, false, false},       {"*", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_validators of = validators(rows[i].is_weak);
        struct row row = {{"If-Range"}, {rows[i].value}, false, WF_PROCEED, WF_PROCEED};
        of.is_date_strong = !rows[i].is_date_weak;
        struct wf_conditions it = conditions(&of, &row);
        note("row %zu", i);
        CHECK_EQ(wf_conditions_allow_range(&it), rows[i].allows);
        CHECK_EQ((int)wf_conditions_judge(&it, /* reads= */ true), (int)WF_PROCEED);
    }
}
