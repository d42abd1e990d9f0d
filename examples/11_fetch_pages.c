/* SPDX-License-Identifier: MIT */

/*
 * Lesson: pages are fetched like files are read.  One in a few lines; then a hundred at once, at
 * most ten at a time, over connections that are kept; then one whose answer comes too late.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/url.h>

#include <stdio.h>
#include <string.h>

/* ---- who asks ---- */

struct page {
    weft_client *client;
    const char *url;
    size_t bytes;
};

static int fetch(void *arg)
{
    struct page *page = arg;
    weft_client_response answer;
    WEFT_TRY(weft_client_get(page->client, page->url, &answer));
    page->bytes = answer.body.len;
    weft_client_response_free(&answer);
    return 0;
}

static int ask(weft_client *client, const char *quick, const char *slow)
{
    struct page one = {.client = client, .url = quick};
    WEFT_TRY(fetch(&one));
    printf("one page of %zu bytes\n", one.bytes);

    struct page pages[100];
    size_t total = 0;
    for (int i = 0; i < 100; i++)
        pages[i] = one;
    WEFT_TRY(weft_map_limit(fetch, pages, 100, /* limit= */ 10));
    for (int i = 0; i < 100; i++)
        total += pages[i].bytes;
    printf("a hundred pages, %zu bytes\n", total);

    one.url = slow;
    int rc = weft_wait_for(fetch, &one, WEFT_SEC);
    printf("the slow one: %s\n", weft_strerror(rc));
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* ---- who answers ---- */

static int hello(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_sleep(10 * WEFT_MS));
    return weft_http_respond_text(res, 200, "Hello\n");
}

static int wait_long(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(10 * WEFT_SEC));
    return hello(req, res, arg);
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int server_open(weft_http_server **out)
{
    const weft_http_route quick = {.method = "GET", .path = "/hello", .handler = hello};
    const weft_http_route slow = {.method = "GET", .path = "/slow", .handler = wait_long};
    WEFT_TRY(weft_http_server_new(out, NULL));
    WEFT_TRY(weft_http_server_add(*out, &quick));
    WEFT_TRY(weft_http_server_add(*out, &slow));
    return weft_http_server_listen(*out, "127.0.0.1:0");
}

static int program(void *arg)
{
    char quick[64];
    weft_bytes slow = {NULL, 0};
    weft_http_server *server = NULL;
    weft_client *client = NULL;
    (void)arg;
    int rc = server_open(&server);
    if (rc == 0)
        rc = weft_client_new(&client, NULL);
    if (rc == 0) {
        int port = weft_addr_get_port(weft_http_server_get_addr(server, 0));
        snprintf(quick, sizeof quick, "http://127.0.0.1:%d/hello", port);
        rc = weft_url_join(&slow, weft_str_of(quick), weft_str_of("slow")); /* as a link there */
    }
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, server);
        rc = ask(client, quick, slow.ptr);
        weft_http_server_stop(server);
        int served = weft_gather(serving);
        rc = rc < 0 ? rc : served;
    }
    weft_bytes_free(&slow);
    weft_client_free(client);
    weft_http_server_free(server);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
