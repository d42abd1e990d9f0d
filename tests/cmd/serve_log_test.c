/* SPDX-License-Identifier: MIT */

/* The access log of weft serve. */
#include "served.h"

TEST(serve_writes_a_line_for_each_request)
{
    char path[] = "/tmp/weft-serve-log-XXXXXX", log[2048] = "";
    struct service service;
    struct answer answer = {0};
    int fd = mkstemp(path);
    CHECK_OK(fd);
    SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--access-log", path);
    service_call(&service, "GET /healthz?token=secret", NULL, &answer);
    service_call(&service, "GET /nowhere", NULL, &answer);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    CHECK_GT(read(fd, log, sizeof(log) - 1), 0);
    close(fd);
    unlink(path);
    note("%s", log);
    CHECK(strstr(log, "\"path\":\"/healthz\",\"route\":\"/healthz\",\"status\":200,") != NULL);
    CHECK(strstr(log, "\"path\":\"/nowhere\",\"route\":null,\"status\":404,") != NULL);
    CHECK(strstr(log, "secret") == NULL);
    CHECK(strstr(log, "\"trace_id\":\"") != NULL);
}

static void hang_up(struct service *service, const char *said)
{
    wf_buf err = {0};
    kill(service->child.pid, SIGHUP);
    while (memchr(wf_buf_ptr(&err), '\n', wf_buf_bytes(&err)) == NULL)
        CHECK(child_read(&service->child.err, &err));
    CHECK_BYTES(wf_buf_ptr(&err), wf_buf_bytes(&err), said, strlen(said));
    wf_buf_fini(&err);
}

static void check_logged(const char *path, const char *part, const char *other)
{
    wf_buf buf = {0}; /* a line for each time that it was not ready, too */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_OK(fd);
    while (child_read(&fd, &buf))
        ;
    wf_buf_putc(&buf, '\0');
    const char *log = wf_buf_ptr(&buf);
    note("%s", log);
    CHECK(strstr(log, part) != NULL);
    CHECK(strstr(log, other) == NULL);
    wf_buf_fini(&buf);
}

/* As logrotate does it: move the file, then SIGHUP. */
TEST(serve_opens_its_log_anew_at_sighup)
{
    for (int loops = 1; loops <= 2; loops++) {
        char path[] = "/tmp/weft-serve-log-XXXXXX", moved[64];
        struct service service;
        struct answer answer = {0};
        int fd = mkstemp(path);
        CHECK_OK(fd);
        close(fd);
        snprintf(moved, sizeof(moved), "%s.1", path);
        SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--access-log", path,
                      "--loops", loops == 1 ? "1" : "2");
        service_wait_ready(&service);
        service_call(&service, "GET /before", NULL, &answer);
        CHECK_OK(rename(path, moved));
        hang_up(&service, "weft: the access log was opened again\n");
        service_call(&service, "GET /after", NULL, &answer);
        wf_buf_fini(&answer.buf);
        CHECK_EQ(service_end(&service, SIGTERM), 0);
        check_logged(path, "\"path\":\"/after\"", "\"path\":\"/never\"");
        check_logged(moved, "", "\"path\":\"/after\"");
        unlink(path);
        unlink(moved);
    }
}

TEST(serve_says_why_it_cannot_log)
{
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--access-log", "/nowhere/x");
    CHECK_STR(run.err, "weft: cannot open /nowhere/x: No such file or directory\n");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
}
