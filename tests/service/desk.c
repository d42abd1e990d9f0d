/* SPDX-License-Identifier: MIT */

#include "service/desk.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/file.h>
#include <weft/http.h>

static int serve_body(void *arg)
{
    struct desk *desk = arg;
    return weft_http_serve(desk->site.server);
}

void desk_open(struct desk *desk, size_t matcher_count_max)
{
    *desk = (struct desk){0};
    service_init(&desk->service, matcher_count_max);
    desk->service.title = "a test";
    desk->service.scheme = "http://";
    desk->service.is_ready = true;
    desk->service.access.is_open = true;
    desk->service.servers = desk->servers;
    desk->service.server_count = 1;
    CHECK_OK(weft_http_server_new(&desk->site.server, NULL));
    desk->servers[0] = desk->site.server;
    CHECK_OK(service_add_routes(&desk->service, desk->site.server));
    CHECK_OK(weft_http_server_listen(desk->site.server, "127.0.0.1:0"));
    desk->site.addr = *weft_http_server_get_addr(desk->site.server, 0);
    desk->site.task = weft_spawn(serve_body, desk);
}

void desk_work(struct desk *desk)
{
    desk->work = weft_spawn(jobs_run, &desk->service.jobs);
}

void desk_close(struct desk *desk)
{
    answer_fini(&desk->answer);
    (void)jobs_stop(&desk->service.jobs);
    if (desk->work.id != 0)
        CHECK_OK(weft_await(desk->work));
    CHECK_OK(site_close(&desk->site));
    service_fini(&desk->service);
}

const char *desk_request(const char *line, const char *head, const char *body)
{
    static char text[512 << 10]; /* of a body over the limits, too */
    int bytes = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: localhost\r\n%s", line, head);
    if (body != NULL)
        bytes +=
            snprintf(text + bytes, sizeof(text) - (size_t)bytes,
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    bytes +=
        snprintf(text + bytes, sizeof(text) - (size_t)bytes, "\r\n%s", body != NULL ? body : "");
    CHECK_LT((size_t)bytes, sizeof(text));
    return text;
}

int desk_call_with(struct desk *desk, const char *line, const char *head, const char *body)
{
    answer_fini(&desk->answer);
    int status = ask(&desk->site, desk_request(line, head, body), &desk->answer);
    note("%s %s: %d %s", line, body != NULL ? body : "", status,
         desk->answer.body != NULL ? desk->answer.body : "");
    return status;
}

int desk_call(struct desk *desk, const char *line, const char *body)
{
    return desk_call_with(desk, line, "", body);
}

bool desk_says(const struct desk *desk, const char *text)
{
    return desk->answer.body != NULL && strstr(desk->answer.body, text) != NULL;
}

const char *desk_make_dir(void)
{
    static char path[64];
    int rc = -EEXIST;
    for (int i = 0; rc == -EEXIST; i++) {
        snprintf(path, sizeof(path), "/tmp/weft-store-%d-%d", (int)getpid(), i);
        rc = weft_mkdir(path, 0700);
    }
    CHECK_OK(rc);
    return path;
}

void desk_drop_dir(const char *path)
{
    static const char *const names[] = {"default.weftm",
                                        "b.weftm",
                                        "c.weftm",
                                        "notes.txt",
                                        "-x.weftm",
                                        "default.reviews.json",
                                        "default.reviews.json.lock",
                                        "default.profile.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char file[128];
        snprintf(file, sizeof(file), "%s/%s", path, names[i]);
        int rc = weft_unlink(file);
        CHECK(rc == 0 || rc == -ENOENT);
    }
    CHECK_OK(weft_rmdir(path)); /* nothing else was left there */
}
