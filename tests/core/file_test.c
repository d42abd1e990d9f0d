/* SPDX-License-Identifier: MIT */

/* Files: what the calls do, that they never block the loop, and what cancel and faults leave. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int put_file(const char *path, const char *text)
{
    int fd = weft_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return fd;
    ssize_t rc = weft_write_all(fd, text, strlen(text));
    int closed = weft_close(fd);
    return rc < 0 ? (int)rc : closed;
}

static void check_file(const char *path, const char *text)
{
    weft_bytes bytes;
    CHECK_OK(weft_file_load(path, 1 << 20, &bytes));
    CHECK_STR(bytes.ptr, text);
    CHECK_EQ(bytes.len, strlen(text));
    weft_bytes_free(&bytes);
}

/* ---- the calls ---- */

TASK_TEST(file_keeps_what_is_written_at_each_place)
{
    char buf[16] = "";
    scratch_make();
    int fd = weft_open(scratch("a"), O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK_OK(fd);
    CHECK_EQ(weft_open(scratch("a"), O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    CHECK_EQ(weft_write_all(fd, "0123456789", 10), 10);
    CHECK_EQ(weft_pwrite(fd, "x", 1, 4), 1);
    CHECK_EQ(weft_pwrite(fd, "y", 1, 12), 1);
    size_t done = 0;
    for (ssize_t count; done < 16; done += (size_t)count) {
        count = weft_pread(fd, buf + done, sizeof buf - done, (int64_t)done);
        CHECK_OK(count);
        if (count == 0)
            break;
    }
    CHECK_BYTES(buf, done, "0123x56789\0\0y", 13);
    CHECK_OK(weft_truncate(fd, 3));
    CHECK_EQ(weft_pread(fd, buf, sizeof buf, 3), 0);
    CHECK_EQ(weft_pread(fd, buf, sizeof buf, -1), -EINVAL);
    CHECK_EQ(weft_pwrite(fd, buf, 1, -1), -EINVAL);
    CHECK_EQ(weft_truncate(fd, -1), -EINVAL);
    CHECK_OK(weft_fsync(fd));
    CHECK_OK(weft_close(fd));
    CHECK_EQ(weft_pread(fd, buf, 1, 0), -EBADF);
    CHECK_EQ(weft_open(scratch("none"), O_RDONLY, 0), -ENOENT);
    check_file(scratch("a"), "012");
    scratch_clean(0);
}

TASK_TEST(file_reads_and_writes_at_the_descriptors_position)
{
    char buf[8];
    scratch_make();
    CHECK_OK(put_file(scratch("a"), "one two"));
    int fd = weft_open(scratch("a"), O_RDWR | O_APPEND, 0);
    CHECK_OK(fd);
    ssize_t count = weft_read(fd, buf, 3);
    CHECK_GE(count, 1);
    CHECK_EQ(buf[0], 'o');
    CHECK_EQ(weft_write_all(fd, " three", 6), 6);
    CHECK_OK(weft_close(fd));
    check_file(scratch("a"), "one two three");
    scratch_clean(0);
}

TASK_TEST(file_names_move_and_go)
{
    struct stat info;
    scratch_make();
    CHECK_OK(put_file(scratch("a"), "first"));
    CHECK_OK(put_file(scratch("b"), "second"));
    CHECK_OK(weft_stat(scratch("a"), &info));
    CHECK(S_ISREG(info.st_mode));
    CHECK_EQ(info.st_size, 5);
    ino_t inode = info.st_ino;
    CHECK_OK(weft_rename(scratch("a"), scratch("b")));
    CHECK_EQ(weft_stat(scratch("a"), &info), -ENOENT);
    CHECK_OK(weft_lstat(scratch("b"), &info));
    CHECK_EQ(info.st_ino, inode);
    check_file(scratch("b"), "first");
    int fd = weft_open(scratch("b"), O_RDONLY, 0);
    CHECK_OK(weft_unlink(scratch("b")));
    CHECK_OK(weft_fstat(fd, &info)); /* an open file outlives its name */
    CHECK_EQ(info.st_size, 5);
    CHECK_OK(weft_close(fd));
    CHECK_EQ(weft_unlink(scratch("b")), -ENOENT);
    CHECK_EQ(weft_rename(scratch("b"), scratch("c")), -ENOENT);
    scratch_clean(0);
}

TASK_TEST(file_directories_are_listed_without_dots)
{
    enum { FILES = 300 }; /* more than one buffer of entries */
    bool seen[FILES + 1] = {false};
    char name[32];
    scratch_make();
    CHECK_OK(weft_mkdir(scratch("d"), 0700));
    CHECK_EQ(weft_mkdir(scratch("d"), 0700), -EEXIST);
    CHECK_OK(weft_mkdir(scratch("d/300"), 0700));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "d/%d", i);
        CHECK_OK(put_file(scratch(name), ""));
    }
    weft_dir *dir;
    weft_dir_entry entry;
    int rc, count = 0;
    CHECK_OK(weft_dir_open(&dir, scratch("d")));
    while ((rc = weft_dir_next(dir, &entry)) == 1) {
        int number = atoi(entry.name);
        CHECK(!seen[number]);
        seen[number] = true;
        count++;
        if (entry.kind != WEFT_DIR_UNKNOWN)
            CHECK_EQ(entry.kind, number == FILES ? WEFT_DIR_DIRECTORY : WEFT_DIR_FILE);
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(count, FILES + 1);
    CHECK_EQ(weft_dir_next(dir, &entry), 0);
    weft_dir_close(dir);
    weft_dir_close(NULL);
    CHECK_EQ(weft_rmdir(scratch("d")), -ENOTEMPTY);
    CHECK_EQ(weft_rmdir(scratch("d/0")), -ENOTDIR);
    CHECK_EQ(weft_unlink(scratch("d/300")), -EISDIR);
    CHECK_OK(weft_rmdir(scratch("d/300")));
    CHECK_EQ(weft_dir_open(&dir, scratch("d/0")), -ENOTDIR);
    CHECK(strstr(weft_error_text(), "d/0: Not a directory") != NULL);
    scratch_clean(0);
}

/* Of the name so much that the reason has room, whole characters; of a cancel nothing. */
TASK_TEST(file_failures_name_the_path)
{
    char path[256];
    weft_bytes bytes;
    for (size_t at = 0; at < 2; at++) { /* an "ä" begins at each odd byte, at each even one */
        memset(path, '/', sizeof path);
        for (size_t i = 1 + at; i + 2 < sizeof path; i += 2)
            memcpy(path + i, "\xC3\xA4", 2);
        path[1 + at + 240] = '\0';
        CHECK_EQ(weft_file_load(path, 5, &bytes), -ENOENT);
        path[at == 0 ? 109 : 110] = '\0';
        strcat(path, ": No such file or directory");
        CHECK_STR(weft_error_text(), path);
    }
    CHECK_EQ(weft_fail(-EIO, "before"), -EIO);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "enough");
    CHECK_EQ(weft_file_load("/nofile", 5, &bytes), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    CHECK_STR(weft_error_text(), "before");
}

TASK_TEST(file_names_that_are_none_are_refused)
{
    struct stat info;
    weft_reader *reader;
    weft_dir *dir;
    weft_bytes bytes;
    CHECK_EQ(weft_open(NULL, O_RDONLY, 0), -EFAULT);
    CHECK_EQ(weft_stat(NULL, &info), -EFAULT);
    CHECK_EQ(weft_lstat(NULL, &info), -EFAULT);
    CHECK_EQ(weft_rename(NULL, "b"), -EFAULT);
    CHECK_EQ(weft_rename("a", NULL), -EFAULT);
    CHECK_EQ(weft_unlink(NULL), -EFAULT);
    CHECK_EQ(weft_mkdir(NULL, 0700), -EFAULT);
    CHECK_EQ(weft_rmdir(NULL), -EFAULT);
    CHECK_EQ(weft_reader_open(&reader, NULL, NULL), -EFAULT);
    CHECK_EQ(weft_dir_open(&dir, NULL), -EFAULT);
    CHECK_EQ(weft_file_load(NULL, 5, &bytes), -EFAULT);
    CHECK_EQ(weft_file_save(NULL, "a", 1, 0600), -EFAULT);
    CHECK_STR(weft_error_text(), "no path (NULL): Bad address");
}

KERNEL_TASK_TEST(file_links_are_followed_except_by_lstat)
{
    struct stat info;
    weft_dir *dir;
    weft_dir_entry entry;
    scratch_make();
    CHECK_EQ(symlink("nowhere", scratch("l")), 0);
    CHECK_EQ(weft_stat(scratch("l"), &info), -ENOENT);
    CHECK_OK(weft_lstat(scratch("l"), &info));
    CHECK(S_ISLNK(info.st_mode));
    CHECK_OK(weft_dir_open(&dir, scratch_dir));
    CHECK_EQ(weft_dir_next(dir, &entry), 1);
    CHECK_STR(entry.name, "l");
    CHECK(entry.kind == WEFT_DIR_OTHER || entry.kind == WEFT_DIR_UNKNOWN);
    weft_dir_close(dir);
    scratch_clean(0);
}

TASK_TEST(file_load_has_a_limit)
{
    weft_bytes bytes;
    scratch_make();
    CHECK_OK(put_file(scratch("a"), "12345"));
    CHECK_EQ(weft_file_load(scratch("a"), 4, &bytes), -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "more than 4 bytes") != NULL);
    CHECK_OK(weft_file_load(scratch("a"), 5, &bytes));
    CHECK_BYTES(bytes.ptr, bytes.len, "12345", 5);
    weft_bytes_free(&bytes);
    weft_bytes_free(&bytes);
    CHECK_EQ(weft_file_load("/nofile", 5, &bytes), -ENOENT);
    CHECK_STR(weft_error_text(), "/nofile: No such file or directory");
    scratch_clean(0);
}

TASK_TEST(file_save_replaces_and_leaves_nothing_beside)
{
    weft_dir *dir;
    weft_dir_entry entry;
    scratch_make();
    CHECK_OK(weft_file_save(scratch("a"), "old", 3, 0600));
    CHECK_OK(weft_file_save(scratch("a"), "new", 3, 0600));
    check_file(scratch("a"), "new");
    CHECK_EQ(weft_file_save("/none/a", "x", 1, 0600), -ENOENT);
    CHECK_STR(weft_error_text(), "/none/a: No such file or directory");
    CHECK_OK(weft_dir_open(&dir, scratch_dir));
    CHECK_EQ(weft_dir_next(dir, &entry), 1);
    CHECK_STR(entry.name, "a");
    CHECK_EQ(weft_dir_next(dir, &entry), 0);
    weft_dir_close(dir);
    scratch_clean(0);
}

/* It is written, and brought to the disk, in pieces. */
TASK_TEST(file_save_of_many_bytes_has_them_all)
{
    const size_t count = ((size_t)17 << 20) + 3;
    uint32_t *bytes = malloc(count + sizeof(*bytes));
    weft_bytes loaded;
    for (size_t i = 0; i < count / sizeof(*bytes) + 1; i++)
        bytes[i] = (uint32_t)i * 2654435761u;
    scratch_make();
    CHECK_OK(weft_file_save(scratch("a"), bytes, count, 0600));
    CHECK_OK(weft_file_load(scratch("a"), count, &loaded));
    CHECK_EQ(loaded.len, count);
    CHECK_EQ(memcmp(loaded.ptr, bytes, count), 0);
    weft_bytes_free(&loaded);
    free(bytes);
    scratch_clean(0);
}

/* Device, FIFO and directory stay what they are, and a file stays as hidden as it was. */
KERNEL_TASK_TEST(file_save_replaces_files_only_and_keeps_their_permissions)
{
    struct stat info;
    scratch_make();
    CHECK_EQ(mkfifo(scratch("f"), 0600), 0);
    CHECK_EQ(weft_file_save(scratch("f"), "x", 1, 0644), -EOPNOTSUPP);
    CHECK_OK(weft_stat(scratch("f"), &info));
    CHECK(S_ISFIFO(info.st_mode));
    CHECK_EQ(weft_file_save(scratch_dir, "x", 1, 0644), -EISDIR);
    CHECK_OK(weft_file_save(scratch("a"), "old", 3, 0600));
    CHECK_OK(weft_file_save(scratch("a"), "new", 3, 0644));
    CHECK_OK(weft_stat(scratch("a"), &info));
    CHECK_EQ(info.st_mode & 0777, 0600);
    check_file(scratch("a"), "new");
    scratch_clean(0);
}

enum { FULL = 6000 };

/* What the disk holds, as far as this process is asked: what a full one does, too. */
static void limit_files(void)
{
    const struct rlimit limit = {FULL, FULL};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write is cut short where the file may not grow, and what follows fails instead of going over
 * what is there. */
KERNEL_TASK_TEST(file_that_cannot_grow_is_written_to_its_end_and_no_further)
{
    static char bytes[2 * FULL];
    scratch_make();
    memset(bytes, 'a', FULL);
    memset(bytes + FULL, 'b', FULL);
    int fd = weft_open(scratch("a"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    limit_files();
    CHECK_EQ(weft_write(fd, "first", 5), 5);
    CHECK_EQ(weft_write(fd, bytes, FULL), FULL - 5);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), FULL);
    CHECK_EQ(weft_write(fd, "last", 4), -EFBIG);
    CHECK_EQ(weft_pread(fd, bytes, 6, 0), 6);
    CHECK_BYTES(bytes, 6, "firsta", 6);
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_file_save(scratch("b"), "old", 3, 0600));
    CHECK_EQ(weft_file_save(scratch("b"), bytes, sizeof(bytes), 0600), -EFBIG);
    check_file(scratch("b"), "old");
    scratch_clean(0);
}

KERNEL_TASK_TEST(file_fifo_opens_without_its_other_end)
{
    scratch_make();
    CHECK_EQ(mkfifo(scratch("f"), 0600), 0);
    CHECK_EQ(weft_open(scratch("f"), O_WRONLY, 0), -ENXIO);
    int reader = weft_open(scratch("f"), O_RDONLY, 0);
    CHECK_OK(reader);
    CHECK_EQ(fcntl(reader, F_GETFL) & O_NONBLOCK, 0);
    int writer = weft_open(scratch("f"), O_WRONLY | O_NONBLOCK, 0);
    CHECK_OK(writer);
    CHECK_NE(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
    char buf[4];
    CHECK_EQ(weft_write(writer, "abc", 3), 3);
    CHECK_EQ(weft_read(reader, buf, 4), 3);
    CHECK_OK(weft_close(writer));
    CHECK_EQ(weft_read(reader, buf, 4), 0);
    CHECK_OK(weft_close(reader));
    scratch_clean(0);
}

KERNEL_TASK_TEST(test_I08_files_are_close_on_exec)
{
    scratch_make();
    int fd = weft_open(scratch("a"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_OK(weft_close(fd));
    scratch_clean(0);
}

TEST(test_L04_files_need_a_task)
{
    char buf[4];
    struct stat info;
    weft_dir *dir;
    weft_bytes bytes;
    CHECK_EQ(weft_open("/", O_RDONLY, 0), -EPERM);
    CHECK_EQ(weft_pread(0, buf, 4, 0), -EPERM);
    CHECK_EQ(weft_stat("/", &info), -EPERM);
    CHECK_EQ(weft_dir_open(&dir, "/"), -EPERM);
    CHECK_EQ(weft_file_load("/", 1, &bytes), -EPERM);
    CHECK_EQ(weft_file_save("/", "", 0, 0), -EPERM);
}

/* ---- rule I06: a slow disk ---- */

/* A disk that answers when it is told to.  Its calls may come from any thread but the loop's. */
static struct slow_disk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t loop_thread;
    int fd; /* the file that is slow; others are not */
    int waiting;
    bool is_open;
} slow = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void slow_wait(int fd)
{
    if (fd != slow.fd)
        return;
    CHECK(!pthread_equal(pthread_self(), slow.loop_thread));
    pthread_mutex_lock(&slow.lock);
    slow.waiting++;
    while (!slow.is_open)
        pthread_cond_wait(&slow.changed, &slow.lock);
    pthread_mutex_unlock(&slow.lock);
}

static ssize_t slow_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    slow_wait(fd);
    return weft_platform_host.pread(fd, buf, bytes, offset);
}

static ssize_t slow_read(int fd, void *buf, size_t bytes)
{
    slow_wait(fd);
    return weft_platform_host.read(fd, buf, bytes);
}

static int slow_fsync(int fd)
{
    slow_wait(fd);
    return weft_platform_host.fsync(fd);
}

static void slow_set(bool is_open)
{
    pthread_mutex_lock(&slow.lock);
    slow.is_open = is_open;
    slow.waiting = 0;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.lock);
}

static void slow_await(int count)
{
    for (int waiting = 0; waiting < count;) {
        CHECK_OK(weft_yield());
        pthread_mutex_lock(&slow.lock);
        waiting = slow.waiting;
        pthread_mutex_unlock(&slow.lock);
    }
}

struct transfer {
    int fd;
    char buf[8];
};

static int pread_body(void *arg)
{
    struct transfer *self = arg;
    return (int)weft_pread(self->fd, self->buf, sizeof self->buf, 0);
}

static int read_body(void *arg)
{
    struct transfer *self = arg;
    return (int)weft_read(self->fd, self->buf, sizeof self->buf);
}

static int fsync_body(void *arg)
{
    return weft_fsync(((struct transfer *)arg)->fd);
}

static int slow_open(void)
{
    int fd = weft_open("/proc/self/exe", O_RDONLY, 0);
    CHECK_OK(fd);
    slow.fd = fd;
    slow.loop_thread = pthread_self();
    slow_set(/* is_open= */ false);
    return fd;
}

static int on_a_slow_disk(void *arg)
{
    weft_fn *const bodies[] = {pread_body, read_body, fsync_body};
    (void)arg;
    for (size_t i = 0; i < 3; i++) {
        struct transfer transfer = {.fd = slow_open()};
        weft_task task = weft_spawn(bodies[i], &transfer);
        slow_await(1);
        for (int turn = 0; turn < 100; turn++)
            CHECK_OK(weft_yield()); /* the loop goes on */
        CHECK_EQ(weft_done(task, NULL), 0);
        slow_set(/* is_open= */ true);
        CHECK_EQ(weft_await(task), i < 2 ? 8 : 0);
        CHECK_OK(weft_close(transfer.fd));
    }
    return 0;
}

static weft_platform slow_platform(void)
{
    weft_platform platform = *test_platform();
    platform.pread = slow_pread;
    platform.read = slow_read;
    platform.fsync = slow_fsync;
    platform.read_cached = NULL; /* nothing is in memory */
    return platform;
}

TEST(test_I06_a_slow_disk_does_not_block_the_loop)
{
    weft_platform platform = slow_platform();
    weft_config config = {.backend = "epoll", .platform = &platform};
    CHECK_OK(weft_run_with(&config, on_a_slow_disk, NULL));
}

static int stat_body(void *arg)
{
    struct stat info;
    return weft_stat(arg, &info);
}

/* Whoever does it, kernel, thread or simulator: not the loop while it is asked. */
TASK_TEST(test_I06_a_call_on_a_file_lets_other_tasks_run)
{
    scratch_make();
    const char *path = scratch("a");
    CHECK_OK(put_file(path, "12345678"));
    struct transfer transfer = {.fd = weft_open(path, O_RDWR, 0)};
    CHECK_OK(transfer.fd);
    weft_task tasks[] = {weft_spawn(fsync_body, &transfer),
                         weft_spawn(stat_body, (void *)(uintptr_t)path)};
    CHECK_OK(weft_yield()); /* both have asked */
    CHECK_EQ(weft_done(tasks[0], NULL), 0);
    CHECK_EQ(weft_done(tasks[1], NULL), 0);
    CHECK_OK(weft_gather_n(tasks, 2));
    CHECK_OK(weft_close(transfer.fd));
    scratch_clean(0);
}

static int cancel_on_a_slow_disk(void *arg)
{
    (void)arg;
    struct transfer running = {.fd = slow_open()}, queued = {.fd = running.fd};
    weft_task first = weft_spawn(pread_body, &running);
    slow_await(1); /* the only thread works on it */
    weft_task second = weft_spawn(pread_body, &queued);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(second, "test"), 1);
    CHECK_EQ(weft_await(second), -ECANCELED); /* taken back at once */
    CHECK_EQ(weft_cancel(first, "test"), 1);
    for (int turn = 0; turn < 100; turn++)
        CHECK_OK(weft_yield());
    CHECK_EQ(weft_done(first, NULL), 0); /* its buffer is the thread's */
    slow_set(/* is_open= */ true);
    CHECK_EQ(weft_await(first), 8); /* and it has happened (rule C03) */
    CHECK_BYTES(running.buf + 1, 3, "ELF", 3);
    CHECK_OK(weft_close(running.fd));
    return 0;
}

TEST(test_I02_a_thread_keeps_the_buffer_until_it_has_ended)
{
    weft_platform platform = slow_platform();
    weft_config config = {.backend = "epoll", .platform = &platform, .file_thread_max = 1};
    CHECK_OK(weft_run_with(&config, cancel_on_a_slow_disk, NULL));
}

static int close_on_a_slow_disk(void *arg)
{
    (void)arg;
    struct transfer transfer = {.fd = slow_open()};
    weft_task task = weft_spawn(pread_body, &transfer);
    slow_await(1);
    struct transfer late = transfer;
    weft_task other = weft_spawn(pread_body, &late); /* waits for the only thread */
    CHECK_OK(weft_yield());
    slow_set(/* is_open= */ true);
    CHECK_OK(weft_close(transfer.fd)); /* waits for the thread: the number is not free before */
    CHECK_EQ(weft_await(task), 8);
    int rc = weft_await(other);
    CHECK(rc == -EBADF || rc == 8);
    CHECK_EQ(weft_pread(transfer.fd, late.buf, 1, 0), -EBADF);
    return 0;
}

TEST(test_I05_close_waits_for_the_thread_that_reads)
{
    weft_platform platform = slow_platform();
    weft_config config = {.backend = "epoll", .platform = &platform, .file_thread_max = 1};
    CHECK_OK(weft_run_with(&config, close_on_a_slow_disk, NULL));
}

static int second_on_a_slow_disk(void *arg)
{
    (void)arg;
    struct transfer first = {.fd = slow_open()}, second = {.fd = first.fd};
    weft_task task = weft_spawn(read_body, &first);
    slow_await(1);
    CHECK_EQ(weft_read(second.fd, second.buf, sizeof second.buf), -EBUSY);
    weft_task other = weft_spawn(pread_body, &second);
    slow_await(2); /* at a place of its own it may */
    slow_set(/* is_open= */ true);
    CHECK_EQ(weft_await(task), 8);
    CHECK_EQ(weft_await(other), 8);
    CHECK_OK(weft_close(first.fd));
    return 0;
}

TEST(test_I04_a_second_reader_at_the_position_of_a_file_is_busy)
{
    weft_platform platform = slow_platform();
    weft_config config = {.backend = "epoll", .platform = &platform};
    CHECK_OK(weft_run_with(&config, second_on_a_slow_disk, NULL));
}

/* What is in memory is told at once, and no thread is started for it. */
static int no_threads(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes)
{
    (void)out;
    (void)fn;
    (void)arg;
    (void)stack_bytes;
    return -EAGAIN;
}

static int read_from_memory(void *arg)
{
    char path[64], buf[4];
    (void)arg;
    snprintf(path, sizeof path, "/tmp/weft-test-%d", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_OK(fd);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(write(fd, "cached", 6), 6);
    ssize_t count = weft_pread(fd, buf, sizeof buf, 2);
    if (count != -EAGAIN) /* a file system that cannot tell what it has in memory */
        CHECK_BYTES(buf, count, "ched", 4);
    CHECK_EQ(weft_fsync(fd), -EAGAIN); /* this needs one */
    CHECK_OK(weft_close(fd));
    return 0;
}

TEST(test_I06_bytes_in_memory_need_no_thread)
{
    weft_platform platform = *test_platform();
    platform.thread_start = no_threads;
    weft_config config = {.backend = "epoll", .platform = &platform};
    CHECK_OK(weft_run_with(&config, read_from_memory, NULL));
}

/* A second reader at the descriptor's position is refused, at places of their own they are not. */
TASK_TEST(test_I04_two_tasks_read_a_file_at_places_of_their_own)
{
    scratch_make();
    CHECK_OK(put_file(scratch("a"), "12345678"));
    struct transfer one = {.fd = weft_open(scratch("a"), O_RDONLY, 0)}, two = one;
    CHECK_OK(one.fd);
    weft_task tasks[] = {weft_spawn(pread_body, &one), weft_spawn(pread_body, &two)};
    CHECK_GE(weft_await(tasks[0]), 1);
    CHECK_GE(weft_await(tasks[1]), 1);
    CHECK_EQ(one.buf[0], '1');
    CHECK_EQ(two.buf[0], '1');
    CHECK_OK(weft_close(one.fd));
    scratch_clean(0);
}

TASK_TEST(test_C02_cancelled_before_no_file_is_touched)
{
    struct stat info;
    scratch_make();
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "before");
    CHECK_EQ(put_file(scratch("a"), "x"), -ECANCELED);
    CHECK_EQ(weft_file_save(scratch("a"), "x", 1, 0600), -ECANCELED);
    CHECK_EQ(weft_mkdir(scratch("a"), 0700), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    CHECK_EQ(weft_stat(scratch("a"), &info), -ENOENT);
    scratch_clean(0);
}

/* Without the ring's own file operations the pool does them; the answers are the same. */
static int all_by_the_pool(void *arg)
{
    (void)arg;
    strcpy(scratch_dir, "/tmp");
    char path[64];
    snprintf(path, sizeof path, "/tmp/weft-test-%d", (int)getpid());
    CHECK_OK(weft_file_save(path, "pool", 4, 0600));
    check_file(path, "pool");
    struct stat info;
    CHECK_OK(weft_stat(path, &info));
    CHECK_EQ(info.st_size, 4);
    CHECK_OK(weft_unlink(path));
    return 0;
}

KERNEL_TEST(test_I01_files_without_the_rings_own_operations)
{
    setenv("WEFT_URING_MASK", "files", 1);
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, all_by_the_pool, NULL));
}

/* ---- the simulated disk ---- */

static int fill_the_disk(void *arg)
{
    char block[100] = {0};
    (void)arg;
    CHECK_OK(weft_file_save("/tmp/a", "old", 3, 0600));
    int fd = weft_open("/tmp/big", O_WRONLY | O_CREAT, 0600);
    CHECK_OK(fd);
    ssize_t rc;
    do
        rc = weft_write(fd, block, sizeof block);
    while (rc > 0);
    CHECK_EQ(rc, -ENOSPC);
    CHECK_EQ(weft_file_save("/tmp/a", "a longer one", 12, 0600), -ENOSPC);
    check_file("/tmp/a", "old");
    CHECK_OK(weft_truncate(fd, 0));
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_file_save("/tmp/a", "a longer one", 12, 0600));
    check_file("/tmp/a", "a longer one");
    return 0;
}

TEST(test_Z04_a_full_disk_keeps_the_old_file)
{
    weft_sim_options options = {.seed = test_seed(), .disk_bytes = 5000};
    CHECK_OK(weft_sim_run_with(&options, fill_the_disk, NULL));
}

static int save_on_a_failing_disk(void *arg)
{
    int *counts = arg;
    for (int round = 0; round < 20; round++) {
        int rc = weft_file_save("/tmp/a", "some text", 9, 0600);
        CHECK(rc == 0 || rc == -EIO);
        counts[rc == 0]++;
    }
    return 0;
}

TEST(test_Z04_a_failing_disk_says_so)
{
    int counts[2] = {0};
    weft_sim_options options = {.seed = test_seed(), .disk_error_ppm = 200000};
    CHECK_OK(weft_sim_run_with(&options, save_on_a_failing_disk, counts));
    CHECK_GT(counts[0], 0);
    CHECK_GT(counts[1], 0);
}

/* A program that saves a file, in its own task so that the power can fail at any of its waits. */
static char page_old[3000], page_new[5000];

static int save_body(void *arg)
{
    (void)arg;
    return weft_file_save("/tmp/page", page_new, sizeof page_new, 0600);
}

static int save_carelessly(void *arg)
{
    (void)arg;
    int fd = weft_open("/tmp/page", O_WRONLY | O_TRUNC, 0600);
    if (fd < 0)
        return fd;
    ssize_t rc = weft_write_all(fd, page_new, sizeof page_new);
    int closed = weft_close(fd);
    return rc < 0 ? (int)rc : closed;
}

struct failure {
    weft_fn *save;
    weft_time after;
    int old, fresh, broken; /* what was found, how often */
};

static int lose_power(void *arg)
{
    struct failure *self = arg;
    CHECK_OK(weft_file_save("/tmp/page", page_old, sizeof page_old, 0600));
    weft_task task = weft_spawn(self->save, NULL);
    CHECK_OK(weft_sleep(self->after));
    bool is_done = weft_done(task, NULL) == 1;
    weft_cancel(task, "no power"); /* its next wait is its last */
    int saved = weft_await(task);
    CHECK(saved == 0 || saved == -ECANCELED);
    CHECK_OK(weft_sim_power_failure());
    weft_bytes bytes;
    int rc = weft_file_load("/tmp/page", 1 << 20, &bytes);
    bool is_old = rc == 0 && bytes.len == sizeof page_old &&
                  memcmp(bytes.ptr, page_old, sizeof page_old) == 0;
    bool is_new = rc == 0 && bytes.len == sizeof page_new &&
                  memcmp(bytes.ptr, page_new, sizeof page_new) == 0;
    if (rc == 0)
        weft_bytes_free(&bytes);
    self->old += is_old;
    self->fresh += is_new;
    self->broken += !is_old && !is_new;
    if (is_done && self->save == save_body)
        CHECK(is_new); /* what was promised stays */
    return 0;
}

static struct failure fail_power_at_each_moment(weft_fn *save)
{
    memset(page_old, 'o', sizeof page_old);
    memset(page_new, 'n', sizeof page_new);
    struct failure failure = {.save = save};
    for (uint64_t seed = 0; seed < 400; seed++) {
        weft_sim_options options = {.seed = test_seed() + seed, .wait_ppm = 900000};
        failure.after = (weft_time)(seed % 100) * 100 * WEFT_US;
        note("seed %llu", (unsigned long long)options.seed);
        CHECK_OK(weft_sim_run_with(&options, lose_power, &failure));
    }
    return failure;
}

TEST(class_52_a_power_failure_while_saving_leaves_the_old_or_the_new)
{
    struct failure failure = fail_power_at_each_moment(save_body);
    CHECK_EQ(failure.broken, 0);
    CHECK_GT(failure.old, 10);
    CHECK_GT(failure.fresh, 10);
}

TEST(test_Z04_a_power_failure_finds_who_saves_carelessly)
{
    struct failure failure = fail_power_at_each_moment(save_carelessly);
    CHECK_GT(failure.broken, 10);
}

/* ---- sweeps ---- */

SCENARIO_WITH(file_save_and_load, scratch_clean)
{
    weft_bytes bytes;
    scratch_make();
    int rc = weft_file_save(scratch("a"), "text", 4, 0600);
    if (rc == 0)
        rc = weft_file_load(scratch("a"), 100, &bytes);
    if (rc < 0)
        return rc;
    CHECK_BYTES(bytes.ptr, bytes.len, "text", 4);
    weft_bytes_free(&bytes);
    return 0;
}

static int list_files(void)
{
    weft_dir *dir;
    weft_dir_entry entry;
    int rc = weft_dir_open(&dir, scratch_dir);
    if (rc < 0)
        return rc;
    int count = 0;
    while ((rc = weft_dir_next(dir, &entry)) == 1)
        count++;
    weft_dir_close(dir);
    return rc < 0 ? rc : count;
}

SCENARIO_WITH(file_directories_of_a_task_come_and_go, scratch_clean)
{
    struct stat info;
    scratch_make();
    WEFT_TRY(weft_mkdir(scratch("d"), 0700));
    WEFT_TRY(put_file(scratch("d/a"), "x"));
    WEFT_TRY(weft_rename(scratch("d/a"), scratch("b")));
    WEFT_TRY(weft_stat(scratch("b"), &info));
    int count = list_files();
    WEFT_TRY(count);
    CHECK_EQ(count, 2);
    WEFT_TRY(weft_unlink(scratch("b")));
    return weft_rmdir(scratch("d"));
}
