/* SPDX-License-Identifier: MIT */

/* Lines and blocks: the same however the bytes were cut. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include "base/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A source that gives `text` in pieces of `piece` bytes, and fails once at `fails_at`. */
struct source {
    const char *text;
    size_t bytes, at, piece, fails_at;
};

static ssize_t source_read(void *buf, size_t bytes, void *arg)
{
    struct source *self = arg;
    size_t left = self->bytes - self->at;
    size_t count = left < self->piece ? left : self->piece;
    if (count > bytes)
        count = bytes;
    if (self->fails_at != 0 && self->at >= self->fails_at) {
        self->fails_at = 0;
        return -EIO;
    }
    memcpy(buf, self->text + self->at, count);
    self->at += count;
    return (ssize_t)count;
}

/* All lines as "[one][two]"; "!" for one that is too long, "?" for a failure of the source. */
static void read_all(struct source source, size_t bytes_max, char *out)
{
    weft_reader *reader;
    weft_str line;
    weft_reader_options options = {.bytes_max = bytes_max};
    uint64_t lines = 0;
    CHECK_OK(weft_reader_new(&reader, &options, source_read, &source));
    for (;;) {
        int rc = weft_reader_read_line(reader, &line);
        if (rc == 0)
            break;
        lines += rc != -EIO;
        CHECK_EQ(weft_reader_get_line(reader), lines);
        if (rc == 1) {
            *out++ = '[';
            memcpy(out, line.ptr, line.len);
            out += line.len;
            *out++ = ']';
        } else {
            CHECK(rc == -WEFT_ELIMIT || rc == -EIO);
            *out++ = rc == -EIO ? '?' : '!';
        }
    }
    CHECK_EQ(weft_reader_read_line(reader, &line), 0);
    *out = '\0';
    weft_reader_close(reader);
}

TASK_TEST(reader_lines_are_the_same_however_they_are_cut)
{
    static const struct {
        const char *text, *lines;
        size_t bytes_max;
    } rows[] = {
        {"", "", 4},
        {"\n", "[]", 4},
        {"one\ntwo\n", "[one][two]", 4},
        {"one\r\ntwo", "[one][two]", 4},
        {"\r\n\r\r\n\n", "[][\r][]", 4},
        {"abcd\nabcd\r\nabcde\nx", "[abcd][abcd]![x]", 4},
        {"abcd\r", "!", 4}, /* no line end follows, so the "\r" counts */
        {"abcdefghijkl\nab\nabcdefghijkl", "![ab]!", 4},
        {"abcdefghijkl\r\n\r\nab", "![][ab]", 4},
        {"a", "[a]", 1},
    };
    char got[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes = strlen(rows[i].text);
        for (size_t piece = 1; piece <= bytes + 1; piece++) {
            for (size_t fails_at = 0; fails_at <= bytes; fails_at++) {
                struct source source = {rows[i].text, bytes, 0, piece, fails_at};
                note("row %zu, piece %zu, fails at %zu", i, piece, fails_at);
                read_all(source, rows[i].bytes_max, got);
                char *failure = strchr(got, '?'); /* the call made again goes on where it was */
                if (failure != NULL)
                    memmove(failure, failure + 1, strlen(failure));
                CHECK_STR(got, rows[i].lines);
            }
        }
    }
}

TASK_TEST(reader_lines_may_be_long_and_hold_nul)
{
    static char text[200000];
    memset(text, 'x', sizeof text);
    text[100] = '\0';
    text[99999] = '\n';
    struct source source = {text, sizeof text, 0, 7777, 0};
    weft_reader *reader;
    weft_str line;
    weft_reader_options options = {.bytes_max = 100000};
    CHECK_OK(weft_reader_new(&reader, &options, source_read, &source));
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, text, 99999);
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_EQ(line.len, 100000);
    weft_reader_close(reader);
    weft_reader_close(NULL);
}

TASK_TEST(reader_blocks_and_lines_take_turns)
{
    static const char text[] = "12345header\nabcdefg";
    struct source source = {text, strlen(text), 0, 3, 0};
    weft_reader *reader;
    weft_str got;
    weft_reader_options options = {.bytes_max = 8};
    CHECK_OK(weft_reader_new(&reader, &options, source_read, &source));
    CHECK_EQ(weft_reader_read_block(reader, 0, &got), -EINVAL);
    CHECK_EQ(weft_reader_read_block(reader, 9, &got), -EINVAL);
    CHECK_EQ(weft_reader_read_block(reader, 5, &got), 1);
    CHECK_BYTES(got.ptr, got.len, "12345", 5);
    CHECK_EQ(weft_reader_read_line(reader, &got), 1);
    CHECK_BYTES(got.ptr, got.len, "header", 6);
    CHECK_EQ(weft_reader_read_block(reader, 4, &got), 1);
    CHECK_BYTES(got.ptr, got.len, "abcd", 4);
    CHECK_EQ(weft_reader_read_block(reader, 4, &got), 1);
    CHECK_BYTES(got.ptr, got.len, "efg", 3);
    CHECK_EQ(weft_reader_read_block(reader, 4, &got), 0);
    weft_reader_close(reader);
}

TASK_TEST(reader_reads_files)
{
    weft_reader *reader;
    weft_str line;
    scratch_make();
    CHECK_OK(weft_file_save(scratch("a"), "one\ntwo", 7, 0600));
    CHECK_OK(weft_reader_open(&reader, scratch("a"), NULL));
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "two", 3);
    CHECK_EQ(weft_reader_read_line(reader, &line), 0);
    weft_reader_close(reader);
    CHECK_EQ(weft_reader_open(&reader, "/nofile", NULL), -ENOENT);
    CHECK_STR(weft_error_text(), "/nofile: No such file or directory");
    scratch_clean(0);
}

static int read_a_line(void *arg)
{
    weft_str line;
    return weft_reader_read_line(arg, &line);
}

TASK_TEST(test_C04_a_cancelled_line_is_read_whole_by_the_next_call)
{
    int pipe[2];
    weft_reader *reader;
    weft_str line;
    CHECK_OK(wf_sys_pipe(pipe));
    CHECK_OK(weft_reader_new_fd(&reader, pipe[0], NULL));
    CHECK_EQ(weft_write_all(pipe[1], "hel", 3), 3);
    weft_task task = weft_spawn(read_a_line, reader);
    CHECK_OK(weft_sleep(5 * WEFT_MS));
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_write_all(pipe[1], "lo\n", 3), 3);
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "hello", 5);
    weft_reader_close(reader);
    CHECK_OK(weft_close(pipe[0]));
    CHECK_OK(weft_close(pipe[1]));
}

/* A limit that says "none". */
TASK_TEST(reader_of_lines_without_a_limit)
{
    struct source source = {"ab\ncd", 5, 0, 1, 0};
    weft_reader *reader;
    weft_reader_options options = {.bytes_max = SIZE_MAX};
    weft_str line;
    CHECK_OK(weft_reader_new(&reader, &options, source_read, &source));
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "ab", 2);
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "cd", 2);
    CHECK_EQ(weft_reader_read_line(reader, &line), 0);
    weft_reader_close(reader);
}

TEST(test_L04_reading_lines_needs_a_task)
{
    struct source source = {"x", 1, 0, 1, 0};
    weft_reader *reader;
    CHECK_OK(weft_reader_new(&reader, NULL, source_read, &source));
    weft_str line;
    CHECK_EQ(weft_reader_read_line(reader, &line), -EPERM);
    CHECK_EQ(weft_reader_read_block(reader, 1, &line), -EPERM);
    weft_reader_close(reader);
}

SCENARIO_WITH(reader_counts_the_lines_of_a_file, scratch_clean)
{
    weft_reader *reader;
    weft_str line;
    scratch_make();
    WEFT_TRY(weft_file_save(scratch("a"), "1\n22\n333\n", 9, 0600));
    WEFT_TRY(weft_reader_open(&reader, scratch("a"), NULL));
    size_t bytes = 0;
    int rc;
    while ((rc = weft_reader_read_line(reader, &line)) == 1)
        bytes += line.len;
    weft_reader_close(reader);
    CHECK(rc < 0 || bytes == 6);
    return rc;
}

/* ---- a terminal ---- */

struct terminal {
    int keys, screen; /* who types; the program's end, which blocks as standard input does */
    weft_reader *reader;
};

static void terminal_open(struct terminal *terminal)
{
    terminal->keys = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK_OK(terminal->keys);
    CHECK_OK(grantpt(terminal->keys));
    CHECK_OK(unlockpt(terminal->keys));
    terminal->screen = open(ptsname(terminal->keys), O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK_OK(terminal->screen);
    CHECK_OK(weft_reader_new_fd(&terminal->reader, terminal->screen, NULL));
}

static int type_late(void *arg)
{
    const struct terminal *terminal = arg;
    WEFT_TRY(weft_yield()); /* the reader waits now, and others run */
    CHECK_EQ(write(terminal->keys, "hel", 3), 3);
    WEFT_TRY(weft_yield());
    CHECK_EQ(write(terminal->keys, "lo\nnext\n", 8), 8);
    return 0;
}

static int read_one(void *arg)
{
    const struct terminal *terminal = arg;
    weft_str line;
    return weft_reader_read_line(terminal->reader, &line);
}

/* The descriptor blocks, the loop does not; a cancelled read takes nothing. */
KERNEL_TASK_TEST(lines_of_a_terminal_do_not_block_the_loop)
{
    struct terminal terminal;
    weft_str line;
    terminal_open(&terminal);
    weft_task typist = weft_spawn(type_late, &terminal);
    CHECK_EQ(weft_reader_read_line(terminal.reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "hello", 5);
    CHECK_EQ(weft_reader_read_line(terminal.reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "next", 4);
    CHECK_OK(weft_await(typist));
    CHECK_EQ(weft_wait_for(read_one, &terminal, WEFT_SEC), -ETIMEDOUT);
    CHECK_EQ(write(terminal.keys, "late\n", 5), 5);
    CHECK_EQ(weft_reader_read_line(terminal.reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "late", 4);
    CHECK_EQ(write(terminal.keys, "\x04", 1), 1); /* the end, as typed */
    CHECK_EQ(weft_reader_read_line(terminal.reader, &line), 0);
    weft_reader_close(terminal.reader);
    CHECK_OK(weft_close(terminal.screen));
    close(terminal.keys);
}
