/* SPDX-License-Identifier: MIT */

#include <weft/error.h>

#include "base/alloc.h"
#include "core/exec/exec_priv.h"
#include "core/task/sched_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text of a failure outside of tasks: in main(), or of a weft_run(), for main() to read. */
static __thread char thread_text[WEFT_ERROR_TEXT_BYTES];
static __thread int thread_rc; /* of that text, or of a blocking body's */

void wf_note_free(struct wf_note *note)
{
    wf_free(note);
}

void wf_note_share(struct wf_note **to, struct wf_note *from)
{
    if (from != NULL)
        __atomic_add_fetch(&from->ref_count, 1, __ATOMIC_RELAXED);
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

static void note_format(char *text, const char *format, va_list args)
{
    int len = vsnprintf(text, WEFT_ERROR_TEXT_BYTES, format, args);
    if (len < 0) /* a wide character that is none */
        text[0] = '\0';
    else if (len >= WEFT_ERROR_TEXT_BYTES)
        note_trim(text);
}

static void task_fail(wf_task *self, int rc, const char *format, va_list args)
{
    struct wf_note *note = wf_alloc(sizeof *note);
    if (note != NULL) {
        note->ref_count = 1;
        note->rc = rc;
        note_format(note->text, format, args);
    }
    wf_note_drop(&self->note); /* after the format: it may have quoted the old text */
    self->note = note;
}

void wf_note_leave(const struct wf_note *note)
{
    memcpy(thread_text, note != NULL ? note->text : "", note != NULL ? sizeof thread_text : 1);
    thread_rc = note != NULL ? note->rc : 0;
}

/* A blocking body's text goes home with its result; a thread's stays where it is. */
static void fail_in_place(char *text, int rc, const char *format, va_list args)
{
    char fresh[WEFT_ERROR_TEXT_BYTES];
    note_format(fresh, format, args);
    memcpy(text, fresh, sizeof fresh);
    thread_rc = rc;
}

int weft_fail(int rc, const char *format, ...)
{
    wf_task *self = wf_task_self();
    char *body_text = wf_exec_text();
    va_list args;
    va_start(args, format);
    if (body_text == NULL && self != NULL)
        task_fail(self, rc, format, args);
    else
        fail_in_place(body_text != NULL ? body_text : thread_text, rc, format, args);
    va_end(args);
    return rc;
}

const char *weft_error_text(void)
{
    const wf_task *self = wf_task_self();
    const char *body_text = wf_exec_text();
    if (body_text != NULL)
        return body_text;
    if (self == NULL)
        return thread_text;
    return self->note != NULL ? self->note->text : "";
}

/* The code that weft_error_text() was given with. */
static int error_text_rc(void)
{
    const wf_task *self = wf_task_self();
    if (wf_exec_text() != NULL || self == NULL)
        return thread_rc;
    return self->note != NULL ? self->note->rc : 0;
}

const char *weft_explain(int rc)
{
    const char *text = weft_error_text();
    return rc < 0 && rc == error_text_rc() && text[0] != '\0' ? text : weft_strerror(rc);
}
