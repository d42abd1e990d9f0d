/* SPDX-License-Identifier: MIT */

#include <weft/sys/platform.h>

static _Thread_local const weft_platform *platform_current
    __attribute__((tls_model("initial-exec")));

const weft_platform *weft_platform_get(void)
{
    return platform_current != NULL ? platform_current : &weft_platform_host;
}

const weft_platform *weft_platform_set(const weft_platform *platform)
{
    const weft_platform *before = weft_platform_get();
    platform_current = platform;
    return before;
}
