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

/* ---- the texts of a task that lives ---- */

/* The text of its last failure with that code, or NULL. */
static struct wf_note **note_find(wf_task *task, int rc)
{
    if (task->note != NULL && task->note->rc == rc)
        return &task->note;
    for (size_t i = 0; i < WF_NOTES_EARLIER; i++) {
        struct wf_note **at = &task->body->earlier[i];
        if (*at != NULL && (*at)->rc == rc)
            return at;
    }
    return NULL;
}

static void note_set_aside(struct wf_body *body, struct wf_note *note)
{
    wf_note_drop(&body->earlier[WF_NOTES_EARLIER - 1]);
    memmove(&body->earlier[1], &body->earlier[0], (WF_NOTES_EARLIER - 1) * sizeof body->earlier[0]);
    body->earlier[0] = note;
}

static void note_forget(struct wf_body *body, struct wf_note **earlier)
{
    struct wf_note **last = &body->earlier[WF_NOTES_EARLIER - 1];
    wf_note_drop(earlier);
    memmove(earlier, earlier + 1, (size_t)(last - earlier) * sizeof *earlier);
    *last = NULL;
}

void wf_note_put(wf_task *task, int rc, struct wf_note *note)
{
    struct wf_note **same = note_find(task, rc);
    if (note != NULL && note->rc != rc)
        wf_note_drop(&note); /* of a failure that its maker had dealt with */
    if (same != NULL && same != &task->note)
        note_forget(task->body, same);
    if (same == &task->note || note == task->note)
        wf_note_drop(&task->note);
    else if (task->note != NULL)
        note_set_aside(task->body, task->note);
    task->note = note;
}

void wf_note_receive(wf_task *task, int rc, struct wf_note *note)
{
    struct wf_note *mine = NULL;
    if (rc >= 0)
        return;
    wf_note_share(&mine, note);
    wf_note_put(task, rc, mine);
}

void wf_note_settle(wf_task *task, int result)
{
    struct wf_note **same = result < 0 ? note_find(task, result) : NULL;
    if (same != NULL)
        wf_note_share(&task->note, *same);
    for (size_t i = 0; i < WF_NOTES_EARLIER; i++)
        wf_note_drop(&task->body->earlier[i]);
}

/* ---- making one ---- */

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

static struct wf_note *note_new(int rc, const char *text)
{
    struct wf_note *note = text[0] != '\0' ? wf_alloc(sizeof *note) : NULL;
    if (note == NULL)
        return NULL;
    note->ref_count = 1;
    note->rc = rc;
    memcpy(note->text, text, sizeof note->text);
    return note;
}

int wf_fail_bare(int rc)
{
    wf_task *self = wf_task_self();
    if (self != NULL && rc != -ECANCELED)
        wf_note_put(self, rc, NULL);
    return rc;
}

void wf_note_leave(const struct wf_note *note)
{
    memcpy(thread_text, note != NULL ? note->text : "", note != NULL ? sizeof thread_text : 1);
    thread_rc = note != NULL ? note->rc : 0;
}

/* A blocking body's text goes home with its result; a thread's stays where it is. */
static void fail_in_place(char *text, int rc, const char *fresh)
{
    memcpy(text, fresh, WEFT_ERROR_TEXT_BYTES);
    thread_rc = rc;
}

int weft_fail(int rc, const char *format, ...)
{
    wf_task *self = wf_task_self();
    char *body_text = wf_exec_text();
    char fresh[WEFT_ERROR_TEXT_BYTES] = ""; /* it may quote the text whose place it takes */
    va_list args;
    va_start(args, format);
    note_format(fresh, format, args);
    va_end(args);
    if (body_text == NULL && self != NULL)
        wf_note_put(self, rc, note_new(rc, fresh));
    else
        fail_in_place(body_text != NULL ? body_text : thread_text, rc, fresh);
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

/* The text of the last failure with that code, or "". */
static const char *text_of(int rc)
{
    wf_task *self = wf_task_self();
    const char *body_text = wf_exec_text();
    if (body_text != NULL || self == NULL)
        return thread_rc == rc ? body_text != NULL ? body_text : thread_text : "";
    struct wf_note **note = note_find(self, rc);
    return note != NULL ? (*note)->text : "";
}

const char *weft_explain(int rc)
{
    const char *text = rc < 0 ? text_of(rc) : "";
    return text[0] != '\0' ? text : weft_strerror(rc);
}
