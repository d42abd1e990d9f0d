/* SPDX-License-Identifier: MIT */

#include "core/backend/eventfd.h"

#include <weft/sys/fault.h>

#include "core/platform/host_call.h"

#include <sys/eventfd.h>

int wf_eventfd_open(int *out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "eventfd"))
        return -EMFILE;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    *out = fd;
    return 0;
}

void wf_eventfd_signal(int fd)
{
    int before = errno; /* we may be inside a signal handler */
    uint64_t one = 1;
    ssize_t rc = wf_host_write(fd, &one, sizeof one);
    (void)rc; /* full means that it is readable already */
    errno = before;
}

void wf_eventfd_drain(int fd)
{
    uint64_t count;
    ssize_t rc = wf_host_read(fd, &count, sizeof count);
    (void)rc; /* empty is fine */
}
