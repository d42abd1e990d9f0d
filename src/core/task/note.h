/* SPDX-License-Identifier: MIT */

/* The text of a failure (rule E05) and the code it was given with, shared by the tasks it travels
 * through, of any loop.  It does not change once it is shared. */
#ifndef WF_NOTE_H
#define WF_NOTE_H

#include <weft/error.h>

#define WF_NOTES_EARLIER 2 /* texts of earlier failures with other codes, of a task that lives */

struct wf_task;

struct wf_note {
    uint32_t ref_count; /* atomic */
    int rc;
    char text[WEFT_ERROR_TEXT_BYTES];
};

void wf_note_free(struct wf_note *note);
static inline void wf_note_drop(struct wf_note **note)
{
    struct wf_note *old = *note;
    *note = NULL;
    if (old != NULL && __atomic_sub_fetch(&old->ref_count, 1, __ATOMIC_ACQ_REL) == 0)
        wf_note_free(old);
}

/* Both may be NULL. */
void wf_note_share(struct wf_note **to, struct wf_note *from);

/* A live task saw or made a failure `rc`, with this text, taken from the caller; NULL, or the
 * text of another code: with none.
 * It sets aside the texts of failures with other codes, and takes the place of one with the same.
 */
void wf_note_put(struct wf_task *task, int rc, struct wf_note *note);

/* The running task made a failure `rc` that has no text: an earlier one's does not explain it.
 * Returns `rc`.  A cancel is no new failure at each wait that it refuses, and leaves the texts. */
int wf_fail_bare(int rc);

/* wf_note_put() at a join that came to `rc`, and the text stays the caller's.  A success leaves the
 * texts alone: it may be in the cleanup behind a failure that is on its way up. */
void wf_note_receive(struct wf_task *task, int rc, struct wf_note *note);

/* Those set aside go, but for that of the task's result, which becomes the task's. */
void wf_note_settle(struct wf_task *task, int result);

/* Makes it the thread's, for whoever asks outside of tasks; NULL: none. */
void wf_note_leave(const struct wf_note *note);

#endif
