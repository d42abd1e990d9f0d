/* SPDX-License-Identifier: MIT */

/*
 * Errors with a sentence.  A return value says what kind of failure it is; weft_fail() adds the
 * text a human needs.  The text belongs to the task and travels with the code: whoever awaits the
 * task, gathers it or waits for its group finds it with weft_error_text().
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

#define WEFT_ERROR_TEXT_BYTES 160
#define WEFT_ERROR_NAME_BYTES 24

/* One failure, copied out. */
struct weft_error {
    weft_task task;
    int rc;
    char name[WEFT_ERROR_NAME_BYTES]; /* of the task that failed */
    char text[WEFT_ERROR_TEXT_BYTES]; /* what weft_fail said, or "" */
    const char *site;                 /* where it was spawned: "body at file:line"; a literal */
};

/* Attaches a text to the calling task and returns `rc`, for `return weft_fail(-EINVAL, "…");`. The
 * text is cut at 159 bytes, never inside a UTF-8 character.  Without memory the text is dropped,
 * and `rc` is returned all the same.  An empty text ("%s", "") says that this failure has none, so
 * that of an earlier one is not taken for it.  Outside a task the text belongs to the thread. */
WEFT_API int weft_fail(int rc, const char *format, ...) WEFT_PRINTF(2, 3);

/* The text that came with the last failure this task saw or made, or "".  A success leaves it as it
 * is.  Valid until the next failure.  Outside a task: the text of the thread's last failure, such
 * as that of a weft_run(). */
WEFT_API const char *weft_error_text(void);

/* What the failure `rc` was, for a human: the text that came with it, or where it had none what
 * weft_strerror() says.  A text that an earlier failure has left is not taken for it: not if that
 * had another code, and not if `rc` is new, as of a time limit that has passed, of the kernel, or
 * of a task.  What only tells again of a state (a cancel, something closed) leaves the texts, and
 * so do calls that close.  A cleanup may fail in between: a task keeps the texts of its last
 * failures of three codes, and that of its result goes to whoever awaits it.  Valid as
 * weft_error_text(). */
WEFT_API const char *weft_explain(int rc);

/* Evaluates `expr`, and returns from the function with its value if that is negative. */
#define WEFT_TRY(expr)                                                                             \
    do {                                                                                           \
        int weft_rc_ = (int)(expr);                                                                \
        if (weft_rc_ < 0)                                                                          \
            return weft_rc_;                                                                       \
    } while (0)

WEFT_END_DECLS

#endif
