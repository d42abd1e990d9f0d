/* SPDX-License-Identifier: MIT */

/*
 * Finding a bug by simulation.  A queue server says "ok" to a job: from then on the job must not be
 * lost, whatever fails.  The test lets hosts be cut from each other, connections break, the disk
 * fail and finally the power, each time another way, and looks whether what was promised is there.
 *
 *     13_simulation                    both versions of the server, 10,000 seeds each
 *     13_simulation --replay SEED      one run of the wrong one, step by step
 */
#include <weft.h>
#include <weft/net.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { JOBS = 5 };

static bool promises_early; /* the bug: "ok" before the disk has it */

struct queue {
    weft_listener *listener;
    int fd;                     /* of the log: a byte a job */
    int length;                 /* of the log */
    bool is_logged[JOBS + 1];   /* a job may come again: its "ok" was lost */
    bool is_promised[JOBS + 1]; /* what the client was told */
};

static int log_job(struct queue *queue, unsigned char job)
{
    if (queue->is_logged[job])
        return 0;
    WEFT_TRY(weft_pwrite(queue->fd, &job, 1, queue->length));
    WEFT_TRY(weft_fsync(queue->fd));
    queue->length++;
    queue->is_logged[job] = true;
    return 0;
}

static int take_job(struct queue *queue, weft_stream *stream)
{
    unsigned char job;
    ssize_t count = weft_stream_read(stream, &job, 1);
    if (count != 1)
        return count < 0 ? (int)count : -EPIPE;
    if (!promises_early)
        WEFT_TRY(log_job(queue, job));
    WEFT_TRY(weft_stream_write(stream, "k", 1));
    WEFT_TRY(weft_stream_flush(stream));
    return log_job(queue, job);
}

static int serve(void *arg)
{
    struct queue *queue = arg;
    for (;;) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(queue->listener, &stream));
        while (take_job(queue, stream) == 0)
            continue;
        weft_stream_abort(stream);
        WEFT_TRY(weft_check());
    }
}

static int submit(unsigned char job)
{
    weft_addr addr;
    weft_stream *stream;
    char answer;
    WEFT_TRY(weft_addr_parse(&addr, "10.0.0.1:7000"));
    WEFT_TRY(weft_stream_connect(&stream, &addr));
    int rc = weft_stream_write(stream, &job, 1);
    if (rc == 0)
        rc = (int)weft_stream_read(stream, &answer, 1);
    weft_stream_abort(stream);
    return rc == 1 ? 0 : rc < 0 ? rc : -EPIPE;
}

static int client(void *arg)
{
    struct queue *queue = arg;
    WEFT_TRY(weft_sim_host("10.0.0.2"));
    for (unsigned char job = 1; job <= JOBS;) {
        int rc = submit(job);
        if (rc == -ECANCELED)
            return rc;
        if (rc == 0)
            queue->is_promised[job++] = true;
        WEFT_TRY(weft_sleep(WEFT_MS));
    }
    return 0;
}

static int check(const struct queue *queue)
{
    weft_bytes log;
    int count[256] = {0};
    WEFT_TRY(weft_file_load("/tmp/queue", 1000, &log));
    for (size_t i = 0; i < log.len; i++)
        count[(unsigned char)log.ptr[i]]++;
    weft_bytes_free(&log);
    for (int job = 1; job <= JOBS; job++)
        if (queue->is_promised[job] && count[job] != 1)
            return weft_fail(-EIO, "job %d was promised and is there %d times", job, count[job]);
    return 0;
}

static int test(void *arg)
{
    struct queue queue = {0};
    weft_addr addr;
    weft_sim_stats world;
    int ends[2];
    (void)arg;
    WEFT_TRY(weft_sim_host("10.0.0.1"));
    WEFT_TRY(weft_addr_parse(&addr, "0.0.0.0:7000"));
    WEFT_TRY(weft_listener_open(&queue.listener, &addr, NULL));
    WEFT_TRY(weft_file_save("/tmp/queue", "", 0, 0600)); /* its name is on the disk */
    WEFT_TRY(queue.fd = weft_open("/tmp/queue", O_WRONLY, 0));

    weft_task tasks[] = {weft_spawn(serve, &queue), weft_spawn(client, &queue)};
    weft_sim_stats_get(&world);
    WEFT_TRY(weft_sleep((weft_time)(world.seed % 25) * WEFT_MS)); /* and then the power fails */
    weft_cancel(tasks[0], "no power");
    weft_cancel(tasks[1], "no power");
    WEFT_TRY(weft_settle_n(tasks, 2, ends));
    weft_listener_close(queue.listener);
    WEFT_TRY(weft_close(queue.fd));
    WEFT_TRY(weft_sim_power_failure());
    return check(&queue);
}

int main(int argc, char **argv)
{
    weft_sim_options plan = {.delay_max = 2 * WEFT_MS};
    weft_sim_failure failure;
    if (weft_sim_plan(&plan, "reset 1%, cut 10.0.0.1 within 20ms for 5ms") < 0)
        return 2;
    promises_early = true;
    if (argc > 1)
        return weft_sim_main(argc, argv, &plan, test, NULL);
    if (weft_sim_sweep(&plan, 10000, test, NULL, &failure) == 1)
        printf("ok before the disk has it: seed %d: %s; plan: %s\n", (int)failure.seed,
               failure.text, failure.plan);

    promises_early = false;
    if (weft_sim_sweep(&plan, 10000, test, NULL, &failure) == 0)
        printf("ok when the disk has it: 10000 seeds, and no job was lost\n");
    else
        printf("ok when the disk has it: seed %d fails\n", (int)failure.seed);
    return 0;
}
