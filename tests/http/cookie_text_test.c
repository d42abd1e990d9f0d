/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "http/form/cookie.h"

/* "name=value|…" of all pairs. */
static const char *pairs(const char *text)
{
    static char out[512];
    weft_str rest = weft_str_of(text), name, value;
    out[0] = 0;
    while (wf_cookie_next(&rest, &name, &value))
        snprintf(out + strlen(out), sizeof out - strlen(out), "%.*s=%.*s|", (int)name.len, name.ptr,
                 (int)value.len, value.ptr);
    return out;
}

TEST(cookies_are_those_of_the_right_form)
{
    static const struct {
        const char *text, *pairs;
    } rows[] = {
        {"", ""},
        {"a=b", "a=b|"},
        {"a=b; c=d", "a=b|c=d|"},
        {"a=b;c=d", "a=b|c=d|"},
        {"a=", "a=|"},
        {"a=\"b\"", "a=b|"},
        {"a=\"b", ""},
        {"a=b=c", "a=b=c|"},
        {"=b; c=d", "c=d|"},
        {"a; c=d", "c=d|"},
        {"a b=c; d=e", "d=e|"},
        {"a=b c; d=e", "d=e|"},
        {"a=b,c; d=e", "d=e|"},
        {"a=\xc3\xa4; d=e", "d=e|"},
        {"a=b;  c=d", "a=b|"}, /* a name does not begin with a space */
        {";;;a=b;", "a=b|"},
        {"a=1; a=2", "a=1|a=2|"},
        {"a=b\\c; d=e", "d=e|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].text);
        CHECK_STR(pairs(rows[i].text), rows[i].pairs);
    }
}

TEST(a_cookie_is_set_with_safe_attributes)
{
    static const struct {
        const char *name, *value;
        weft_http_cookie_options options;
        const char *text; /* NULL: -EINVAL */
    } rows[] = {
        {"a", "b", {0}, "a=b; Path=/; HttpOnly; SameSite=Lax"},
        {"a", "", {.max_age = -1}, "a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
        {"a",
         "b",
         {.path = "/x",
          .domain = "e.com",
          .max_age = 60,
          .is_secure = true,
          .is_for_scripts = true,
          .is_partitioned = true,
          .same_site = WEFT_HTTP_SAME_SITE_NONE},
         "a=b; Path=/x; Domain=e.com; Max-Age=60; Secure; Partitioned; SameSite=None"},
        {"__Host-a",
         "b",
         {.is_secure = true},
         "__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax"},
        {"a",
         "b",
         {.same_site = WEFT_HTTP_SAME_SITE_STRICT},
         "a=b; Path=/; HttpOnly; SameSite=Strict"},
        {"a", "b", {.same_site = WEFT_HTTP_SAME_SITE_NONE}, NULL},
        {"a", "b", {.is_partitioned = true}, NULL},
        {"__Host-a", "b", {0}, NULL},
        {"__host-a", "b", {.is_secure = true, .path = "/x"}, NULL},
        {"__Host-a", "b", {.is_secure = true, .domain = "e.com"}, NULL},
        {"__Secure-a", "b", {0}, NULL},
        {"", "b", {0}, NULL},
        {"a b", "b", {0}, NULL},
        {"a", "b c", {0}, NULL},
        {"a", "b;c", {0}, NULL},
        {"a", "b\r\nX: y", {0}, NULL},
        {"a", "b", {.path = "/;x"}, NULL},
        {"a", "b", {.path = "x"}, NULL},
        {"a", "b", {.domain = "e\r\n"}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wf_buf out = {0};
        note("%s=%s", rows[i].name, rows[i].value);
        int rc = wf_cookie_write(&out, rows[i].name, weft_str_of(rows[i].value), &rows[i].options);
        CHECK_EQ(rc, rows[i].text != NULL ? 0 : -EINVAL);
        wf_buf_putc(&out, 0);
        if (rc == 0)
            CHECK_STR(wf_buf_ptr(&out), rows[i].text);
        wf_buf_fini(&out);
    }
}

TEST(a_cookie_has_a_size)
{
    static char value[4096];
    wf_buf out = {0};
    memset(value, 'x', sizeof value);
    CHECK_EQ(
        wf_cookie_write(&out, "a", (weft_str){value, sizeof value}, &(weft_http_cookie_options){0}),
        -EINVAL);
    wf_buf_fini(&out);
}
