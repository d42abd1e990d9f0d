/* SPDX-License-Identifier: MIT */

#ifndef TESTS_CORE_EMULATED_H
#define TESTS_CORE_EMULATED_H

#include "harness/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An emulator has the numbers of another processor's calls, and memory of its own: what the kernel
 * says of this process then means nothing.  The call that asks is a read. */
static inline bool is_emulated(void)
{
    char text[32] = "";
    int fd = open("/proc/thread-self/syscall", O_RDONLY | O_CLOEXEC);
    CHECK_OK(fd);
    CHECK_GT(read(fd, text, sizeof text - 1), 0);
    CHECK_OK(close(fd));
    return strtol(text, NULL, 10) != SYS_read;
}

#endif
