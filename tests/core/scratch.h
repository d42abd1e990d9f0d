/* SPDX-License-Identifier: MIT */

/* A directory of a test's own: real on a host, the disk in memory under the simulator. */
#ifndef WF_TESTS_SCRATCH_H
#define WF_TESTS_SCRATCH_H

#include "harness/harness.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[64];

static inline int scratch_remove_entry(const char *path, const struct stat *info, int kind,
                                       struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Empties it on the host; as an invariant it follows each run of a scenario. */
static inline void scratch_clean(int rc)
{
    (void)rc;
    if (strncmp(scratch_dir, "/tmp/weft-", 10) == 0)
        nftw(scratch_dir, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline bool scratch_is_simulated(void)
{
    return test_is_simulated();
}

/* Begins with an empty one. */
static inline void scratch_make(void)
{
    if (scratch_is_simulated()) {
        strcpy(scratch_dir, "/tmp");
        return;
    }
    snprintf(scratch_dir, sizeof scratch_dir, "/tmp/weft-test-%d", (int)getpid());
    scratch_clean(0);
    CHECK_EQ(mkdir(scratch_dir, 0700), 0);
}

/* "DIR/NAME".  One of four static buffers. */
static inline const char *scratch(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_dir, name);
    return path;
}

#endif
