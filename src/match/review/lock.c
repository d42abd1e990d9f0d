/* SPDX-License-Identifier: MIT */

#include "match/review/lock.h"

#include "base/buf.h"
#include "match/error.h"
#include "match/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/run.h>
#include <weft/task.h>

#define FILE_MODE 0666
#define LOCK_TIME (1 * WEFT_SEC)
#define PAUSE (10 * WEFT_MS)

struct locking {
    const char *name; /* PATH.lock */
    int fd;
    weft_time give_up_at;
    long holder; /* 0: not known */
};

/* 0; -EBUSY at the end of the time; -ECANCELED.  Where the file system has no locks there is none.
 */
static int wait_for(const struct locking *it)
{
    while (flock(it->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        if (weft_now() >= it->give_up_at)
            return -EBUSY;
        WEFT_TRY(weft_sleep(PAUSE));
    }
    return 0;
}

/* False if who had the lock took its file away: what is locked then is nobody's any more. */
static bool is_named(const struct locking *it)
{
    struct stat locked, named;
    return weft_fstat(it->fd, &locked) < 0 ||
           (weft_stat(it->name, &named) == 0 && named.st_ino == locked.st_ino &&
            named.st_dev == locked.st_dev);
}

static void read_holder(struct locking *it)
{
    char text[24] = "";
    if (weft_pread(it->fd, text, sizeof(text) - 1, 0) > 0)
        it->holder = strtol(text, NULL, 10);
}

static int write_holder(const struct locking *it)
{
    char text[24];
    int bytes = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    WEFT_TRY(weft_truncate(it->fd, 0));
    ssize_t rc = weft_pwrite(it->fd, text, (size_t)bytes, 0);
    return rc < 0 ? (int)rc : 0;
}

/* 1; 0: the file was another by then; negative. */
static int lock_once(struct locking *it)
{
    it->fd = weft_open(it->name, O_RDWR | O_CREAT | O_NOFOLLOW, FILE_MODE);
    if (it->fd < 0)
        return it->fd;
    int rc = wait_for(it);
    if (rc == -EBUSY)
        read_holder(it);
    if (rc == 0 && !is_named(it))
        rc = weft_now() < it->give_up_at ? 0 : -EBUSY;
    else if (rc == 0)
        rc = 1;
    if (rc <= 0)
        wf_review_unlock(it->fd);
    return rc;
}

static int lock_body(void *arg)
{
    struct locking *it = arg;
    int rc = 0;
    it->give_up_at = weft_now() + LOCK_TIME;
    while (rc == 0)
        rc = lock_once(it);
    if (rc < 0)
        return rc;
    rc = write_holder(it);
    if (rc < 0)
        wf_review_unlock(it->fd);
    return rc;
}

static int lock(const char *path, struct locking *it, weft_m_error *error)
{
    const weft_config config = {.flags = WEFT_RUN_KEEP_SIGNALS};
    int rc = wf_work_is_task() ? lock_body(it) : weft_run_with(&config, lock_body, it);
    if (rc == 0 || rc == -ECANCELED)
        return rc < 0 ? wf_m_fail_plain(error, rc) : it->fd;
    if (rc != -EBUSY)
        return wf_m_fail(error, rc, "%.300s: %s", it->name, weft_strerror(rc));
    wf_m_fail(error, rc, "%.300s is being changed by process %ld", path, it->holder);
    wf_m_error_suggest(error, "Try again when it has ended");
    return rc;
}

int wf_review_lock(const char *path, weft_m_error *error)
{
    wf_buf name = {0};
    wf_buf_printf(&name, "%s.lock%c", path, '\0');
    struct locking it = {.name = wf_buf_ptr(&name), .fd = -1};
    int rc = name.rc < 0 ? wf_m_fail_plain(error, name.rc) : lock(path, &it, error);
    wf_buf_fini(&name);
    return rc;
}

void wf_review_unlock(int fd)
{
    if (fd >= 0)
        (void)weft_close(fd);
}
