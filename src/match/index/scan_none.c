/* SPDX-License-Identifier: MIT */

/* A processor family without kernels of its own. */
#include "match/index/scan.h"

size_t wf_scan_native(const wf_scan_kernel **out)
{
    (void)out;
    return 0;
}
