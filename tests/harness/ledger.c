/* SPDX-License-Identifier: MIT */

/*
 * The ledger: a platform table that is the host's but keeps book of memory and has a clock of its
 * own, and the check that what was taken was given back.
 *
 * Every live block stands in a table outside the blocks, so that a sanitizer still sees the true
 * bounds of each, and so that freeing what was never given is noticed at once.
 */

#include "harness_priv.h"

#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEDGER_FRAMES = 10, LEDGER_SHOWN = 5 };

struct block {
    void *ptr; /* NULL: free place */
    size_t bytes;
    uint64_t serial;
    void **frames; /* with --trace-leaks: who asked */
    int frame_count;
};

static struct {
    pthread_mutex_t lock;
    struct block *blocks; /* open addressing, a power of two */
    size_t capacity;
    uint64_t live, live_bytes, made;
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic int64_t clock_now = 1000 * WEFT_SEC;
static weft_platform ledger_platform;

/* ---- the table of blocks ---- */

static size_t block_place(const void *ptr)
{
    return (size_t)(((uintptr_t)ptr >> 4) * 0x9E3779B97F4A7C15u >> 20);
}

static struct block *block_find(const void *ptr)
{
    if (ledger.capacity == 0)
        return NULL;
    for (size_t i = block_place(ptr);; i++) {
        struct block *block = &ledger.blocks[i & (ledger.capacity - 1)];
        if (block->ptr == ptr)
            return block;
        if (block->ptr == NULL)
            return NULL;
    }
}

static void block_put(struct block entry)
{
    size_t i = block_place(entry.ptr);
    while (ledger.blocks[i & (ledger.capacity - 1)].ptr != NULL)
        i++;
    ledger.blocks[i & (ledger.capacity - 1)] = entry;
}

/* The blocks behind it move up, as far as their own places let them: a table without gaps needs no
 * marks of what was there (Knuth, The Art of Computer Programming, vol. 3, 6.4, algorithm R). */
static void block_drop(struct block *block)
{
    size_t mask = ledger.capacity - 1;
    size_t hole = (size_t)(block - ledger.blocks);
    for (size_t i = hole + 1; ledger.blocks[i & mask].ptr != NULL; i++) {
        size_t from_place = i - block_place(ledger.blocks[i & mask].ptr);
        if ((from_place & mask) < ((i - hole) & mask))
            continue; /* its place is behind the hole */
        ledger.blocks[hole & mask] = ledger.blocks[i & mask];
        hole = i;
    }
    ledger.blocks[hole & mask] = (struct block){0};
}

static void blocks_grow(void)
{
    struct block *old = ledger.blocks;
    size_t old_capacity = ledger.capacity;
    ledger.capacity = old_capacity == 0 ? 256 : old_capacity * 2;
    ledger.blocks = calloc(ledger.capacity, sizeof *ledger.blocks);
    if (ledger.blocks == NULL)
        FAIL("no memory for the ledger");
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].ptr != NULL)
            block_put(old[i]);
    free(old);
}

static void block_trace(struct block *block)
{
    void *frames[LEDGER_FRAMES];
    block->frame_count = backtrace(frames, LEDGER_FRAMES);
    block->frames = malloc(sizeof frames);
    if (block->frames != NULL)
        memcpy(block->frames, frames, sizeof frames);
}

static void block_enter(void *ptr, size_t bytes)
{
    pthread_mutex_lock(&ledger.lock);
    if (ledger.live * 2 >= ledger.capacity)
        blocks_grow();
    struct block entry = {.ptr = ptr, .bytes = bytes, .serial = ++ledger.made};
    if (harness_run.traces_leaks)
        block_trace(&entry);
    block_put(entry);
    ledger.live++;
    ledger.live_bytes += bytes;
    pthread_mutex_unlock(&ledger.lock);
}

static void block_leave(void *ptr)
{
    pthread_mutex_lock(&ledger.lock);
    struct block *block = block_find(ptr);
    if (block == NULL)
        FAIL("free or realloc of %p, which the platform never gave or already took back", ptr);
    ledger.live--;
    ledger.live_bytes -= block->bytes;
    free(block->frames);
    block_drop(block);
    pthread_mutex_unlock(&ledger.lock);
}

/* ---- the platform table ---- */

static void *ledger_alloc(size_t bytes)
{
    void *ptr = weft_platform_host.alloc(bytes);
    if (ptr != NULL)
        block_enter(ptr, bytes);
    return ptr;
}

static void *ledger_alloc_dirty(size_t bytes)
{
    void *ptr = weft_platform_host.realloc(NULL, bytes);
    if (ptr != NULL)
        block_enter(ptr, bytes);
    return ptr;
}

/* Always moves, so that a pointer kept across a grow is found by the sanitizer. */
static void *ledger_realloc(void *ptr, size_t bytes)
{
    if (ptr == NULL)
        return ledger_alloc_dirty(bytes);
    pthread_mutex_lock(&ledger.lock);
    struct block *block = block_find(ptr);
    if (block == NULL)
        FAIL("realloc of %p, which the platform never gave or already took back", ptr);
    size_t kept = block->bytes < bytes ? block->bytes : bytes;
    pthread_mutex_unlock(&ledger.lock);
    void *moved = ledger_alloc_dirty(bytes);
    if (moved == NULL)
        return NULL;
    memcpy(moved, ptr, kept);
    block_leave(ptr);
    weft_platform_host.free(ptr);
    return moved;
}

static void ledger_free(void *ptr)
{
    if (ptr == NULL)
        return;
    block_leave(ptr);
    weft_platform_host.free(ptr);
}

static weft_time ledger_now(void)
{
    return atomic_load(&clock_now);
}

static weft_time ledger_wall(void)
{
    return 1700000000 * WEFT_SEC + atomic_load(&clock_now);
}

static void ledger_advance(weft_time to)
{
    int64_t now = atomic_load(&clock_now);
    while (to > now && !atomic_compare_exchange_weak(&clock_now, &now, to))
        continue;
}

struct thread_start {
    void (*fn)(void *arg);
    void *arg;
};

/* A thread of the code under test keeps book too. */
static void thread_main(void *arg)
{
    struct thread_start start = *(struct thread_start *)arg;
    free(arg);
    weft_platform_set(&ledger_platform);
    start.fn(start.arg);
}

static int ledger_thread_start(weft_thread *out, void (*fn)(void *arg), void *arg,
                               size_t stack_bytes)
{
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct thread_start){.fn = fn, .arg = arg};
    int rc = weft_platform_host.thread_start(out, thread_main, start, stack_bytes);
    if (rc < 0)
        free(start);
    return rc;
}

void ledger_init(void)
{
    ledger_platform = weft_platform_host;
    ledger_platform.name = "test";
    ledger_platform.alloc = ledger_alloc;
    ledger_platform.realloc = ledger_realloc;
    ledger_platform.free = ledger_free;
    ledger_platform.now = ledger_now;
    ledger_platform.wall = ledger_wall;
    ledger_platform.advance = ledger_advance;
    ledger_platform.thread_start = ledger_thread_start;
    weft_platform_set(&ledger_platform);
}

static weft_time real_shift;

static weft_time real_now(void)
{
    return weft_platform_host.now() + real_shift;
}

/* A clock never goes back: the machine may have been up for less than the test's clock says. */
void use_real_time(void)
{
    if (ledger_platform.now == real_now)
        return;
    weft_time ahead = ledger_now() - weft_platform_host.now();
    real_shift = ahead > 0 ? ahead : 0;
    ledger_platform.now = real_now;
    ledger_platform.wall = weft_platform_host.wall;
    ledger_platform.advance = NULL;
}

const weft_platform *test_platform(void)
{
    return &ledger_platform;
}

/* Other threads of the test may be at it. */
static uint64_t read_locked(const uint64_t *counter)
{
    pthread_mutex_lock(&ledger.lock);
    uint64_t value = *counter;
    pthread_mutex_unlock(&ledger.lock);
    return value;
}

size_t live_blocks(void)
{
    return read_locked(&ledger.live);
}

size_t live_bytes(void)
{
    return read_locked(&ledger.live_bytes);
}

uint64_t blocks_made(void)
{
    return read_locked(&ledger.made);
}

/* ---- marks ---- */

static void mark_descriptors(uint64_t fds[64])
{
    memset(fds, 0, 64 * sizeof fds[0]);
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
        if (fd >= 0 && fd < 4096 && fd != dirfd(dir))
            fds[fd / 64] |= UINT64_C(1) << (fd % 64);
    }
    closedir(dir);
}

/* The kernel's workers for io_uring are listed as threads of ours; it ends them when it likes. */
static bool is_kernel_worker(const char *thread)
{
    char path[300], name[8] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, name, sizeof name);
    close(fd);
    return len >= 4 && memcmp(name, "iou-", 4) == 0;
}

static unsigned count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned count = 0;
    if (dir == NULL)
        return 1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.' && !is_kernel_worker(entry->d_name);
    closedir(dir);
    return count;
}

#if defined(__has_feature)
#define LEDGER_HAS_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define LEDGER_HAS_TSAN 1
#else
#define LEDGER_HAS_TSAN 0
#endif

static void *thread_nothing(void *arg)
{
    return arg;
}

/* The thread sanitizer starts a thread of its own with the first of ours, and keeps it. */
static void settle_threads(void)
{
    pthread_t id;
    if (LEDGER_HAS_TSAN && pthread_create(&id, NULL, thread_nothing, NULL) == 0)
        pthread_join(id, NULL);
}

void ledger_mark_memory(struct ledger_mark *out)
{
    out->blocks = ledger.live;
    out->bytes = ledger.live_bytes;
    out->serial = ledger.made;
}

void ledger_mark(struct ledger_mark *out)
{
    settle_threads();
    ledger_mark_memory(out);
    out->threads = count_threads();
    mark_descriptors(out->fds);
}

static void show_leaks(const struct ledger_mark *mark)
{
    int shown = 0;
    for (size_t i = 0; i < ledger.capacity && shown < LEDGER_SHOWN; i++) {
        const struct block *block = &ledger.blocks[i];
        if (block->ptr == NULL || block->serial <= mark->serial)
            continue;
        fprintf(stderr, "  leaked: %zu bytes, block %llu of this run\n", block->bytes,
                (unsigned long long)(block->serial - mark->serial));
        fflush(stderr);
        if (block->frames != NULL)
            backtrace_symbols_fd(block->frames, block->frame_count, STDERR_FILENO);
        shown++;
    }
}

void ledger_verify_memory(const struct ledger_mark *mark)
{
    if (ledger.live == mark->blocks)
        return;
    show_leaks(mark);
    FAIL("%zu blocks, %zu bytes were not freed (--trace-leaks tells who made them)",
         ledger.live - mark->blocks, ledger.live_bytes - mark->bytes);
}

static void verify_descriptors(const struct ledger_mark *mark)
{
    uint64_t now[64];
    mark_descriptors(now);
    for (int fd = 0; fd < 4096; fd++) {
        bool was = mark->fds[fd / 64] >> (fd % 64) & 1, is = now[fd / 64] >> (fd % 64) & 1;
        if (was == is)
            continue;
        char path[32], target[128] = "?";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        FAIL("descriptor %d %s: %s", fd, is ? "was not closed" : "is not ours and was closed",
             target);
    }
}

/* A thread that was joined may still be listed for a moment, which is long on a busy machine. */
static void verify_threads(const struct ledger_mark *mark)
{
    unsigned now = count_threads();
    for (int round = 0; now > mark->threads && round < 20000; round++) {
        usleep(500);
        now = count_threads();
    }
    if (now > mark->threads)
        FAIL("%u threads were not joined", now - mark->threads);
}

void ledger_verify(const struct ledger_mark *mark)
{
    verify_threads(mark);
    ledger_verify_memory(mark);
    verify_descriptors(mark);
    if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD)
        FAIL("a child process was not waited for");
}
