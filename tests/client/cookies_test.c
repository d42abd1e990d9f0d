/* SPDX-License-Identifier: MIT */

#include <weft.h>
#include <weft/client.h>
#include <weft/cookies.h>

#include "client/cookies/cookie_parse.h"
#include "liar.h"

/* ---- Set-Cookie taken apart ---- */

TEST(a_cookie_line_says_what_it_says)
{
    static const struct {
        const char *text, *name, *value, *domain, *path;
        int64_t max_age;
        bool is_secure;
    } rows[] = {
        {"a=b", "a", "b", "", NULL, 0, false},
        {"  a = b c \t; Path=/x ;Secure", "a", "b c", "", "/x", 0, true},
        {"a=b=c; max-age=10; DOMAIN=.Example.org", "a", "b=c", "Example.org", NULL, 10, false},
        {"a=; Max-Age=-1", "a", "", "", NULL, -1, false},
        {"a=\"q\"; path=relative; Max-Age=ten; secure=yes", "a", "\"q\"", "", NULL, 0, true},
        {"a=b; Path=/x; Path=/y; Max-Age=1; Max-Age=2", "a", "b", "", "/y", 2, false},
        {"a=b; Max-Age=99999999999999999999", "a", "b", "", NULL, INT64_C(1) << 40, false},
        {"a=b;;;=;;x", "a", "b", "", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_cookie_line line;
        note("%s", rows[i].text);
        CHECK(wf_cookie_parse(&line, weft_str_of(rows[i].text)));
        CHECK_BYTES(line.name.ptr, line.name.len, rows[i].name, strlen(rows[i].name));
        CHECK_BYTES(line.value.ptr, line.value.len, rows[i].value, strlen(rows[i].value));
        CHECK_BYTES(line.domain.ptr, line.domain.len, rows[i].domain, strlen(rows[i].domain));
        CHECK_EQ(line.path.ptr == NULL, rows[i].path == NULL);
        if (rows[i].path != NULL)
            CHECK_BYTES(line.path.ptr, line.path.len, rows[i].path, strlen(rows[i].path));
        CHECK_EQ(line.max_age, rows[i].max_age);
        CHECK_EQ(line.has_max_age, rows[i].max_age != 0);
        CHECK_EQ(line.is_secure, rows[i].is_secure);
    }
}

TEST(what_is_no_cookie_is_ignored)
{
    static char long_one[WF_COOKIE_BYTES_MAX + 3];
    static const char *const rows[] = {
        "", "a", "=b", " = b", "a;b=c", "a=b\x01", "a=b; Path=/\x7f", "a\n=b"};
    struct wf_cookie_line line;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK(!wf_cookie_parse(&line, weft_str_of(rows[i])));
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[1] = '=';
    CHECK(!wf_cookie_parse(&line, weft_str_of(long_one)));
    long_one[sizeof long_one - 2] = 0;
    CHECK(wf_cookie_parse(&line, weft_str_of(long_one)));
}

TEST(dates_are_read_in_every_form)
{
    static const struct {
        const char *text;
        int64_t at; /* -1: none */
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"6 nov 1994 8:49:37", 784111777},
        {"Thu, 01-Jan-1970 00:00:00 GMT", 0},
        {"29 Feb 2000 23:59:59", 951868799},
        {"1 Mar 2000 00:00:00", 951868800},
        {"31 Dec 69 00:00:00", 3155673600},
        {"1 Jan 1601 00:00:00", -11644473600},
        {"1 Jan 1600 00:00:00", -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
        {"Sun, 32 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Now 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 08:49:37 GMT", -1},
        {"06 Nov 1994", -1},
        {"", -1},
        {"12345678901234567890", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = -1;
        note("%s", rows[i].text);
        CHECK_EQ(wf_cookie_date(weft_str_of(rows[i].text), &at), rows[i].at != -1);
        CHECK_EQ(at, rows[i].at);
    }
}

/* ---- the jar ---- */

struct set {
    const char *url, *line;
    int rc;
};

static weft_cookies *jar_of(const struct set *sets, size_t count)
{
    weft_cookies *jar;
    CHECK_OK(weft_cookies_new(&jar));
    for (size_t i = 0; i < count; i++) {
        note("%s at %s", sets[i].line, sets[i].url);
        CHECK_EQ(weft_cookies_set(jar, sets[i].url, weft_str_of(sets[i].line)), sets[i].rc);
    }
    return jar;
}
#define JAR_OF(sets_) jar_of((sets_), sizeof(sets_) / sizeof(sets_)[0])

static void check_for(weft_cookies *jar, const char *url, const char *expected)
{
    weft_bytes text;
    note("for %s", url);
    CHECK_OK(weft_cookies_for(jar, url, &text));
    CHECK_STR(text.ptr, expected);
    weft_bytes_free(&text);
}

TEST(a_cookie_goes_where_it_belongs)
{
    static const struct set sets[] = {
        {"http://a.example.org/x/y?q", "host=1", 1},
        {"http://a.example.org/x/y", "wide=2; Domain=Example.ORG; Path=/", 1},
        {"http://a.example.org/", "deep=3; Path=/x/y/", 1},
        {"https://a.example.org/", "safe=4; Secure; Path=/x", 1},
    };
    weft_cookies *jar = JAR_OF(sets);
    check_for(jar, "http://a.example.org/x/y/z", "deep=3; host=1; wide=2");
    check_for(jar, "https://a.example.org/x", "host=1; safe=4; wide=2");
    check_for(jar, "http://a.example.org/xy", "wide=2");
    check_for(jar, "http://A.Example.org:81/x?/y/", "host=1; wide=2");
    check_for(jar, "http://b.example.org/x/y/", "wide=2");
    check_for(jar, "http://example.org/", "wide=2");
    check_for(jar, "http://notexample.org/", "");
    check_for(jar, "http://example.org.evil/", "");
    weft_cookies_clear(jar, "a.example.org");
    check_for(jar, "http://a.example.org/x/y/z", "wide=2");
    weft_cookies_clear(jar, NULL);
    check_for(jar, "http://a.example.org/x/y/z", "");
    weft_cookies_free(jar);
}

TEST(cookies_for_others_are_refused)
{
    static const struct set sets[] = {
        {"http://a.example.org/", "a=1; Domain=b.example.org", 0},
        {"http://a.example.org/", "a=1; Domain=x.a.example.org", 0},
        {"http://a.example.org/", "a=1; Domain=org", 0},
        {"http://example.org./", "a=1; Domain=org.", 0},
        {"http://a.example.org/", "a=1; Domain=ample.org", 0},
        {"http://a.example.co.uk/", "a=1; Domain=co.uk", 0},
        {"http://a.example.co.uk./", "a=1; Domain=co.uk.", 0},
        {"http://127.0.0.1/", "a=1; Domain=0.0.1", 0},
        {"http://[::1]/", "a=1; Domain=1", 0},
        {"http://a.example.org/", "a=1; Secure", 0},
        {"http://a.example.org/", "__Secure-a=1", 0},
        {"https://a.example.org/", "__secure-a=1", 0},
        {"https://a.example.org/", "__Host-a=1; Secure", 0},
        {"https://a.example.org/", "__Host-a=1; Secure; Path=/x", 0},
        {"https://a.example.org/", "__Host-a=1; Secure; Path=/; Domain=a.example.org", 0},
        {"ftp://a.example.org/", "a=1", -WEFT_ESYNTAX},
    };
    weft_cookies *jar = JAR_OF(sets);
    weft_cookie none;
    CHECK(!weft_cookies_at(jar, 0, &none));
    weft_cookies_free(jar);
}

TEST(what_is_allowed_at_the_edge)
{
    static const struct set sets[] = {
        {"http://127.0.0.1/", "a=1; Domain=127.0.0.1", 1},
        {"http://localhost/", "b=1; Domain=localhost", 1},
        {"https://a.example.org/", "__Host-c=1; Secure; Path=/", 1},
        {"https://a.example.org/", "__Secure-d=1; Secure", 1},
    };
    weft_cookies *jar = JAR_OF(sets);
    check_for(jar, "http://127.0.0.1/", "a=1");
    check_for(jar, "http://localhost/", "b=1");
    check_for(jar, "https://a.example.org/", "__Host-c=1; __Secure-d=1");
    weft_cookies_free(jar);
}

TEST(a_cookie_is_replaced_in_its_place_and_deleted)
{
    static const struct set sets[] = {
        {"http://h.example/", "a=1", 1},
        {"http://h.example/", "b=2", 1},
        {"http://h.example/", "a=3", 1},
        {"http://h.example/", "c=4; Max-Age=0", 1},
        {"https://h.example/", "s=5; Secure", 1},
        {"http://h.example/", "s=6", 0}, /* would hide it */
        {"http://h.example/", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 1},
    };
    weft_cookies *jar = JAR_OF(sets);
    check_for(jar, "https://h.example/", "a=3; s=5");
    weft_cookie cookie;
    CHECK(weft_cookies_at(jar, 0, &cookie));
    CHECK_BYTES(cookie.name.ptr, cookie.name.len, "a", 1);
    CHECK_BYTES(cookie.domain.ptr, cookie.domain.len, "h.example", 9);
    CHECK_BYTES(cookie.path.ptr, cookie.path.len, "/", 1);
    CHECK(cookie.is_host_only && !cookie.is_secure && cookie.expires == WEFT_FOREVER);
    CHECK(weft_cookies_at(jar, 1, &cookie));
    CHECK(!weft_cookies_at(jar, 2, &cookie));
    weft_cookies_free(jar);
}

TEST(a_jar_has_an_end)
{
    weft_cookies *jar;
    weft_cookie cookie;
    char url[64], line[64];
    CHECK_OK(weft_cookies_new(&jar));
    for (int i = 0; i < 70; i++) {
        snprintf(line, sizeof line, "c%d=v", i);
        CHECK_EQ(weft_cookies_set(jar, "http://one.example/", weft_str_of(line)), 1);
    }
    CHECK(weft_cookies_at(jar, 0, &cookie));
    CHECK_BYTES(cookie.name.ptr, cookie.name.len, "c6", 2); /* 64 of a domain: 0 to 5 made room */
    for (int i = 0; i < 3000; i++) {
        snprintf(url, sizeof url, "http://h%d.example/", i);
        CHECK_EQ(weft_cookies_set(jar, url, (weft_str)WEFT_STR("a=1")), 1);
    }
    check_for(jar, "http://one.example/", "");
    CHECK(weft_cookies_at(jar, 2999, &cookie));
    CHECK(!weft_cookies_at(jar, 3000, &cookie));
    weft_cookies_free(jar);
}

/* ---- with a client ---- */

TASK_TEST(requests_keep_and_send_cookies)
{
    static const struct liar_step steps[] = {
        {.answer =
             "HTTP/1.1 302 F\r\nLocation: /in\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/in\r\n"
             "Set-Cookie: c=3; Max-Age=10\r\nContent-Length: 0\r\n\r\n"},
        {.answer = OK_HI},
        {.answer = OK_HI},
        {.answer = OK_HI},
    };
    struct liar liar;
    weft_cookies *jar;
    weft_client *client;
    weft_client_field own = {WEFT_STR("Cookie"), WEFT_STR("mine=x")};
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_cookies_new(&jar));
    CHECK_OK(weft_client_new(&client, &(weft_client_options){.cookies = jar}));
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    CHECK(strstr(liar.heads[0], "Cookie") == NULL);
    CHECK(liar_heard(&liar, 1, "Cookie: b=2; a=1; c=3"));
    CHECK_OK(weft_sleep(11 * WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    CHECK(liar_heard(&liar, 2, "Cookie: a=1"));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .fields = &own, .field_count = 1};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    weft_client_response_free(&page);
    CHECK(liar_heard(&liar, 3, "Cookie: mine=x"));
    CHECK(strstr(liar.heads[3], "a=1") == NULL);
    weft_client_free(client);
    weft_cookies_free(jar);
    liar_close(&liar);
}
