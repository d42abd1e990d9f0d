/* SPDX-License-Identifier: MIT */

#include "client/url.h"

#include <weft/error.h>
#include <weft/url.h>

#include "harness/harness.h"

static void check_text(const struct wf_url *url, const char *text)
{
    CHECK_BYTES(url->text, url->len, text, strlen(text));
    CHECK_EQ(url->text[url->len], 0);
}

TEST(a_url_is_made_plain)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"http://example.org", "http://example.org/"},
        {"HTTP://Example.ORG:80/A%2fb", "http://example.org/A%2fb"},
        {"https://example.org:443?q", "https://example.org/?q"},
        {"https://example.org:80/", "https://example.org:80/"},
        {"http://[::1]:8080/x#y?z", "http://[::1]:8080/x"},
        {"http://a/b/../c/./d", "http://a/c/d"},
        {"http://a/../..", "http://a/"},
        {"http://a/b/..", "http://a/"},
        {"http://a/b/.", "http://a/b/"},
        {"http://a//b///", "http://a//b///"},
        {"http://a//../b", "http://a/b"},
        {"http://a/...", "http://a/..."},
        {"http://a/x y\"<>`{|}^", "http://a/x%20y%22%3C%3E%60%7B%7C%7D%5E"},
        {"http://a/\xc3\xa4?\xc3\xa4", "http://a/%C3%A4?%C3%A4"},
        {"http://a/%zz", "http://a/%zz"},
        {"http://a?b/../c", "http://a/?b/../c"},
        {"http://a#b", "http://a/"},
        {"http://a:/", "http://a/"},
        {"https://[::1]:?q", "https://[::1]/?q"},
        {"http://a/b/%2e%2E/c/%2e/d", "http://a/c/d"},
        {"http://a/b/.%2e/c%2e%2e/%2e.", "http://a/"},
        {"http://a/%2e%2e%2e/%2f..%2f", "http://a/%2e%2e%2e/%2f..%2f"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].in);
        struct wf_url url;
        CHECK_OK(wf_url_parse(&url, weft_str_of(rows[i].in)));
        check_text(&url, rows[i].out);
        wf_url_fini(&url);
    }
}

TEST(what_is_no_url_of_a_server_is_refused)
{
    static const char *const rows[] = {
        "",
        "example.org",
        "/a",
        "//a/b",
        "ftp://a/",
        "http:a",
        "http:///a",
        "http://user@a/",
        "http://user:secret@a/",
        "http://:/",
        "http://a::/",
        "http://a:65536/",
        "http://a:0/",
        "http://a b/",
        "http://a..b/",
        "http://[::1/",
        "http://[::g]/",
        "http://1.2.3/",
        "http://256.1.1.1/",
        "http://\xc3\xa4.org/",
        "http://a/\r\nX: y",
        "http://a/\x7f",
        "http://a/b\tc",
        ":http://a",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i]);
        struct wf_url url;
        CHECK_EQ(wf_url_parse(&url, weft_str_of(rows[i])), -WEFT_ESYNTAX);
        CHECK(url.text == NULL);
    }
    struct wf_url url;
    char nul[] = "http://a/\0b";
    CHECK_EQ(wf_url_parse(&url, (weft_str){nul, sizeof nul - 1}), -WEFT_ESYNTAX);
    static char large[WF_URL_BYTES_MAX + 1];
    memset(large, 'a', sizeof large);
    memcpy(large, "http://a/", 9);
    CHECK_EQ(wf_url_parse(&url, (weft_str){large, sizeof large}), -WEFT_ELIMIT);
    CHECK_OK(wf_url_parse(&url, (weft_str){large, sizeof large - 1}));
    wf_url_fini(&url);
}

TEST(the_pieces_are_what_a_request_needs)
{
    struct wf_url url;
    CHECK_OK(wf_url_parse(&url, (weft_str)WEFT_STR("https://[2001:DB8::1]:8443/a?b")));
    CHECK(url.is_https);
    CHECK_EQ(url.port, 8443);
    CHECK_BYTES(url.host.ptr, url.host.len, "2001:db8::1", 11);
    CHECK_BYTES(url.authority.ptr, url.authority.len, "[2001:db8::1]:8443", 18);
    CHECK_BYTES(url.origin.ptr, url.origin.len, "https://[2001:db8::1]:8443", 26);
    CHECK_BYTES(url.target.ptr, url.target.len, "/a?b", 4);
    wf_url_fini(&url);
    CHECK_OK(wf_url_parse(&url, (weft_str)WEFT_STR("http://a:80")));
    CHECK_EQ(url.port, 80);
    CHECK_BYTES(url.authority.ptr, url.authority.len, "a", 1);
    wf_url_fini(&url);
}

/* RFC 3986, 5.4, without what is no http URL. */
TEST(references_are_resolved_as_the_rfc_has_it)
{
    static const struct {
        const char *reference, *out;
    } rows[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://B/c", "https://b/c"},
        {"a b", "http://a/b/c/a%20b"},
    };
    struct wf_url base;
    CHECK_OK(wf_url_parse(&base, (weft_str)WEFT_STR("http://a/b/c/d;p?q")));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("\"%s\"", rows[i].reference);
        struct wf_url url;
        CHECK_OK(wf_url_join(&url, &base, weft_str_of(rows[i].reference)));
        check_text(&url, rows[i].out);
        wf_url_fini(&url);
    }
    struct wf_url url;
    CHECK_EQ(wf_url_join(&url, &base, (weft_str)WEFT_STR("mailto:a@b")), -WEFT_ESYNTAX);
    CHECK_EQ(wf_url_join(&url, &base, (weft_str)WEFT_STR("g\r\nX: y")), -WEFT_ESYNTAX);
    wf_url_fini(&base);
}

/* What errors say of it: where, and not what was asked. */
TEST(a_place_is_the_url_without_its_query_and_cut)
{
    static const struct {
        const char *in, *place;
    } rows[] = {
        {"http://a:81/b/c?token=d", "http://a:81/b/c"},
        {"http://a?token=d", "http://a/"},
        {"https://a/b/0123456789012345678901234567890123456789012345678901234567890123",
         "https://a/b/012345678901234567890123456789012345678901234567890123456789"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_url url;
        CHECK_OK(wf_url_parse(&url, weft_str_of(rows[i].in)));
        CHECK_BYTES(url.place.ptr, url.place.len, rows[i].place, strlen(rows[i].place));
        wf_url_fini(&url);
    }
}

TEST(origins_are_scheme_host_and_port)
{
    struct wf_url a, b;
    CHECK_OK(wf_url_parse(&a, (weft_str)WEFT_STR("http://A:80/x")));
    CHECK_OK(wf_url_parse(&b, (weft_str)WEFT_STR("http://a/y")));
    CHECK(wf_url_same_origin(&a, &b));
    wf_url_fini(&b);
    CHECK_OK(wf_url_parse(&b, (weft_str)WEFT_STR("https://a:80/x")));
    CHECK(!wf_url_same_origin(&a, &b));
    wf_url_fini(&a);
    wf_url_fini(&b);
}

TEST(without_memory_there_is_no_url)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = nth};
        struct wf_url url;
        weft_fault_plan *before = weft_fault_arm(&plan);
        int rc = wf_url_parse(&url, (weft_str)WEFT_STR("http://example.org/a"));
        weft_fault_arm(before);
        if (plan.point == NULL) {
            CHECK_OK(rc);
            CHECK_GT(nth, 1);
            wf_url_fini(&url);
            return;
        }
        CHECK_EQ(rc, -ENOMEM);
        CHECK(url.text == NULL);
    }
}

/* ---- as texts, for callers ---- */

TEST(a_link_is_joined_to_its_page)
{
    static const struct {
        const char *base, *reference, *out;
    } rows[] = {
        {"http://a/b/c?d", "e?f#g", "http://a/b/e?f"},
        {"http://a/b/c?d", "", "http://a/b/c?d"},
        {"http://a/b/c?d", " \t\r\n\f../x y ", "http://a/x%20y"},
        {"http://a/b/c?d", " \n", "http://a/b/c?d"},
        {"", " HTTPS://A:443/b ", "https://a/b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("\"%s\" at %s", rows[i].reference, rows[i].base);
        weft_bytes url;
        CHECK_OK(weft_url_join(&url, weft_str_of(rows[i].base), weft_str_of(rows[i].reference)));
        CHECK_BYTES(url.ptr, url.len + 1, rows[i].out, strlen(rows[i].out) + 1);
        weft_bytes_free(&url);
    }
    weft_bytes url;
    CHECK_OK(weft_url_join(&url, weft_str_of("http://a/b"), (weft_str){NULL, 0}));
    CHECK_STR(url.ptr, "http://a/b");
    weft_bytes_free(&url);
}

TEST(a_link_that_leads_to_no_page_leaves_the_result_alone)
{
    static const char *const rows[][2] = {
        {"http://a/", "mailto:b@c"},
        {"http://a/", "javascript:x()"},
        {"http://a/", "b\nc"},
        {"http://a/", "http://"},
        {"a/b", "c"},
        {"", "/b"},
    };
    char mine[] = "mine";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_bytes url = {mine, 4};
        note("\"%s\" at \"%s\"", rows[i][1], rows[i][0]);
        CHECK_EQ(weft_url_join(&url, weft_str_of(rows[i][0]), weft_str_of(rows[i][1])),
                 -WEFT_ESYNTAX);
        CHECK(url.ptr == mine && url.len == 4);
        CHECK_NE(weft_error_text()[0], 0);
    }
}

TEST(parameters_are_added_to_a_query)
{
    static const struct {
        const char *url, *name;
        weft_str value;
        const char *out;
    } rows[] = {
        {"http://a/", "q", WEFT_STR("tea & cake=+#"), "http://a/?q=tea%20%26%20cake%3D%2B%23"},
        {"http://a/b?c=d", "e f", WEFT_STR("-._~09azAZ"), "http://a/b?c=d&e%20f=-._~09azAZ"},
        {"http://a/?", "\xc3\xa4", WEFT_STR("\0\xff\r\n"), "http://a/?%C3%A4=%00%FF%0D%0A"},
        {"http://a/?b&", "c", {NULL, 0}, "http://a/?b&c="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].out);
        weft_bytes url;
        struct wf_url again;
        CHECK_OK(weft_url_join(&url, (weft_str){NULL, 0}, weft_str_of(rows[i].url)));
        CHECK_OK(weft_url_add(&url, rows[i].name, rows[i].value));
        CHECK_BYTES(url.ptr, url.len + 1, rows[i].out, strlen(rows[i].out) + 1);
        CHECK_OK(wf_url_parse(&again, (weft_str){url.ptr, url.len})); /* as the client reads it */
        check_text(&again, rows[i].out);
        wf_url_fini(&again);
        weft_bytes_free(&url);
    }
}

TEST(a_parameter_that_could_not_be_sent_is_refused)
{
    static char long_value[WF_URL_BYTES_MAX];
    char text[] = "http://a/#b";
    weft_bytes url = {text, sizeof text - 1};
    CHECK_EQ(weft_url_add(&url, "c", weft_str_of("d")), -EINVAL);
    CHECK(url.ptr == text);
    CHECK_OK(weft_url_join(&url, (weft_str){NULL, 0}, weft_str_of("http://a/")));
    weft_str value = {memset(long_value, 'x', sizeof long_value), WF_URL_BYTES_MAX - 12};
    CHECK_OK(weft_url_add(&url, "c", value));
    CHECK_EQ(url.len, WF_URL_BYTES_MAX);
    CHECK_EQ(weft_url_add(&url, "d", (weft_str){NULL, 0}), -WEFT_ELIMIT);
    CHECK_EQ(url.len, WF_URL_BYTES_MAX);
    weft_bytes_free(&url);
}

static int join_and_add(void)
{
    weft_bytes url;
    WEFT_TRY(weft_url_join(&url, weft_str_of("http://a/b"), weft_str_of("c")));
    int rc = weft_url_add(&url, "d", weft_str_of("e"));
    CHECK_STR(url.ptr, rc == 0 ? "http://a/c?d=e" : "http://a/c");
    weft_bytes_free(&url);
    return rc;
}

TEST(without_memory_a_url_stays_as_it_was)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = nth};
        weft_fault_plan *before = weft_fault_arm(&plan);
        int rc = join_and_add();
        weft_fault_arm(before);
        if (plan.point == NULL) {
            CHECK_OK(rc);
            CHECK_GT(nth, 4);
            return;
        }
        CHECK_EQ(rc, -ENOMEM);
    }
}
