/* SPDX-License-Identifier: MIT */

#include <weft/error.h>

#include "base/alloc.h"
#include "core/sched_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void wf_note_drop(struct wf_note **note)
{
    struct wf_note *old = *note;
    *note = NULL;
    if (old != NULL && --old->ref_count == 0)
        wf_free(old);
}

void wf_note_share(struct wf_note **to, struct wf_note *from)
{
    if (from != NULL)
        from->ref_count++;
    wf_note_drop(to);
    *to = from;
}

/* Drops the bytes of a character that was cut off at the end. */
static void note_trim(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wants = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (len - (start - 1) < wants)
        text[start - 1] = '\0';
}

int weft_fail(int rc, const char *format, ...)
{
    wf_task *self = wf_task_self();
    if (self == NULL)
        return rc;
    struct wf_note *note = wf_alloc(sizeof *note);
    if (note == NULL) {
        wf_note_drop(&self->note);
        return rc;
    }
    note->ref_count = 1;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(note->text, sizeof note->text, format, args);
    va_end(args);
    if (len >= (int)sizeof note->text)
        note_trim(note->text);
    wf_note_drop(&self->note); /* after the format: it may have quoted the old text */
    self->note = note;
    return rc;
}

const char *weft_error_text(void)
{
    const wf_task *self = wf_task_self();
    return self != NULL && self->note != NULL ? self->note->text : "";
}
