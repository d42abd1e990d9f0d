/* SPDX-License-Identifier: MIT */

#include "core/stack/stack_host.h"

#include "base/checkers.h"
#include "base/sys.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if WF_HAS_VALGRIND
#include <valgrind/memcheck.h>
#endif
#if WF_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ADVISE_GUARD 102         /* MADV_GUARD_INSTALL, Linux 6.13 */
#define ADVISE_POPULATE 23       /* MADV_POPULATE_WRITE, Linux 5.14 */
#define SELF (-10000)            /* PIDFD_SELF, Linux 6.14 */
#define MAP_COUNT_DEFAULT 65530u /* vm.max_map_count where it cannot be read */
#define CANARY_WORDS (WF_STACK_CANARY_BYTES / sizeof(uint64_t))
#define CANARY_VALUE 0x57e4f7c0de57ac4bull

/* Mappings are counted a process, not a loop: so is this.  Relaxed: only a bound is wanted. */
static _Atomic uint32_t host_protected_count;

size_t wf_stack_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Compilers probe a large frame once a guard, which they take for a page on x86-64 but for 64 KiB
 * on AArch64. */
size_t wf_stack_guard_bytes(void)
{
#if defined(__aarch64__)
    return ((size_t)64 << 10) + wf_stack_page_bytes(); /* slots not a power of two apart */
#else
    return wf_stack_page_bytes();
#endif
}

int wf_stack_space_map(char **out, size_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        return -ENOMEM;
    void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (space == MAP_FAILED)
        return -ENOMEM;
    /* One touched page must not become two megabytes.  Kernels without huge pages refuse: fine. */
    (void)madvise(space, bytes, MADV_NOHUGEPAGE);
    *out = space;
    return 0;
}

void wf_stack_space_unmap(char *space, size_t bytes)
{
    munmap(space, bytes);
}

/* The same advice for many ranges in one call if the kernel can (three times faster), else one by
 * one.  Returns how many it did; fewer than `count` means that the next one failed with *out_error.
 */
static size_t advise(const struct iovec *ranges, size_t count, int advice, int *out_error)
{
    assert(count <= WF_STACK_BATCH);
    long done = -1;
    if (count > 1 && !wf_stack_on_valgrind()) /* which does not know the call */
        done = syscall(SYS_process_madvise, SELF, ranges, count, advice, 0);
    size_t i = done > 0 ? (size_t)done / ranges->iov_len : 0;
    for (; i < count; i++) {
        if (madvise(ranges[i].iov_base, ranges[i].iov_len, advice) < 0) {
            *out_error = errno;
            break;
        }
    }
    return i;
}

static uint32_t map_count_max(void)
{
    char text[16] = "";
    int fd = wf_sys_open("/proc/sys/vm/max_map_count", O_RDONLY, 0);
    if (fd < 0)
        return MAP_COUNT_DEFAULT;
    ssize_t got = wf_sys_read(fd, text, sizeof text - 1);
    wf_sys_close(fd);
    unsigned long count = got > 0 ? strtoul(text, NULL, 10) : 0;
    return count > 0 && count < UINT32_MAX ? (uint32_t)count : MAP_COUNT_DEFAULT;
}

/* Protected bytes in the middle of a mapping make two mappings more. */
static bool protect(const struct iovec *guard, uint32_t count_max)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mprotect"))
        return false;
    if (atomic_fetch_add_explicit(&host_protected_count, 1, memory_order_relaxed) < count_max &&
        mprotect(guard->iov_base, guard->iov_len, PROT_NONE) == 0)
        return true;
    atomic_fetch_sub_explicit(&host_protected_count, 1, memory_order_relaxed);
    return false;
}

/* Emulators take advice they do not know for granted: ask the system to write there. */
static bool is_guarded(const struct iovec *guard)
{
    return mincore(guard->iov_base, 1, guard->iov_base) < 0 && errno == EFAULT;
}

/* Puts markers into guards[0, count); how many.  Those of this kernel or none: *out_knows. */
static size_t mark(const struct iovec *guards, size_t count, bool *out_knows)
{
    int error = 0;
    *out_knows = true;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "guard"))
        return 0;
    size_t done = advise(guards, count, ADVISE_GUARD, &error);
    if (done > 0 && !is_guarded(guards))
        error = ENOSYS;
    if (error == 0 || error == ENOMEM || error == EAGAIN)
        return done;
    *out_knows = false;
    return 0;
}

enum wf_guard wf_stack_guard(const struct iovec *guards, size_t count, enum wf_guard best,
                             uint8_t *out_kinds)
{
    size_t at = 0;
    if (best == WF_GUARD_MARKER) {
        bool knows;
        at = mark(guards, count, &knows);
        memset(out_kinds, WF_GUARD_MARKER, at);
        if (!knows)
            best = WF_GUARD_MPROTECT;
    }
    uint32_t count_max = at < count && best != WF_GUARD_CANARY ? map_count_max() / 4 : 0;
    for (; at < count; at++) {
        bool done = best != WF_GUARD_CANARY && protect(&guards[at], count_max);
        out_kinds[at] = done ? WF_GUARD_MPROTECT : WF_GUARD_CANARY;
    }
    return best;
}

void wf_stack_guard_forget(enum wf_guard kind)
{
    if (kind == WF_GUARD_MPROTECT)
        atomic_fetch_sub_explicit(&host_protected_count, 1, memory_order_relaxed);
}

/* One call or none: a call for each page would cost what its fault does. */
bool wf_stack_pages_touch(const struct iovec *ranges, size_t count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "populate") || wf_stack_on_valgrind())
        return false;
    return syscall(SYS_process_madvise, SELF, ranges, count, ADVISE_POPULATE, 0) > 0 ||
           errno == EINTR;
}

void wf_stack_pages_drop(const struct iovec *ranges, size_t count)
{
    int error;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "madvise"))
        return; /* they stay: only memory is lost */
    (void)advise(ranges, count, MADV_DONTNEED, &error);
}

static uint64_t *canary_of(const char *base)
{
    return (uint64_t *)(uintptr_t)(base - wf_stack_guard_bytes() - WF_STACK_CANARY_BYTES);
}

WF_NO_ASAN void wf_stack_canary_write(char *base)
{
    uint64_t *canary = canary_of(base);
    for (size_t i = 0; i < CANARY_WORDS; i++)
        canary[i] = CANARY_VALUE;
}

WF_NO_ASAN void wf_stack_canary_clear(char *base)
{
    uint64_t *canary = canary_of(base);
    for (size_t i = 0; i < CANARY_WORDS; i++)
        canary[i] = 0;
}

WF_NO_ASAN bool wf_stack_canary_is_intact(const wf_stack *stack)
{
    const uint64_t *canary = canary_of(stack->base);
    uint64_t broken = 0;
    for (size_t i = 0; i < CANARY_WORDS; i++)
        broken |= canary[i] ^ CANARY_VALUE;
    return broken == 0;
}

bool wf_stack_is_guard(const wf_stack *stack, const void *addr)
{
    uintptr_t low = (uintptr_t)stack->base - wf_stack_guard_bytes();
    return (uintptr_t)addr >= low && (uintptr_t)addr < (uintptr_t)stack->base;
}

/* The lowest page of the stack that is in memory, or its top. */
static char *lowest_page(const wf_stack *stack, size_t page)
{
    char *end = stack->base + ((wf_stack_bytes(stack) + page - 1) & ~(page - 1));
    unsigned char in_memory[256];
    for (char *at = stack->base; at < end;) {
        size_t pages = (size_t)(end - at) / page;
        if (pages > sizeof in_memory)
            pages = sizeof in_memory;
        if (mincore(at, pages * page, in_memory) < 0)
            return at;
        for (size_t i = 0; i < pages; i++, at += page) {
            if (in_memory[i] & 1)
                return at;
        }
    }
    return stack->top;
}

WF_NO_ASAN size_t wf_stack_high_water(const wf_stack *stack)
{
    const uint64_t *top = (const void *)stack->top;
    const uint64_t *at = (const void *)lowest_page(stack, wf_stack_page_bytes());
#if WF_HAS_VALGRIND
    VALGRIND_DISABLE_ERROR_REPORTING;
#endif
    while (at < top && *at == 0)
        at++;
    size_t bytes = at < top ? (size_t)((const char *)top - (const char *)at) : 0;
#if WF_HAS_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(&bytes, sizeof bytes); /* though it read what was not */
    VALGRIND_ENABLE_ERROR_REPORTING;
#endif
    return bytes;
}

bool wf_stack_on_valgrind(void)
{
#if WF_HAS_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

uint32_t wf_stack_valgrind_register(const wf_stack *stack)
{
#if WF_HAS_VALGRIND
    return VALGRIND_STACK_REGISTER(stack->base, stack->top);
#else
    (void)stack;
    return 0;
#endif
}

void wf_stack_valgrind_deregister(uint32_t id)
{
#if WF_HAS_VALGRIND
    VALGRIND_STACK_DEREGISTER(id);
#else
    (void)id;
#endif
}

void wf_stack_poison(const wf_stack *stack)
{
    (void)stack;
#if WF_HAS_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(stack->base, wf_stack_bytes(stack));
#endif
#if WF_HAS_ASAN
    ASAN_POISON_MEMORY_REGION(stack->base, wf_stack_bytes(stack));
#endif
}

void wf_stack_unpoison(const wf_stack *stack)
{
    (void)stack;
#if WF_HAS_VALGRIND
    VALGRIND_MAKE_MEM_UNDEFINED(stack->base, wf_stack_bytes(stack));
#endif
#if WF_HAS_ASAN
    ASAN_UNPOISON_MEMORY_REGION(stack->base, wf_stack_bytes(stack));
#endif
}
