/* SPDX-License-Identifier: MIT */

/* Memory that worker processes see too: a file in memory, mapped here and, for a call, there. */

#include "core/exec/worker_priv.h"

#include <weft/exec.h>
#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* In simulation, where a worker's body runs here, plain memory: `fd` is -1. */
struct weft_shared {
    void *bytes;
    size_t byte_count;
    int fd;
    uint32_t user_count; /* atomic: calls that have it now, on any loop */
};

/* Sealed: a worker that shrank it would make our next access a fault. */
static int shared_make_file(size_t byte_count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "memfd_create"))
        return -EMFILE;
    int fd = memfd_create("weft-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    bool is_made = !WEFT_FAULT(WEFT_FAULT_CALL, "ftruncate") &&
                   ftruncate(fd, (off_t)byte_count) == 0 &&
                   fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
    if (is_made)
        return fd;
    wf_sys_close(fd);
    return -ENOMEM;
}

static int shared_map(weft_shared *shared)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        return -ENOMEM;
    void *bytes = wf_shared_map(shared->fd, shared->byte_count);
    if (bytes == NULL)
        return -ENOMEM;
    shared->bytes = bytes;
    return 0;
}

static int shared_fill(weft_shared *shared)
{
    const struct wf_sched *sched = wf_sched_self();
    if (sched != NULL && sched->is_seeded) {
        shared->bytes = wf_alloc(shared->byte_count);
        return shared->bytes != NULL ? 0 : -ENOMEM;
    }
    shared->fd = shared_make_file(shared->byte_count);
    return shared->fd < 0 ? shared->fd : shared_map(shared);
}

static void shared_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "of %zu bytes", ((const weft_shared *)object)->byte_count);
}

static const weft_open_kind shared_kind = {"shared memory", "weft_shared_free()", shared_name};

int weft_shared_new(weft_shared **out, size_t bytes)
{
    if (bytes == 0 || bytes > WF_WORKER_BYTES_MAX)
        return -EINVAL;
    weft_shared *shared = wf_alloc(sizeof *shared);
    if (shared == NULL)
        return -ENOMEM;
    shared->byte_count = bytes;
    shared->fd = -1;
    int rc = shared_fill(shared);
    if (rc < 0) {
        weft_shared_free(shared);
        return rc;
    }
    weft_opened(shared, &shared_kind);
    *out = shared;
    return 0;
}

void weft_shared_free(weft_shared *shared)
{
    if (shared == NULL)
        return;
    assert(__atomic_load_n(&shared->user_count, __ATOMIC_ACQUIRE) == 0);
    weft_closed(shared, &shared_kind);
    if (shared->fd < 0) {
        wf_free(shared->bytes);
    } else {
        if (shared->bytes != NULL)
            munmap(shared->bytes, shared->byte_count);
        wf_sys_close(shared->fd);
    }
    wf_free(shared);
}

void *weft_shared_get(const weft_shared *shared)
{
    return shared->bytes;
}

size_t weft_shared_bytes(const weft_shared *shared)
{
    return shared->byte_count;
}

int weft_run_process_shared(weft_fn *fn, weft_shared *shared)
{
    __atomic_add_fetch(&shared->user_count, 1, __ATOMIC_RELAXED);
    int rc = wf_workers_run(fn, &(struct wf_worker_buf){.bytes = shared->bytes,
                                                        .byte_count = shared->byte_count,
                                                        .fd = shared->fd,
                                                        .is_shared = true});
    __atomic_sub_fetch(&shared->user_count, 1, __ATOMIC_RELEASE);
    return rc;
}
