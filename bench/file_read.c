/* SPDX-License-Identifier: MIT */

/*
 * What does a read of a file cost a task whose bytes are in the page cache?  N reads of 4 KiB at
 * random places of a 4 MiB file, by one task and by 16 at a time; the system's pread() beside it is
 * what a program pays that does not mind blocking.  A disk is left out: it takes what it takes.
 */

#include "bench.h"

#include <weft.h>

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 1024
#define TASKS 16

static size_t count;

struct file {
    int fd;
    uint64_t random;
    size_t reads; /* of one task */
};

static void must(int64_t rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "file_read: %s\n", weft_strerror((int)rc));
    exit(1);
}

static int64_t next_place(struct file *file)
{
    file->random = file->random * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(file->random >> 40) % BLOCKS * BLOCK;
}

static int read_often(void *arg)
{
    struct file *file = arg;
    char block[BLOCK];
    for (size_t i = 0; i < file->reads; i++)
        must(weft_pread(file->fd, block, BLOCK, next_place(file)));
    return 0;
}

static void by_one(void *arg)
{
    struct file *file = arg;
    file->reads = count;
    must(read_often(file));
}

static void by_many(void *arg)
{
    struct file *file = arg;
    weft_task tasks[TASKS];
    file->reads = count / TASKS;
    for (size_t i = 0; i < TASKS; i++)
        tasks[i] = weft_spawn(read_often, file);
    must(weft_gather_n(tasks, TASKS));
    for (size_t i = 0; i < TASKS; i++)
        weft_release(tasks[i]);
}

static void by_the_system(void *arg)
{
    struct file *file = arg;
    char block[BLOCK];
    for (size_t i = 0; i < count; i++)
        must(pread(file->fd, block, BLOCK, next_place(file)));
}

static int measure(void *arg)
{
    struct file *file = arg;
    bench_run("file_read_plain", (double)count, by_the_system, file);
    bench_run("file_read_1", (double)count, by_one, file);
    bench_run("file_read_16", (double)(count / TASKS * TASKS), by_many, file);
    return 0;
}

int main(int argc, char **argv)
{
    static char bytes[BLOCK * BLOCKS];
    char path[] = "/tmp/weft-bench-XXXXXX";
    count = bench_count(argc, argv, 20000);
    struct file file = {.fd = mkstemp(path)};
    must(file.fd);
    unlink(path);
    must(write(file.fd, bytes, sizeof bytes));
    return weft_run(measure, &file) < 0;
}
