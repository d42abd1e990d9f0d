/* SPDX-License-Identifier: MIT */

/* Dates of HTTP, in three forms and all that is none. */

#include "http/files/date.h"

#include "h1/write.h"
#include "harness/harness.h"

#define NOW 1700000000 /* in 2023 */

TEST(date_is_read_in_its_three_forms)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Thursday, 01-Jan-70 00:00:00 GMT", 3155760000}, /* within 50 years: 2070 */
        {"Thursday, 01-Jan-76 00:00:00 GMT", 189302400},  /* not: 1976 */
        {"Wednesday, 01-Jan-20 00:00:00 GMT", 1577836800},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = -7;
        note("%s", rows[i].text);
        CHECK(wf_http_date_parse(weft_str_of(rows[i].text), NOW, &seconds));
        CHECK_EQ(seconds, rows[i].seconds);
    }
}

TEST(date_refuses_what_is_none)
{
    static const char *const rows[] = {
        "",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sux, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Mon, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sundae, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 1994 GMT",
        "Sun Nov 6 08:49:37 1994",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = -7;
        note("%s", rows[i]);
        CHECK(!wf_http_date_parse(weft_str_of(rows[i]), NOW, &seconds));
        CHECK_EQ(seconds, -7);
    }
}

TEST(date_reads_what_we_write)
{
    for (int64_t at = -62135596800; at < 253402300799; at += 86400 * 97 + 12345) {
        char text[WF_H1_DATE_BYTES];
        int64_t seconds;
        wf_h1_write_date(text, at);
        CHECK(wf_http_date_parse((weft_str){text, sizeof text}, NOW, &seconds));
        CHECK_EQ(seconds, at);
    }
}
