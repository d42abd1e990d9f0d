/* SPDX-License-Identifier: MIT */

/* Requests by way of a proxy; tunnels with TLS inside: tests/tls/client_test.c. */

#include <weft.h>
#include <weft/client.h>

#include "client/conn/proxy.h"
#include "liar.h"
#include "site.h"

#include <errno.h>
#include <stdlib.h>

TEST(who_is_asked_directly)
{
    static const struct {
        const char *except, *host;
        bool is_served;
    } cases[] = {
        {NULL, "example.org", true},
        {"", "example.org", true},
        {"example.org", "example.org", false},
        {"Example.org", "www.eXample.org", false},
        {"example.org", "www.example.org", false},
        {".example.org", "www.example.org", false},
        {".example.org", "example.org", false},
        {"example.org", "badexample.org", true},
        {"example.org", "org", true},
        {"a.b, example.org ,c", "example.org", false},
        {"a.b,c", "c", false},
        {",, ,", "c", true},
        {".", "c", true},
        {"*", "c", false},
        {"127.0.0.1", "127.0.0.1", false},
        {"::1", "::1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wf_proxy proxy;
        CHECK_OK(wf_proxy_init(&proxy, "http://proxy:3128", NULL, cases[i].except));
        CHECK_EQ(wf_proxy_serves(&proxy, weft_str_of(cases[i].host)), cases[i].is_served);
        wf_proxy_fini(&proxy);
    }
}

TASK_TEST(a_proxy_that_is_no_url_is_refused)
{
    static const char *const wrong[] = {"",
                                        "proxy:3128",
                                        "https://proxy",
                                        "http://proxy/path",
                                        "http://user@proxy",
                                        "socks5://proxy",
                                        "http://proxy:99999"};
    weft_client *client = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_EQ(weft_client_new(&client, &(weft_client_options){.proxy = wrong[i]}), -EINVAL);
    CHECK(strstr(weft_error_text(), "http://proxy:99999") != NULL);
    CHECK_EQ(weft_client_new(&client, &(weft_client_options){.proxy_auth = "a\r\nb"}), -EINVAL);
    CHECK(client == NULL);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* A client whose proxy is the liar. */
static weft_client *client_by(const struct liar *proxy, weft_client_options options)
{
    static char url[64];
    weft_client *client;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)proxy->port);
    options.proxy = url;
    CHECK_OK(weft_client_new(&client, &options));
    return client;
}

static int get(weft_client *client, const char *url)
{
    weft_client_response page;
    int rc = weft_client_get(client, url, &page);
    if (rc < 0)
        return rc;
    rc = page.status;
    weft_client_response_free(&page);
    return rc;
}

TASK_TEST(a_proxy_is_asked_with_the_whole_url)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .then = LIAR_CLOSE},
                                             {.answer = OK_HI}};
    struct liar proxy;
    LIAR_OPEN(&proxy, steps);
    weft_client *client = client_by(&proxy, (weft_client_options){.proxy_auth = "Basic dTpw"});
    CHECK_EQ(get(client, "http://Nowhere.example/a/../b?c#d"), 200);
    CHECK_EQ(get(client, "http://nowhere.example:81/"), 200);
    CHECK(begins(proxy.heads[0], "GET http://nowhere.example/b?c HTTP/1.1\r\n"));
    CHECK(liar_heard(&proxy, 0, "Host: nowhere.example"));
    CHECK(liar_heard(&proxy, 0, "Proxy-Authorization: Basic dTpw"));
    CHECK(begins(proxy.heads[1], "GET http://nowhere.example:81/ HTTP/1.1\r\n"));
    weft_client_free(client);
    liar_close(&proxy);
}

TASK_TEST(who_is_excepted_never_sees_what_the_proxy_is_told)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}};
    struct liar proxy, direct;
    LIAR_OPEN(&proxy, steps);
    LIAR_OPEN(&direct, steps);
    weft_client *client = client_by(
        &proxy, (weft_client_options){.proxy_auth = "Basic dTpw", .no_proxy = "127.0.0.1"});
    CHECK_EQ(get(client, liar_url(direct.port, "/x")), 200);
    CHECK(begins(direct.heads[0], "GET /x HTTP/1.1\r\n"));
    CHECK(strstr(direct.heads[0], "Proxy-") == NULL);
    CHECK_EQ(proxy.requests, 0);
    weft_client_free(client);
    liar_close(&proxy);
    liar_close(&direct);
}

TASK_TEST(a_tunnel_that_is_refused_says_by_whom_and_for_whom)
{
    static const struct {
        struct liar_step step;
        int rc;
        const char *text;
    } cases[] = {
        {{.answer = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"},
         -EACCES,
         "answered 407 for https://far.example"},
        {{.answer = "HTTP/1.1 403 No\r\n\r\n"}, -EACCES, "answered 403 for https://far.example"},
        {{.answer = "HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 502 No\r\n\r\n"},
         -ECONNREFUSED,
         "answered 502"},
        {{.answer = "HTTP/1.1 101 Else\r\n\r\n"}, -EACCES, "answered 101"},
        {{.answer = "HTTP/1.1 200 O", .then = LIAR_CLOSE},
         -WEFT_ETRUNCATED,
         "closed the connection"},
        {{.answer = "SSH-2.0\r\n\r\n"}, -WEFT_ESYNTAX, "answered what is no HTTP"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct liar proxy;
        liar_open(&proxy, &cases[i].step, 1);
        weft_client *client = client_by(&proxy, (weft_client_options){.proxy_auth = "Basic dTpw"});
        weft_client_request request = {.url = "https://far.example/secret", .method = "POST"};
        weft_client_response page;
        CHECK_EQ(weft_client_fetch(client, &request, &page), cases[i].rc);
        CHECK(strstr(weft_error_text(), cases[i].text) != NULL);
        CHECK(begins(proxy.heads[0],
                     "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"));
        CHECK(liar_heard(&proxy, 0, "Proxy-Authorization: Basic dTpw"));
        CHECK(strstr(proxy.heads[0], "secret") == NULL);
        weft_client_free(client);
        liar_close(&proxy);
    }
}

/* As for https; what an origin answers is an answer. */
TASK_TEST(a_proxy_that_wants_credentials_is_an_error_for_http_too)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"},
    };
    struct liar proxy;
    char text[160];
    LIAR_OPEN(&proxy, steps);
    weft_client *client = client_by(&proxy, (weft_client_options){.proxy_auth = "Basic dTpw"});
    CHECK_EQ(get(client, "http://far.example/a"), -EACCES);
    snprintf(text, sizeof text,
             "the proxy 127.0.0.1:%u answered 407 for http://far.example: it wants other "
             "credentials (proxy_auth)",
             (unsigned)proxy.port);
    CHECK_STR(weft_error_text(), text);
    CHECK_EQ(get(client, "http://far.example/a"), 403);
    weft_client_free(client);
    liar_close(&proxy);
    LIAR_OPEN(&proxy, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(get(client, liar_url(proxy.port, "/")), 407);
    weft_client_free(client);
    liar_close(&proxy);
}

/* Our server takes the place of the proxy: it knows a whole URL, and makes no tunnels. */
SCENARIO(requests_by_way_of_a_proxy_survive_every_failure)
{
    CHECK_OK(
        setenv("SSL_CERT_FILE", "/dev/null", 1)); /* the system's authorities take long to read */
    CHECK_OK(setenv("SSL_CERT_DIR", "/dev/null", 1));
    struct site site = {0};
    char url[64];
    weft_client *client = NULL;
    weft_client_response page;
    int rc = site_open(&site, NULL);
    if (rc < 0)
        return rc;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)weft_addr_get_port(&site.addr));
    rc = weft_client_new(&client, &(weft_client_options){.proxy = url});
    if (rc == 0)
        rc = weft_client_get(client, "http://far.example/ok", &page);
    if (rc == 0) {
        CHECK_EQ(page.status, 200);
        weft_client_response_free(&page);
        rc = weft_client_get(client, "https://far.example:8443/", &page);
        CHECK_LT(rc, 0);
        rc = rc == -ECONNREFUSED || rc == -EACCES ? 0 : rc;
    }
    weft_client_free(client);
    int ended = site_close(&site);
    return rc < 0 ? rc : ended;
}
