/* SPDX-License-Identifier: MIT */

/* The kernels of x86-64; each file is compiled for the instructions it is named after. */
#ifndef WF_MATCH_KERNEL_X86_H
#define WF_MATCH_KERNEL_X86_H

#include "match/transformer/kernel.h"

extern const wf_kernel wf_kernel_avx2;
extern const wf_kernel wf_kernel_avx512;

#endif
