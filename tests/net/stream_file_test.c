/* SPDX-License-Identifier: MIT */

/* Files that a stream sends: whole and in order, back pressure, cancel, a file that shrinks. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/net.h>
#include <weft/sys/stream.h>

#include "base/sys.h"
#include "core/scenario_helpers.h"
#include "core/scratch.h"

#include <fcntl.h>

/* More than a socket and its peer hold. */
#define BIG ((size_t)1 << 20)

static char byte_at(size_t i)
{
    return (char)('a' + i * 7 % 26 + i / 65536 % 3);
}

static char text[BIG];

static int make_file(const char *name, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = byte_at(i);
    int fd = weft_open(scratch(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK_OK(fd);
    CHECK_EQ(weft_write_all(fd, text, bytes), (ssize_t)bytes);
    return fd;
}

struct job {
    weft_stream *ends[2];
    int file;
    uint64_t offset, bytes;
    size_t progress;
    bool is_over;
};

static int send_it(void *arg)
{
    struct job *job = arg;
    int rc = weft_stream_send_file(job->ends[0], job->file, job->offset, job->bytes);
    job->progress = weft_progress();
    job->is_over = true;
    return rc;
}

/* So many bytes of the file from `from` on. */
static void check_bytes(weft_stream *stream, size_t from, size_t count)
{
    static char buf[65536];
    for (size_t done = 0; done < count;) {
        size_t want = count - done < sizeof buf ? count - done : sizeof buf;
        ssize_t got = weft_stream_read(stream, buf, want);
        CHECK_GT(got, 0);
        CHECK_EQ(memcmp(buf, text + from + done, (size_t)got), 0);
        done += (size_t)got;
    }
}

static void check_text(weft_stream *stream, const char *want)
{
    char buf[16];
    ssize_t count = (ssize_t)strlen(want);
    CHECK_EQ(weft_stream_read_exact(stream, buf, (size_t)count), count);
    CHECK_BYTES(buf, count, want, count);
}

static struct job job_open(size_t bytes)
{
    struct job job = {.bytes = bytes};
    scratch_make();
    job.file = make_file("f", bytes);
    CHECK_OK(weft_stream_pair(job.ends));
    return job;
}

static void job_close(struct job *job)
{
    (void)weft_stream_close(job->ends[0]);
    (void)weft_stream_close(job->ends[1]);
    CHECK_OK(weft_close(job->file));
    scratch_clean(0);
}

/* ---- what arrives ---- */

TASK_TEST(a_file_goes_behind_what_was_written_and_before_what_follows)
{
    struct job job = job_open(100000);
    CHECK_OK(weft_stream_write(job.ends[0], "head", 4));
    CHECK_OK(weft_stream_send_file(job.ends[0], job.file, 10, 5000));
    CHECK_EQ(weft_progress(), 5000u);
    CHECK_OK(weft_stream_write(job.ends[0], "tail", 4));
    check_text(job.ends[1], "head");
    check_bytes(job.ends[1], 10, 5000);
    check_text(job.ends[1], "tail");
    CHECK_OK(weft_stream_send_file(job.ends[0], job.file, 0, 0));
    job_close(&job);
}

TASK_TEST(a_large_file_waits_for_its_reader)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    CHECK(!job.is_over);
    check_bytes(job.ends[1], 0, BIG);
    CHECK_OK(weft_await(sending));
    CHECK_EQ(job.progress, BIG);
    job_close(&job);
}

/* Whoever puts while a file goes out finds its bytes behind it. */
TASK_TEST(what_is_put_meanwhile_goes_behind_the_file)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    CHECK_GT(weft_stream_get_unsent(job.ends[0]), 0u);
    if (strcmp(test_backend(), "sim") != 0) { /* there it is written piece by piece */
        CHECK_OK(weft_stream_put(job.ends[0], "tail", 4));
        CHECK_EQ(weft_stream_send_file(job.ends[0], job.file, 0, 1), -EBUSY);
        check_bytes(job.ends[1], 0, BIG);
        check_text(job.ends[1], "tail");
    } else {
        check_bytes(job.ends[1], 0, BIG);
    }
    CHECK_OK(weft_await(sending));
    job_close(&job);
}

/* ---- what goes wrong ---- */

TASK_TEST(a_file_that_is_shorter_is_an_error)
{
    struct job job = job_open(70000);
    CHECK_EQ(weft_stream_send_file(job.ends[0], job.file, 0, 70001), -WEFT_ETRUNCATED);
    CHECK_EQ(weft_progress(), 70000u);
    CHECK_EQ(weft_stream_send_file(job.ends[0], job.file, 70000, 1), -WEFT_ETRUNCATED);
    CHECK_EQ(weft_stream_send_file(job.ends[0], -1, 0, 1), -EBADF);
    CHECK_EQ(weft_stream_send_file(job.ends[0], job.file, 1, INT64_MAX), -EINVAL);
    check_bytes(job.ends[1], 0, 70000);
    job_close(&job);
}

static int read_all(void *arg)
{
    static char buf[65536];
    ssize_t got = 1;
    while (got > 0)
        got = weft_stream_read(arg, buf, sizeof buf);
    return (int)got;
}

TASK_TEST(a_file_that_shrinks_under_way_is_an_error)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    CHECK_OK(weft_truncate(job.file, 1000));
    weft_task reading = weft_spawn(read_all, job.ends[1]);
    CHECK_EQ(weft_await(sending), -WEFT_ETRUNCATED);
    CHECK_LT(job.progress, BIG);
    weft_cancel(reading, "test");
    CHECK_EQ(weft_await(reading), -ECANCELED);
    job_close(&job);
}

TASK_TEST(test_C04_cancelled_while_a_file_is_sent_the_count_is_known)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    weft_cancel(sending, "test");
    CHECK_EQ(weft_await(sending), -ECANCELED);
    CHECK_LT(job.progress, BIG);
    size_t done = job.progress;
    job.offset = done;
    job.bytes = BIG - done;
    sending = weft_spawn(send_it, &job); /* the rest follows without a gap */
    check_bytes(job.ends[1], 0, BIG);
    CHECK_OK(weft_await(sending));
    job_close(&job);
}

/* A peer says why it wants no file, and goes, before either is noticed. */
TASK_TEST(what_the_peer_has_said_is_read_though_a_file_cannot_be_sent)
{
    static const weft_stream_kind kind;
    struct job job = job_open(1000);
    char buf[8];
    int fds[2];
    weft_stream *stream;
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    CHECK_OK(weft_stream_open(&stream, fds[0], &kind));
    for (ssize_t sent = 0, rc; sent < 3; sent += rc)
        CHECK_GT(rc = wf_sys_send(fds[1], &"why"[sent], (size_t)(3 - sent), 0), 0);
    wf_sys_close(fds[1]);
    for (int i = 0; i < 2; i++) {
        int rc = weft_stream_send_file(stream, job.file, 0, 1000);
        CHECK(rc == -EPIPE || (rc == 0 && test_is_simulated())); /* there it is written */
    }
    CHECK_EQ(weft_stream_read_exact(stream, buf, 3), 3);
    CHECK_BYTES(buf, 3, "why", 3);
    CHECK_LE(weft_stream_read(stream, buf, 1), 0);
    weft_stream_abort(stream);
    job_close(&job);
}

TASK_TEST(who_sends_a_file_learns_that_the_stream_is_gone)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    weft_stream_abort(job.ends[0]);
    job.ends[0] = NULL;
    CHECK_EQ(weft_await(sending), -EBADF);
    job_close(&job);
}

TASK_TEST(who_sends_a_file_learns_that_the_peer_is_gone)
{
    struct job job = job_open(BIG);
    weft_task sending = weft_spawn(send_it, &job);
    CHECK_OK(weft_sleep(50 * WEFT_MS));
    weft_stream_abort(job.ends[1]);
    job.ends[1] = NULL;
    int rc = weft_await(sending);
    CHECK(rc == -EPIPE || rc == -ECONNRESET);
    rc = weft_stream_write(job.ends[0], "x", 1);
    CHECK(rc == -EPIPE || rc == -ECONNRESET);
    job_close(&job);
}

/* ---- anything failing ---- */

static int hear_it(void *arg)
{
    struct job *job = arg;
    char buf[4096];
    for (uint64_t done = 0; done < job->bytes;) {
        ssize_t got = weft_stream_read(job->ends[1], buf, sizeof buf);
        if (got <= 0)
            return got < 0 ? (int)got : -WEFT_ETRUNCATED;
        CHECK_EQ(memcmp(buf, text, (size_t)got), 0);
        done += (uint64_t)got;
    }
    return 0;
}

SCENARIO_WITH(a_file_is_sent_with_anything_failing, scratch_clean)
{
    struct job job = {.bytes = 20000};
    memset(text, 'x', 20000);
    scratch_make();
    job.file = weft_open(scratch("x"), O_RDWR | O_CREAT, 0600);
    if (job.file < 0)
        return job.file;
    ssize_t written = weft_write_all(job.file, text, 20000);
    int rc = written < 0 ? (int)written : weft_stream_pair(job.ends);
    if (rc == 0) {
        rc = both(send_it, hear_it, &job);
        rc = first_error(rc, weft_stream_close(job.ends[0]));
        rc = first_error(rc, weft_stream_close(job.ends[1]));
    }
    (void)weft_close(job.file);
    return rc;
}
