/* SPDX-License-Identifier: MIT */

#include "http/exchange/patience.h"

#include "harness/harness.h"

TEST(how_long_a_client_waits_is_ms_or_has_a_unit)
{
    static const struct {
        const char *text;
        weft_time time;
    } rows[] = {
        {"0", 0},
        {"1500", 1500 * WEFT_MS},
        {"86400000", 24 * 3600 * WEFT_SEC},
        {"24H", 24 * 3600 * WEFT_SEC},
        {"5M", 300 * WEFT_SEC},
        {"00000007S", 7 * WEFT_SEC},
        {"1500m", 1500 * WEFT_MS},
        {"9u", 9 * WEFT_US},
        {"99999999n", 99999999},
        {"0H", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].text);
        CHECK_EQ(wf_patience_read(weft_str_of(rows[i].text)), rows[i].time);
    }
}

TEST(what_is_no_such_time_says_nothing)
{
    static const char *const rows[] = {
        "",   "m",   "-1",        "+1",        "1.5",      "1e3", "1s", "1 m", " 1",
        "1 ", "1mm", "000000001", "999999999", "86400001", "25H", "1h", "0x1", "1\xc2\xb5",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i]);
        CHECK_EQ(wf_patience_read(weft_str_of(rows[i])), WEFT_FOREVER);
    }
    CHECK_EQ(wf_patience_read((weft_str){NULL, 0}), WEFT_FOREVER);
    CHECK_EQ(wf_patience_read((weft_str)WEFT_STR("1\0")), WEFT_FOREVER);
}
