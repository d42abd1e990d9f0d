/* SPDX-License-Identifier: MIT */

#include "core/backend/uring_buffers.h"

#include "base/sys.h"

#include <assert.h>
#include <sys/mman.h>

#define BUFFERS_COUNT 512u /* a power of two */

/* Small messages touch only the beginnings; were those a power of two apart they would all compete
 * for the same few cache sets. */
#define BUFFERS_STRIDE (WF_URING_BUFFER_BYTES + 64u)

#define BUFFERS_RING_BYTES (BUFFERS_COUNT * sizeof(struct wf_pbuf))
#define BUFFERS_MEMORY_BYTES ((size_t)BUFFERS_COUNT * BUFFERS_STRIDE)

static int map_pages(size_t bytes, void **out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        return -ENOMEM;
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    *out = map;
    return 0;
}

int wf_uring_buffers_open(struct wf_uring_buffers *buffers, struct wf_ring *ring)
{
    void *entries = NULL, *memory = NULL;
    *buffers = (struct wf_uring_buffers){0};
    int rc = map_pages(BUFFERS_RING_BYTES, &entries);
    if (rc < 0)
        return rc;
    buffers->entries = entries;
    rc = map_pages(BUFFERS_MEMORY_BYTES, &memory);
    if (rc < 0)
        goto fail;
    buffers->memory = memory;
    struct wf_pbuf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)entries,
        .ring_entries = BUFFERS_COUNT,
        .bgid = WF_URING_BUFFER_GROUP,
    };
    rc = wf_ring_register(ring, WF_REGISTER_PBUF_RING, &reg, 1);
    if (rc < 0)
        goto fail;
    for (uint16_t id = 0; id < BUFFERS_COUNT; id++)
        wf_uring_buffers_put(buffers, id);
    return 0;
fail:
    wf_uring_buffers_close(buffers);
    return rc;
}

/* After the ring is closed, so that the kernel fills no buffer that is gone. */
void wf_uring_buffers_close(struct wf_uring_buffers *buffers)
{
    if (buffers->entries != NULL)
        munmap(buffers->entries, BUFFERS_RING_BYTES);
    if (buffers->memory != NULL)
        munmap(buffers->memory, BUFFERS_MEMORY_BYTES);
    *buffers = (struct wf_uring_buffers){0};
}

const char *wf_uring_buffers_get(const struct wf_uring_buffers *buffers, uint16_t id)
{
    return buffers->memory + (size_t)id * BUFFERS_STRIDE;
}

void wf_uring_buffers_put(struct wf_uring_buffers *buffers, uint16_t id)
{
    assert(buffers->entries != NULL);
    struct wf_pbuf *entry = &buffers->entries[buffers->tail & (BUFFERS_COUNT - 1)];
    entry->addr = (uint64_t)(uintptr_t)wf_uring_buffers_get(buffers, id);
    entry->len = WF_URING_BUFFER_BYTES;
    entry->bid = id; /* field by field: the first entry holds the ring's tail */
    __atomic_store_n(&buffers->entries[0].tail, ++buffers->tail, __ATOMIC_RELEASE);
}
