/* SPDX-License-Identifier: MIT */

#include "match/index/scan_x86.h"

const wf_scan_kernel wf_scan_avx512 = {"avx512", wf_scan_avx512_floats, wf_scan_avx2_bytes,
                                       wf_scan_avx2_pack, wf_scan_avx2_tile};

size_t wf_scan_native(const wf_scan_kernel **out)
{
    size_t count = 0;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
    if (__builtin_cpu_supports("avx512f")) {
        if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
            out[count++] = &wf_scan_vnni;
        out[count++] = &wf_scan_avx512;
    }
    out[count++] = &wf_scan_avx2;
    return count;
}
