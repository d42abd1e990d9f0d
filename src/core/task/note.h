/* SPDX-License-Identifier: MIT */

/* The text of a failure (rule E05) and the code it was given with, shared by the tasks it travels
 * through, of any loop.  It does not change once it is shared. */
#ifndef WF_NOTE_H
#define WF_NOTE_H

#include <weft/error.h>

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

/* Makes it the thread's, for whoever asks outside of tasks; NULL: none. */
void wf_note_leave(const struct wf_note *note);

#endif
