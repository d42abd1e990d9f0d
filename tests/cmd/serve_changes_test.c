/* SPDX-License-Identifier: MIT */

/* weft serve, told that it may be changed: its options, two loops, and a life after the first. */
#include "served.h"

#include <fcntl.h>
#include <sys/stat.h>

#define COLOURS "{\"entities\":[{\"id\":1,\"name\":\"Red\"},{\"id\":2,\"name\":\"Blue\"}]}"

static struct answer answer; /* to the last call */

static int call(const struct service *service, const char *line, const char *head, const char *body)
{
    service_call_with(service, line, head, body, &answer);
    note("%s: %s", line, answer.head);
    return answer.status;
}

static bool says(const char *text)
{
    return strstr(answer.head, text) != NULL;
}

static int end(struct service *service, char *err, size_t room)
{
    wf_buf_fini(&answer.buf);
    return service_end_with(service, SIGTERM, err, room);
}

/* ---- options ---- */

static void check_refused(const char *option, const char *value, const char *listen, int code,
                          const char *why)
{
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", listen, option, value);
    note("%s %s: %s", option, value, run.err);
    CHECK_EQ(run.code, code);
    CHECK(strstr(run.err, why) != NULL);
    run_fini(&run);
}

TEST(serve_takes_changes_without_a_token_on_this_machine_alone)
{
    const char *token = make_file("token", "0123456789abcdef\n");
    check_refused("--allow-changes", "--grace=1", "0.0.0.0:0", 2, "of this machine alone");
    check_refused("--allow-changes", "--grace=1", "[::]:0", 2, "of this machine alone");
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--allow-changes", "--token", token);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    drop_file(token);
}

TEST(serve_refuses_a_token_that_is_none_or_everybodys)
{
    const char *short_one = make_file("short", "0123456789abcde\n");
    CHECK_OK(chmod(short_one, 0600));
    check_refused("--token", short_one, "127.0.0.1:0", 1, "16 to 1024 visible characters");
    drop_file(short_one);
    const char *spaced = make_file("spaced", "0123456789 abcdef\n");
    CHECK_OK(chmod(spaced, 0600));
    check_refused("--token", spaced, "127.0.0.1:0", 1, "16 to 1024 visible characters");
    drop_file(spaced);
    const char *shown = make_file("shown", "0123456789abcdef\n");
    CHECK_OK(chmod(shown, 0644));
    check_refused("--token", shown, "127.0.0.1:0", 1, "chmod 600");
    drop_file(shown);
    check_refused("--token", "/nowhere/token", "127.0.0.1:0", 1, "No such file or directory");
    check_refused("--data", "/nowhere/data", "127.0.0.1:0", 1,
                  "--data /nowhere/data: there is no such directory\n");
}

TEST(serve_takes_no_changes_unless_told)
{
    struct service service;
    char err[512];
    SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0");
    CHECK_EQ(call(&service, "PUT /v1/matchers/x", "", COLOURS), 403);
    CHECK(says("--token FILE or --allow-changes"));
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
}

/* ---- two lives ---- */

/* With two loops, whichever a connection is dealt to; and what was saved is there again. */
TEST(serve_keeps_what_was_saved)
{
    static const char key[] = "Authorization: Bearer 0123456789abcdef\r\n";
    struct service service;
    char dir[] = "/tmp/weft-data-XXXXXX", file[64], err[512];
    CHECK(mkdtemp(dir) != NULL);
    const char *token = make_file("token", "0123456789abcdef\n");
    CHECK_OK(chmod(token, 0600));

    SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--loops", "2", "--data",
                  dir, "--token", token);
    CHECK_EQ(call(&service, "PUT /v1/matchers/x", "", COLOURS), 401);
    CHECK_EQ(call(&service, "PUT /v1/matchers/default", key, COLOURS), 200);
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(call(&service, "POST /match?query=red", "", ""), 200);
        CHECK(says("{\"matched\":{\"id\":1,\"score\":1.0,"));
    }
    CHECK_EQ(call(&service, "POST /v1/save", key, ""), 200);
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
    CHECK_STR(err, "");

    SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--data", dir);
    CHECK_EQ(call(&service, "POST /match?query=red", "", ""), 200);
    CHECK(says("{\"matched\":{\"id\":1,\"score\":1.0,"));
    CHECK_EQ(call(&service, "POST /v1/save", key, ""), 403); /* this life takes none */
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
    CHECK(strstr(err, "default.weftm stands for the files that are named\n") != NULL);

    SERVICE_START(&service, "--listen", "127.0.0.1:0", "--data", dir);
    CHECK_EQ(call(&service, "POST /match?query=blue", "", ""), 200);
    CHECK(says("{\"matched\":{\"id\":2,"));
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
    snprintf(file, sizeof(file), "%s/default.weftm", dir);
    CHECK_OK(unlink(file));
    CHECK_OK(rmdir(dir));
    drop_file(token);
}

/* A kill in the middle of a save leaves a file; they do not fill the disk. */
TEST(serve_drops_what_killed_saves_left)
{
    static const struct {
        const char *name;
        bool is_old, stays;
    } files[] = {
        {"x.weftm.tmp-0123456789abcdef", true, false},
        {"x.weftm.tmp-0123456789abcdee", false, true},
        {"x.weftm.tmp-0123", true, true},
        {"x.weftm.tmp-0123456789abcdeg", true, true},
        {".weftm.tmp-0123456789abcdef", true, true},
        {"notes.tmp-0123456789abcdef", true, true},
    };
    static const struct timespec old[2];
    struct service service;
    char dir[] = "/tmp/weft-data-XXXXXX", err[512], path[80];
    CHECK(mkdtemp(dir) != NULL);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        CHECK_GE(fd, 0);
        CHECK_OK(close(fd));
        if (files[i].is_old)
            CHECK_OK(utimensat(AT_FDCWD, path, old, 0));
    }
    SERVICE_START(&service, "--listen", "127.0.0.1:0", "--data", dir);
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        CHECK_EQ(unlink(path) == 0, files[i].stays);
    }
    CHECK_OK(rmdir(dir));
}

/* Jobs that the end finds are told; a follower is let go with the last word. */
TEST(serve_ends_jobs_and_says_so)
{
    struct service service;
    char err[512];
    SERVICE_START(&service, "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--loops", "2",
                  "--allow-changes");
    for (int i = 0; i < 8; i++)
        CHECK_EQ(call(&service, "POST /v1/fit", "",
                      "{\"mode\":\"head-only\",\"training_data\":[{\"text\":\"tulips\","
                      "\"label\":\"NL\"},{\"text\":\"fjords\",\"label\":\"NO\"}]}"),
                 202);
    CHECK_EQ(end(&service, err, sizeof(err)), 0);
    note("%s", err);
    CHECK(strstr(err, "cancelled: the service ends\n") != NULL);
}
