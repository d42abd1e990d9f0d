/* SPDX-License-Identifier: MIT */

#include "interpose/next.h"

#include <dlfcn.h>
#include <stdlib.h>

struct wf_next wf_next_table;

static void *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort(); /* a C library without it: nothing could be passed on */
    return found;
}

/* Twice is harmless: each thread finds the same. */
void wf_next_fill(void)
{
#define NEXT_FIND(type_, name_, parameters_)                                                       \
    __atomic_store_n((void **)(void *)&wf_next_table.name_, next_of(#name_), __ATOMIC_RELEASE);
    WF_NEXT_LIST(NEXT_FIND)
#undef NEXT_FIND
}
