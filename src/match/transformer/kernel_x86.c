/* SPDX-License-Identifier: MIT */

#include "match/transformer/kernel_x86.h"

size_t wf_kernel_native(const wf_kernel **out)
{
    size_t count = 0;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        out[count++] = &wf_kernel_avx512;
    out[count++] = &wf_kernel_avx2;
    return count;
}
