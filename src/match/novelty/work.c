/* SPDX-License-Identifier: MIT */

#include "match/novelty/work.h"

#include "base/alloc.h"

#include <string.h>

struct wf_novel_work *wf_novel_work_of(wf_seeker *seeker)
{
    if (seeker->novel == NULL)
        seeker->novel = wf_alloc(sizeof(*seeker->novel));
    return seeker->novel;
}

void wf_novel_work_free(struct wf_novel_work *work)
{
    if (work == NULL)
        return;
    wf_buf_fini(&work->text);
    wf_free(work->allowed);
    wf_free(work);
}

/* Behind the last entity no bit is set. */
int wf_novel_work_allow(struct wf_novel_work *work, size_t count, uint32_t but)
{
    size_t words = count / 64 + 1;
    void *allowed = work->allowed;
    int rc = wf_judge_grow(&allowed, &work->allowed_capacity, words, sizeof(*work->allowed));
    work->allowed = allowed;
    if (rc < 0)
        return rc;
    memset(work->allowed, 0xff, count / 64 * sizeof(*work->allowed));
    work->allowed[count / 64] = (UINT64_C(1) << count % 64) - 1;
    work->allowed[but / 64] &= ~(UINT64_C(1) << but % 64);
    return 0;
}
