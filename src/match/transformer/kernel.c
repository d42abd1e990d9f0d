/* SPDX-License-Identifier: MIT */

#include "match/transformer/kernel.h"

#include <pthread.h>

static const wf_kernel *kernels[4];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    size_t count = wf_kernel_native(kernels);
    kernels[count] = &wf_kernel_portable;
}

const wf_kernel *const *wf_kernel_all(void)
{
    pthread_once(&once, choose);
    return kernels;
}

const wf_kernel *wf_kernel_best(void)
{
    return wf_kernel_all()[0];
}
