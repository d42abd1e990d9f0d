/* SPDX-License-Identifier: MIT */

/* Scenarios of what comes from outside: sockets, files, readers, programs, threads, signals.  Small
 * programs, each with one thing going wrong at a time (rules Y01, Y02, Y03). */

#include "scenario_helpers.h"
#include "scratch.h"

#include "base/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

/* ---- pairs of sockets ---- */

struct wire {
    int ends[2];
    size_t received;
};

/* With a pair of ends, which are closed behind it. */
static int with_wire(int (*use)(struct wire *wire))
{
    struct wire wire = {.ends = {-1, -1}};
    WEFT_TRY(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, wire.ends));
    int rc = use(&wire);
    rc = first_error(rc, weft_close(wire.ends[0]));
    return first_error(rc, weft_close(wire.ends[1]));
}

static int wire_write(void *arg)
{
    struct wire *wire = arg;
    return (int)weft_write_all(wire->ends[1], "twelve bytes", 12);
}

static int wire_read(void *arg)
{
    struct wire *wire = arg;
    char buf[5];
    while (wire->received < 12) {
        ssize_t count = weft_read(wire->ends[0], buf, sizeof buf);
        if (count < 0)
            return (int)count;
        if (count == 0)
            return -EPIPE;
        wire->received += (size_t)count;
    }
    return 0;
}

static int wire_one_way(struct wire *wire)
{
    return both(wire_write, wire_read, wire);
}

SCENARIO(bytes_go_through_a_pair_of_sockets)
{
    return with_wire(wire_one_way);
}

static int wire_write_a_lot(void *arg)
{
    static const char much[96 * 1024];
    return (int)weft_write_all(((struct wire *)arg)->ends[1], much, sizeof much);
}

static int wire_read_a_lot(void *arg)
{
    struct wire *wire = arg;
    char *buf = malloc(32 * 1024);
    ssize_t count = 0;
    while (buf != NULL && wire->received < 96 * 1024) {
        count = weft_read(wire->ends[0], buf, 32 * 1024);
        if (count <= 0)
            break;
        wire->received += (size_t)count;
    }
    free(buf);
    return count < 0 ? (int)count : 0;
}

static int wire_full(struct wire *wire)
{
    return both(wire_write_a_lot, wire_read_a_lot, wire);
}

SCENARIO(a_writer_waits_for_a_reader)
{
    return with_wire(wire_full);
}

static int wire_read_one(void *arg)
{
    char byte;
    return (int)weft_read(((struct wire *)arg)->ends[0], &byte, 1);
}

static int wire_silent(struct wire *wire)
{
    int rc = weft_wait_for(wire_read_one, wire, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_read_ends_at_a_deadline)
{
    return with_wire(wire_silent);
}

static int wire_until_ready(void *arg)
{
    struct wire *wire = arg;
    int rc = weft_wait_fd(wire->ends[0], POLLIN);
    return rc < 0 ? rc : wire_read_one(wire);
}

static int wire_write_one(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS));
    return (int)weft_write(((struct wire *)arg)->ends[1], "x", 1);
}

static int wire_ready(struct wire *wire)
{
    return both(wire_until_ready, wire_write_one, wire);
}

SCENARIO(a_descriptor_becomes_ready)
{
    return with_wire(wire_ready);
}

static int wire_select(struct wire *wire)
{
    weft_event never = {0};
    int events;
    weft_task writer = weft_spawn(wire_write_one, wire);
    int rc =
        weft_done(writer, NULL) == 1
            ? -ENOMEM
            : weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_READY(wire->ends[0], POLLIN, &events),
                          WEFT_CASE_DEADLINE(weft_after(WEFT_SEC)));
    (void)weft_cancel(writer, "enough");
    int ended = weft_gather_n(&writer, 1);
    return first_error(rc, ended);
}

SCENARIO(select_waits_for_a_descriptor)
{
    return with_wire(wire_select);
}

static int wire_close_soon(void *arg)
{
    struct wire *wire = arg;
    int rc = weft_sleep(WEFT_MS);
    return first_error(rc, weft_close(wire->ends[0]));
}

static int wire_read_closed(void *arg)
{
    int rc = wire_read_one(arg);
    return rc == -EBADF ? 0 : rc;
}

SCENARIO(a_descriptor_is_closed_under_its_reader)
{
    struct wire wire;
    WEFT_TRY(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, wire.ends));
    weft_task closer = weft_spawn(wire_close_soon, &wire);
    if (weft_done(closer, NULL) == 1) { /* could not be made */
        (void)weft_close(wire.ends[0]);
        return first_error(-ENOMEM, weft_close(wire.ends[1]));
    }
    int rc = weft_gather(closer, weft_spawn(wire_read_closed, &wire));
    return first_error(rc, weft_close(wire.ends[1]));
}

/* ---- files ---- */

static int write_whole(int fd, const char *text, size_t count)
{
    for (size_t at = 0; at < count;) {
        ssize_t rc = weft_pwrite(fd, text + at, count - at, (int64_t)at);
        if (rc < 0)
            return (int)rc;
        at += (size_t)rc;
    }
    return 0;
}

static int write_a_file(const char *name, const char *text)
{
    int fd = weft_open(scratch(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    WEFT_TRY(fd);
    int rc = write_whole(fd, text, strlen(text));
    return first_error(rc, weft_close(fd));
}

SCENARIO_WITH(a_file_is_written_and_synced, scratch_clean)
{
    scratch_make();
    int fd = weft_open(scratch("a"), O_WRONLY | O_CREAT, 0600);
    WEFT_TRY(fd);
    int rc = write_whole(fd, "text", 4);
    if (rc == 0)
        rc = weft_fsync(fd);
    return first_error(rc, weft_close(fd));
}

SCENARIO_WITH(a_file_is_read_in_pieces, scratch_clean)
{
    char buf[3];
    scratch_make();
    WEFT_TRY(write_a_file("a", "seven b"));
    int fd = weft_open(scratch("a"), O_RDONLY, 0);
    WEFT_TRY(fd);
    ssize_t rc;
    int64_t at = 0;
    while ((rc = weft_pread(fd, buf, sizeof buf, at)) > 0)
        at += rc;
    CHECK(rc < 0 || at == 7);
    return first_error((int)rc, weft_close(fd));
}

SCENARIO_WITH(a_file_is_cut_off, scratch_clean)
{
    struct stat info;
    scratch_make();
    WEFT_TRY(write_a_file("a", "text"));
    int fd = weft_open(scratch("a"), O_RDWR, 0);
    WEFT_TRY(fd);
    int rc = weft_truncate(fd, 1);
    if (rc == 0)
        rc = weft_fstat(fd, &info);
    CHECK(rc < 0 || info.st_size == 1);
    return first_error(rc, weft_close(fd));
}

SCENARIO_WITH(a_file_is_renamed_over_another, scratch_clean)
{
    struct stat info;
    scratch_make();
    WEFT_TRY(write_a_file("a", "new"));
    WEFT_TRY(write_a_file("b", "older"));
    WEFT_TRY(weft_rename(scratch("a"), scratch("b")));
    WEFT_TRY(weft_lstat(scratch("b"), &info));
    CHECK_EQ(info.st_size, 3);
    return weft_unlink(scratch("b"));
}

SCENARIO_WITH(what_is_not_there_is_said_to_be_missing, scratch_clean)
{
    struct stat info;
    scratch_make();
    int rc = weft_stat(scratch("none"), &info);
    CHECK(rc < 0);
    return rc == -ENOENT ? 0 : rc;
}

static int save_one(void *arg)
{
    const char *name = arg;
    return weft_file_save(scratch(name), name, 1, 0600);
}

SCENARIO_WITH(two_files_are_saved_at_once, scratch_clean)
{
    static char a[] = "a", b[] = "b";
    scratch_make();
    return weft_gather(weft_spawn(save_one, a), weft_spawn(save_one, b));
}

SCENARIO_WITH(a_file_that_is_too_large_is_not_loaded, scratch_clean)
{
    weft_bytes bytes = {0};
    scratch_make();
    WEFT_TRY(write_a_file("a", "four"));
    int rc = weft_file_load(scratch("a"), 3, &bytes);
    CHECK(rc < 0);
    return rc == -WEFT_ELIMIT ? 0 : rc;
}

SCENARIO_WITH(a_directory_is_listed_in_part, scratch_clean)
{
    weft_dir *dir;
    weft_dir_entry entry;
    scratch_make();
    WEFT_TRY(weft_mkdir(scratch("d"), 0700));
    WEFT_TRY(write_a_file("d/a", "x"));
    WEFT_TRY(weft_dir_open(&dir, scratch("d")));
    int rc = weft_dir_next(dir, &entry);
    weft_dir_close(dir);
    return rc;
}

/* ---- readers ---- */

static ssize_t read_from_text(void *buf, size_t bytes, void *arg)
{
    const char **text = arg;
    WEFT_TRY(weft_yield());
    size_t count = strlen(*text) < 3 ? strlen(*text) : 3;
    if (count > bytes)
        count = bytes;
    memcpy(buf, *text, count);
    *text += count;
    return (ssize_t)count;
}

SCENARIO(lines_are_read_from_a_function)
{
    const char *text = "one\ntwo\r\nthree";
    weft_reader *reader;
    weft_str line;
    WEFT_TRY(weft_reader_new(&reader, NULL, read_from_text, &text));
    int rc;
    while ((rc = weft_reader_read_line(reader, &line)) == 1)
        ;
    CHECK(rc < 0 || weft_reader_get_line(reader) == 3);
    weft_reader_close(reader);
    return rc;
}

SCENARIO(blocks_are_read_from_a_function)
{
    const char *text = "0123456789";
    weft_reader *reader;
    weft_str block;
    size_t bytes = 0;
    WEFT_TRY(weft_reader_new(&reader, NULL, read_from_text, &text));
    int rc;
    while ((rc = weft_reader_read_block(reader, 4, &block)) == 1)
        bytes += block.len;
    CHECK(rc < 0 || bytes == 10);
    weft_reader_close(reader);
    return rc;
}

SCENARIO(a_line_that_is_too_long_is_passed_over)
{
    const char *text = "much too long\nok\n";
    weft_reader_options options = {.bytes_max = 4};
    weft_reader *reader;
    weft_str line;
    WEFT_TRY(weft_reader_new(&reader, &options, read_from_text, &text));
    int rc = weft_reader_read_line(reader, &line);
    if (rc == -WEFT_ELIMIT)
        rc = weft_reader_read_line(reader, &line);
    CHECK(rc < 0 || line.len == 2);
    weft_reader_close(reader);
    return rc;
}

static int wire_read_lines(void *arg)
{
    struct wire *wire = arg;
    weft_reader *reader;
    weft_str block;
    WEFT_TRY(weft_reader_new_fd(&reader, wire->ends[0], NULL));
    int rc = weft_reader_read_block(reader, 12, &block);
    weft_reader_close(reader);
    return rc;
}

static int wire_of_lines(struct wire *wire)
{
    return both(wire_write, wire_read_lines, wire);
}

SCENARIO(a_block_is_read_from_a_descriptor)
{
    return with_wire(wire_of_lines);
}

/* ---- programs ---- */

static const char *const say_hello[] = {"/bin/sh", "-c", "echo hello", NULL};
static const char *const sleep_long[] = {"/bin/sh", "-c", "sleep 1000", NULL};

KERNEL_SCENARIO(a_program_is_waited_for)
{
    weft_process *process;
    weft_process_options options = {.argv = say_hello, .out = WEFT_STDIO_NULL};
    WEFT_TRY(weft_process_open(&process, &options));
    int rc = weft_process_wait(process);
    weft_process_close(process);
    return rc;
}

KERNEL_SCENARIO(a_program_is_stopped)
{
    weft_process *process;
    weft_process_options options = {.argv = sleep_long, .out = WEFT_STDIO_NULL};
    WEFT_TRY(weft_process_open(&process, &options));
    weft_process_close(process);
    return 0;
}

KERNEL_SCENARIO(what_a_program_says_is_read)
{
    weft_process *process;
    weft_process_options options = {.argv = say_hello, .out = WEFT_STDIO_PIPE};
    char buf[8];
    WEFT_TRY(weft_process_open(&process, &options));
    int rc = (int)weft_read(weft_process_get_fd(process, 1), buf, sizeof buf);
    CHECK(rc < 0 || rc == 6);
    weft_process_close_fd(process, 1);
    rc = first_error(rc, weft_process_wait(process));
    weft_process_close(process);
    return rc;
}

static const char *const copy_input[] = {"/bin/cat", NULL};

KERNEL_SCENARIO(a_program_is_talked_to)
{
    weft_process *process;
    weft_process_output output;
    weft_process_options options = {
        .argv = copy_input, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
    WEFT_TRY(weft_process_open(&process, &options));
    int rc = weft_process_communicate(process, (weft_str){"hello", 5}, 100, &output);
    if (rc == 0) {
        CHECK_EQ(output.out.len, 5);
        weft_process_output_free(&output);
    }
    weft_process_close(process);
    return rc;
}

/* ---- threads ---- */

static int think(void *arg)
{
    *(int *)arg += 1;
    return 0;
}

static int think_on_a_thread(void *arg)
{
    return weft_run_blocking(think, arg);
}

SCENARIO(two_bodies_block)
{
    static int counts[2];
    memset(counts, 0, sizeof counts);
    int rc = weft_gather(weft_spawn(think_on_a_thread, &counts[0]),
                         weft_spawn(think_on_a_thread, &counts[1]));
    CHECK(rc < 0 || counts[0] + counts[1] == 2);
    return rc;
}

SCENARIO(a_body_computes)
{
    static int count;
    count = 0;
    return weft_run_cpu(think, &count);
}

SCENARIO(a_body_that_need_not_wait_for_room)
{
    static int count;
    count = 0;
    return weft_run_blocking_try(think, &count);
}

static int think_a_piece(void *arg, size_t index)
{
    ((int *)arg)[index] = 1;
    return 0;
}

SCENARIO(many_pieces_are_computed)
{
    static int pieces[20];
    memset(pieces, 0, sizeof pieces);
    int rc = weft_run_blocking_n(think_a_piece, pieces, 20);
    for (int i = 0; rc == 0 && i < 20; i++)
        CHECK_EQ(pieces[i], 1);
    return rc;
}

static weft_exec *one_thread;

static int think_in_line(void *arg)
{
    return weft_exec_run(one_thread, think, arg);
}

SCENARIO(three_bodies_on_one_thread)
{
    static int counts[3];
    weft_exec_options options = {.thread_max = 1, .queue_max = 1};
    memset(counts, 0, sizeof counts);
    WEFT_TRY(weft_exec_new(&one_thread, &options));
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(think_in_line, &counts[i]);
    int rc = weft_gather_n(tasks, 3);
    weft_exec_free(one_thread);
    return rc;
}

/* ---- signals and watches ---- */

static int await_signal(void *arg)
{
    return weft_signal_wait(*(int *)arg);
}

SCENARIO(a_signal_that_never_comes_ends_at_a_deadline)
{
    static int number = SIGUSR2;
    int rc = weft_wait_for(await_signal, &number, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO_WITH(a_file_that_comes_is_noticed, scratch_clean)
{
    weft_watch *watch;
    weft_watch_event event;
    scratch_make();
    if (scratch_is_simulated())
        return 0;
    WEFT_TRY(weft_watch_open(&watch));
    int rc = weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME | WEFT_WATCH_WRITTEN);
    if (rc >= 0)
        rc = write_a_file("a", "x");
    if (rc >= 0)
        rc = weft_watch_next(watch, &event);
    weft_watch_close(watch);
    return rc;
}
