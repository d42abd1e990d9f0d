/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a web site in thirty lines.  A directory behind a route, compressed for who asks, in
 * ranges for who wants a part, and "not modified" for who has it.
 *
 * The site is made here and asked here, so that the lesson can be checked; curl and a browser would
 * see the same.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http_files.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct site {
    char dir[32];
    weft_http_files *files;
    weft_http_server *server;
    char url[160];
};

static int site_make(struct site *site)
{
    char path[64], page[4096];
    snprintf(site->dir, sizeof site->dir, "/tmp/weft-site-XXXXXX");
    if (mkdtemp(site->dir) == NULL)
        return -errno;
    memset(page, '.', sizeof page);
    snprintf(path, sizeof path, "%s/index.html", site->dir);
    return weft_file_save(path, page, sizeof page, 0644);
}

static int site_open(struct site *site)
{
    char address[WEFT_ADDR_TEXT_BYTES];
    weft_http_options options = {.compress_bytes_min = 1024};
    WEFT_TRY(weft_http_files_open(&site->files, site->dir, NULL));
    WEFT_TRY(weft_http_server_new(&site->server, &options));
    weft_http_route route = {
        .method = "GET",
        .path = "/{path*}",
        .handler = weft_http_files_handler,
        .arg = site->files,
        .handler_time_max = 3600 * WEFT_SEC, /* a slow client may take its time */
    };
    WEFT_TRY(weft_http_server_add(site->server, &route));
    WEFT_TRY(weft_http_server_listen(site->server, "127.0.0.1:0"));
    WEFT_TRY(weft_addr_format(weft_http_server_get_addr(site->server, 0), address, sizeof address));
    snprintf(site->url, sizeof site->url, "http://%s/", address);
    return 0;
}

/* Asks for the page with one more field and tells what came. */
static int ask(const struct site *site, weft_client *client, const char *name, weft_str value,
               weft_client_response *out)
{
    weft_client_field field = {weft_str_of(name), value};
    weft_client_request request = {.url = site->url, .fields = &field, .field_count = 1};
    WEFT_TRY(weft_client_fetch(client, &request, out));
    weft_str coding = weft_client_response_field(out, "content-encoding");
    printf("%s: %d, %zu bytes%s%.*s\n", name, out->status, out->body.len,
           coding.len > 0 ? ", " : "", (int)coding.len, coding.len > 0 ? coding.ptr : "");
    return 0;
}

static int visit(void *arg)
{
    const struct site *site = arg;
    weft_client *client;
    weft_client_response page, part, again;
    weft_str identity = WEFT_STR("identity"), range = WEFT_STR("bytes=0-99");
    WEFT_TRY(weft_client_new(&client, NULL));
    int rc = ask(site, client, "Accept-Encoding", identity, &page);
    if (rc == 0) {
        rc = ask(site, client, "Range", range, &part);
        if (rc == 0)
            weft_client_response_free(&part);
        weft_str tag = weft_client_response_field(&page, "etag");
        if (rc == 0)
            rc = ask(site, client, "If-None-Match", tag, &again);
        if (rc == 0)
            weft_client_response_free(&again);
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    weft_http_server_stop(site->server);
    return rc;
}

static int serve(void *arg)
{
    struct site *site = arg;
    return weft_http_serve(site->server);
}

static int body(void *arg)
{
    struct site site = {0};
    (void)arg;
    int rc = site_make(&site);
    if (rc == 0)
        rc = site_open(&site);
    if (rc == 0)
        rc = weft_gather(weft_spawn(serve, &site), weft_spawn(visit, &site));
    weft_http_server_free(site.server);
    weft_http_files_close(site.files);
    char path[64];
    snprintf(path, sizeof path, "%s/index.html", site.dir);
    int gone = weft_unlink(path);
    if (gone == 0)
        gone = weft_rmdir(site.dir);
    return rc < 0 ? rc : gone;
}

int main(void)
{
    return weft_main(body, NULL);
}
