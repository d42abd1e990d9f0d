/* SPDX-License-Identifier: MIT */

#include "core/backend/uring_ring.h"

#include "base/names.h"
#include "base/sys.h"

#include <weft/error.h>

#include <linux/time_types.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Completions that fit for each submission that does: multishot operations complete often. */
#define RING_CQ_FACTOR 16u

#define PROBE_OPS 128
#define PROBE_BYTES (sizeof(struct io_uring_probe) + PROBE_OPS * sizeof(struct io_uring_probe_op))

/* ---- the three calls ---- */

static int ring_setup(uint32_t entries, struct io_uring_params *params)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "io_uring_setup"))
        return -EPERM;
    long rc = syscall(SYS_io_uring_setup, entries, params);
    return rc < 0 ? -errno : (int)rc;
}

int wf_ring_register(struct wf_ring *ring, unsigned what, void *arg, unsigned count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "io_uring_register"))
        return -ENOMEM;
    long rc = syscall(SYS_io_uring_register, ring->fd, what, arg, count);
    return rc < 0 ? -errno : (int)rc;
}

static int ring_enter(struct wf_ring *ring, uint32_t submit, uint32_t wait, uint32_t flags,
                      struct io_uring_getevents_arg *arg)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "io_uring_enter"))
        return -EAGAIN;
    flags |= ring->enter_flags;
    if (arg != NULL)
        flags |= IORING_ENTER_EXT_ARG;
    long rc = syscall(SYS_io_uring_enter, ring->enter_fd, submit, wait, flags, arg,
                      arg != NULL ? sizeof *arg : 0);
    return rc < 0 ? -errno : (int)rc;
}

/* ---- what there is ---- */

static const struct {
    const char *name;
    uint32_t feature;
} feature_names[] = {
    {"defer", WF_RING_DEFER},
    {"coop", WF_RING_COOP},
    {"no_sqarray", WF_RING_NO_SQARRAY},
    {"registered", WF_RING_REGISTERED},
    {"accept_multishot", WF_RING_ACCEPT_MULTISHOT},
    {"recv_multishot", WF_RING_RECV_MULTISHOT},
    {"buffers", WF_RING_BUFFERS},
    {"cqe_skip", WF_RING_CQE_SKIP},
    {"files", WF_RING_FILES},
};

#define FEATURE_NAMES_COUNT (sizeof feature_names / sizeof feature_names[0])

static int fail_feature(const char *name, size_t bytes)
{
    const char *names[FEATURE_NAMES_COUNT];
    char list[160];
    for (size_t i = 0; i < FEATURE_NAMES_COUNT; i++)
        names[i] = feature_names[i].name;
    wf_names_list(names, FEATURE_NAMES_COUNT, list, sizeof list);
    return weft_fail(-WEFT_ESYNTAX, "WEFT_URING_MASK: %.*s is none of %s",
                     bytes < 40 ? (int)bytes : 40, name, list);
}

int wf_ring_read_features(const char *names, uint32_t *out)
{
    *out = 0;
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < FEATURE_NAMES_COUNT && (strlen(feature_names[i].name) != length ||
                                           memcmp(feature_names[i].name, at, length) != 0))
            i++;
        if (i == FEATURE_NAMES_COUNT)
            return fail_feature(at, length);
        *out |= feature_names[i].feature;
        at += length + (at[length] == ',');
    }
    return 0;
}

static bool probe_has(const struct io_uring_probe *probe, uint8_t op)
{
    return op <= probe->last_op && op < probe->ops_len &&
           (probe->ops[op].flags & IO_URING_OP_SUPPORTED) != 0;
}

/* Multishot is a flag, not an operation; it is known by an operation of the same release. */
static int ring_probe(struct wf_ring *ring, uint32_t masked)
{
    static const uint8_t required[] = {
        IORING_OP_NOP,     IORING_OP_READ,     IORING_OP_WRITE,
        IORING_OP_RECV,    IORING_OP_SEND,     IORING_OP_ACCEPT,
        IORING_OP_CONNECT, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
    };
    uint64_t memory[PROBE_BYTES / sizeof(uint64_t)] = {0};
    struct io_uring_probe *probe = (struct io_uring_probe *)memory;
    int rc = wf_ring_register(ring, IORING_REGISTER_PROBE, probe, PROBE_OPS);
    if (rc < 0)
        return rc == -EINVAL ? -ENOSYS : rc;
    for (size_t i = 0; i < sizeof required; i++) {
        if (!probe_has(probe, required[i]))
            return -ENOSYS;
    }
    if (probe_has(probe, WF_OP_SOCKET))
        ring->features |= WF_RING_ACCEPT_MULTISHOT | WF_RING_BUFFERS;
    if (probe_has(probe, WF_OP_SEND_ZC))
        ring->features |= WF_RING_RECV_MULTISHOT;
    for (uint8_t op = 0; op < 64; op++)
        ring->ops |= (uint64_t)probe_has(probe, op) << op;
    ring->features = (ring->features | WF_RING_FILES) & ~masked;
    return 0;
}

/* ---- open ---- */

/* Best first.  COOP_TASKRUN and TASKRUN_FLAG came together, SUBMIT_ALL a release earlier. */
static const struct {
    uint32_t flags;
    uint32_t features;
} tiers[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
         IORING_SETUP_SUBMIT_ALL | IORING_SETUP_NO_SQARRAY,
     WF_RING_DEFER | WF_RING_NO_SQARRAY},
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
         IORING_SETUP_SUBMIT_ALL,
     WF_RING_DEFER},
    {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL, WF_RING_COOP},
    {0, 0},
};

#define TIERS_COUNT (sizeof tiers / sizeof tiers[0])

static int ring_setup_best(struct wf_ring *ring, uint32_t depth, uint32_t masked,
                           struct io_uring_params *params)
{
    int rc = -ENOSYS;
    for (size_t i = 0; i < TIERS_COUNT; i++) {
        if (tiers[i].features & masked)
            continue;
        *params = (struct io_uring_params){
            .flags = tiers[i].flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = depth * RING_CQ_FACTOR,
        };
        rc = ring_setup(depth, params);
        if (rc >= 0) {
            ring->fd = rc;
            ring->features = tiers[i].features;
            return 0;
        }
        if (rc != -EINVAL)
            return rc;
    }
    return rc == -EINVAL ? -ENOSYS : rc;
}

static int ring_mmap(int fd, size_t bytes, uint64_t offset, void **out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        return -ENOMEM;
    void *map =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);
    if (map == MAP_FAILED)
        return -errno;
    *out = map;
    return 0;
}

static uint32_t *ring_word(const struct wf_ring *ring, uint32_t offset)
{
    return (uint32_t *)(void *)((char *)ring->map + offset);
}

static void ring_bind(struct wf_ring *ring, const struct io_uring_params *params)
{
    ring->sq_head = ring_word(ring, params->sq_off.head);
    ring->sq_tail = ring_word(ring, params->sq_off.tail);
    ring->sq_flags = ring_word(ring, params->sq_off.flags);
    ring->sq_mask = *ring_word(ring, params->sq_off.ring_mask);
    ring->sq_entries = params->sq_entries;
    ring->cq_head = ring_word(ring, params->cq_off.head);
    ring->cq_tail = ring_word(ring, params->cq_off.tail);
    ring->cq_mask = *ring_word(ring, params->cq_off.ring_mask);
    ring->cqes = (struct io_uring_cqe *)(void *)((char *)ring->map + params->cq_off.cqes);
    if (ring->features & WF_RING_NO_SQARRAY)
        return;
    uint32_t *array = ring_word(ring, params->sq_off.array);
    for (uint32_t i = 0; i < ring->sq_entries; i++)
        array[i] = i; /* entries are used in order, always */
}

static int ring_map(struct wf_ring *ring, const struct io_uring_params *params)
{
    size_t sq_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t cq_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    if (ring->features & WF_RING_NO_SQARRAY)
        sq_bytes = 0;
    size_t map_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
    int rc = ring_mmap(ring->fd, map_bytes, IORING_OFF_SQ_RING, &ring->map);
    if (rc < 0)
        return rc;
    ring->map_bytes = map_bytes;

    size_t sqes_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
    void *sqes = NULL;
    rc = ring_mmap(ring->fd, sqes_bytes, IORING_OFF_SQES, &sqes);
    if (rc < 0)
        return rc;
    ring->sqes = sqes;
    ring->sqes_bytes = sqes_bytes;
    ring_bind(ring, params);
    return 0;
}

/* A ring whose number is registered needs no look-up at each enter.  Without it all works. */
static void ring_register_itself(struct wf_ring *ring, uint32_t masked)
{
    ring->enter_fd = ring->fd;
    if (masked & WF_RING_REGISTERED)
        return;
    struct wf_ring_fd_update update = {.offset = UINT32_MAX, .data = (uint64_t)ring->fd};
    if (wf_ring_register(ring, WF_REGISTER_RING_FDS, &update, 1) != 1)
        return;
    ring->enter_fd = (int)update.offset;
    ring->enter_flags = IORING_ENTER_REGISTERED_RING;
    ring->features |= WF_RING_REGISTERED;
}

int wf_ring_open(struct wf_ring *ring, uint32_t depth, uint32_t masked)
{
    const uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL |
                            IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG;
    struct io_uring_params params;
    *ring = (struct wf_ring){.fd = -1};
    int rc = ring_setup_best(ring, depth, masked, &params);
    if (rc < 0)
        return rc;
    rc = -ENOSYS;
    if ((params.features & needed) != needed)
        goto fail;
    if (params.features & IORING_FEAT_CQE_SKIP)
        ring->features |= WF_RING_CQE_SKIP;
    rc = ring_map(ring, &params);
    if (rc < 0)
        goto fail;
    rc = ring_probe(ring, masked);
    if (rc < 0)
        goto fail;
    ring_register_itself(ring, masked);
    return 0;
fail:
    wf_ring_close(ring);
    return rc;
}

void wf_ring_close(struct wf_ring *ring)
{
    if (ring->fd < 0)
        return;
    if (ring->features & WF_RING_REGISTERED) {
        struct wf_ring_fd_update update = {.offset = (uint32_t)ring->enter_fd};
        (void)wf_ring_register(ring, WF_UNREGISTER_RING_FDS, &update, 1);
    }
    if (ring->sqes != NULL)
        munmap(ring->sqes, ring->sqes_bytes);
    if (ring->map != NULL)
        munmap(ring->map, ring->map_bytes);
    wf_sys_close(ring->fd);
    *ring = (struct wf_ring){.fd = -1};
}

/* ---- submit and reap ---- */

/* Shows the kernel what is filled; how many entries it has not taken yet. */
static uint32_t ring_publish(struct wf_ring *ring)
{
    __atomic_store_n(ring->sq_tail, ring->sq_local_tail, __ATOMIC_RELEASE);
    return wf_ring_unsubmitted(ring);
}

struct io_uring_sqe *wf_ring_get_sqe(struct wf_ring *ring)
{
    if (wf_ring_unsubmitted(ring) == ring->sq_entries) {
        (void)ring_enter(ring, ring_publish(ring), 0, 0, NULL);
        if (wf_ring_unsubmitted(ring) == ring->sq_entries)
            return NULL;
    }
    struct io_uring_sqe *sqe = &ring->sqes[ring->sq_local_tail++ & ring->sq_mask];
    memset(sqe, 0, sizeof *sqe);
    return sqe;
}

int wf_ring_enter(struct wf_ring *ring, weft_time timeout)
{
    uint32_t count = ring_publish(ring);
    uint32_t wait = timeout > 0 ? 1 : 0;
    struct __kernel_timespec ts = {.tv_sec = timeout / WEFT_SEC, .tv_nsec = timeout % WEFT_SEC};
    struct io_uring_getevents_arg arg = {.sigmask_sz = _NSIG / 8, .ts = (uint64_t)(uintptr_t)&ts};
    bool is_timed = wait != 0 && timeout != WEFT_FOREVER;
    int rc = ring_enter(ring, count, wait, IORING_ENTER_GETEVENTS, is_timed ? &arg : NULL);
    return rc < 0 ? rc : 0;
}
