/* SPDX-License-Identifier: MIT */

/*
 * Lesson: files and programs are waited for like everything else.  A log is saved so that a crash
 * leaves the old or the new one, read line by line, sorted by a program, and a program that takes
 * too long is ended by a deadline, while another task goes on all the time.
 */

#include <weft.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char log_text[] = "GET /users 120 ms\n"
                               "GET /health 1 ms\n"
                               "POST /match 35 ms\n"
                               "GET /users 90 ms\n";

/* Keeps the lines about users. */
static int collect(const char *path, char *out, size_t bytes)
{
    weft_reader *reader;
    weft_str line;
    size_t used = 0;
    WEFT_TRY(weft_reader_open(&reader, path, NULL));
    int rc;
    while ((rc = weft_reader_read_line(reader, &line)) == 1) {
        if (line.len > 10 && memcmp(line.ptr, "GET /users", 10) == 0)
            used += (size_t)snprintf(out + used, bytes - used, "%.*s\n", (int)line.len, line.ptr);
    }
    weft_reader_close(reader);
    return rc < 0 ? rc : (int)used;
}

static int sort_lines(const char *text, size_t bytes)
{
    const char *const argv[] = {"sort", NULL};
    weft_process_options options = {.argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
    weft_process_output output;
    WEFT_TRY(weft_process_run(&options, (weft_str){text, bytes}, /* bytes_max= */ 4096, &output));
    printf("%s", output.out.ptr);
    weft_process_output_free(&output);
    return 0;
}

static int wait_for_ever(void *arg)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    weft_process_options options = {.argv = argv};
    weft_process_output output;
    (void)arg;
    return weft_process_run(&options, (weft_str){"", 0}, 0, &output);
}

static int count_turns(void *arg)
{
    for (;;) {
        WEFT_TRY(weft_sleep(WEFT_MS));
        ++*(int *)arg;
    }
}

static int day(void *arg)
{
    const char *path = arg;
    char users[256];
    int turns = 0;
    weft_task counter = weft_spawn(count_turns, &turns);

    WEFT_TRY(weft_file_save(path, log_text, strlen(log_text), 0600));
    int bytes = collect(path, users, sizeof users);
    WEFT_TRY(bytes);
    WEFT_TRY(sort_lines(users, (size_t)bytes));
    WEFT_TRY(weft_unlink(path));

    int rc = weft_wait_for(wait_for_ever, NULL, 50 * WEFT_MS);
    printf("sleep: %s\n", weft_strerror(rc));
    printf("the other task went on: %s\n", turns > 0 ? "yes" : "no");
    weft_cancel(counter, "the day is over");
    rc = weft_await(counter);
    return rc == -ECANCELED ? 0 : rc;
}

int main(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/weft-example-%d.log", (int)getpid());
    return weft_main(day, path);
}
