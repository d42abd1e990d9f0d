/* SPDX-License-Identifier: MIT */

#include "match/file/whole.h"

#include "match/error.h"
#include "match/work.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/run.h>

#define FILE_MODE 0666

struct transfer {
    const char *path;
    const void *bytes;
    size_t count;
    weft_bytes *out; /* NULL: it is a save */
};

static int transfer(void *arg)
{
    const struct transfer *it = arg;
    return it->out != NULL ? weft_file_load(it->path, it->count, it->out)
                           : weft_file_save(it->path, it->bytes, it->count, FILE_MODE);
}

/* Files are a task's: outside any loop there is one for this transfer alone. */
static int run(struct transfer *it, weft_m_error *error)
{
    const weft_config config = {.flags = WEFT_RUN_KEEP_SIGNALS};
    int rc = wf_work_is_task() ? transfer(it) : weft_run_with(&config, transfer, it);
    if (rc == 0 || rc == -ECANCELED)
        return rc < 0 ? wf_m_fail_plain(error, rc) : 0;
    return wf_m_fail(error, rc, it->out != NULL ? "%.300s: %s" : "%.300s: cannot be written: %s",
                     it->path, weft_strerror(rc));
}

int wf_whole_save(const char *path, const void *bytes, size_t count, weft_m_error *error)
{
    return run(&(struct transfer){.path = path, .bytes = bytes, .count = count}, error);
}

int wf_whole_load(const char *path, size_t most, weft_bytes *out, weft_m_error *error)
{
    return run(&(struct transfer){.path = path, .count = most, .out = out}, error);
}
