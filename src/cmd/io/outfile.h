/* SPDX-License-Identifier: MIT */

/*
 * Outfile: the file of a long run's answers.  It appears under its name when the run is over,
 * whole; until then a run that was cut off, by a signal, a crash or a power failure, is begun once
 * more and goes on where the disk is sure to be:
 *
 *   PATH.part     the answers so far
 *   PATH.resume   how many of its bytes are safe, the answers to how many texts, and of which run
 *
 * What stands behind the safe bytes is cut off and written again, so nothing is missing and nothing
 * is there twice.  One run works on a PATH at a time.
 */
#ifndef WF_CMD_OUTFILE_H
#define WF_CMD_OUTFILE_H

#include "base/buf.h"

struct outfile {
    const char *path; /* borrowed */
    wf_buf part_name, resume_name;
    weft_str
        run; /* borrowed: what the answers depend on, a line each; empty: not to be gone on with */
    int fd;  /* -1: not open */
    uint64_t texts, bytes; /* answered, and written */
    weft_time keep_at;
    bool is_whole; /* an earlier run got to its end: nothing is left to do */
};

#define OUTFILE_CLOSED                                                                             \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Finds where an earlier run of these lines stopped, unless `is_anew`, or begins.  `texts` and
 * `bytes` say where it stands.  0; an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int outfile_open(struct outfile *file, const char *path, weft_str run, bool is_anew);

/* Writes `lines`, the answers to `text_count` texts more, and empties it.  0; -ECANCELED, and then
 * none of it counts; -ENOSPC …; what the buffer failed with. */
WEFT_WAITS int outfile_write(struct outfile *file, wf_buf *lines, uint64_t text_count);

/* All texts are answered: gives the file its name.  0 or a negative code. */
WEFT_WAITS int outfile_finish(struct outfile *file);

/* Closes, also in a cancelled task; what is not finished is kept for the next run, and that is
 * said. */
WEFT_WAITS void outfile_close(struct outfile *file);

#endif
