/* SPDX-License-Identifier: MIT */

/*
 * Ask: asks another process that runs Weft what it is doing, without stopping it.  Answers are
 * lines of text.
 *
 *     weft_ask *ask;
 *     weft_str line;
 *     WEFT_TRY(weft_ask_open(&ask, pid, "ps"));
 *     while ((rc = weft_ask_read_line(ask, &line)) == 1)
 *         printf("%.*s\n", (int)line.len, line.ptr);
 *     weft_ask_close(ask);
 *
 * Questions:
 *
 *     ps            the tree of tasks
 *     ps-json       the same, as a JSON object for each loop, task, scope and group
 *     graph         which task waits for which, and the cycles in that
 *     dot           the same in the language of Graphviz
 *     stack         where each task is: its backtrace
 *     stack TASK    the backtrace of one task, by number ("12.3" or "12"), or of all tasks of one
 *                   name; or "no task"
 *     stats         counters and times, as <weft/metrics.h> writes them
 *     top MS        the same after MS milliseconds (at most 2,000), with who ran meanwhile: from a
 *                   look each millisecond, weft_top_samples by site of the spawn, and
 *                   weft_top_tasks by what they wait for
 *
 * Each loop of the process answers for itself, one after the other, also while a task keeps it:
 * then the answer is which task, and where it is.  For `graph` and `dot` the first loop answers for
 * all.  A process answers its own user and root only, and listens nowhere: it is asked by a signal
 * (SIGURG, which is ignored otherwise) and connects to the process that asks.  Lines come from
 * another process: escape them before a terminal shows them.
 */
#ifndef WEFT_SYS_ASK_H
#define WEFT_SYS_ASK_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_ask weft_ask;

/* Asks process `pid` a question.  0; -ESRCH: no such process; -EPERM: not ours to ask; -EADDRINUSE:
 * this process asks already; -E2BIG: the question is longer than 62 bytes; -ENOMEM, -EMFILE. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ask_open(weft_ask **out, int pid, const char *question);

/* Reads the next line.  1: got one, and *out is borrowed until the next call; 0: all loops have
 * answered (one that ends meanwhile answers nothing).  -ETIMEDOUT: a loop was silent for 3 s; if it
 * was the first, the process runs no Weft loop in real time.  -WEFT_ETRUNCATED: the process ended
 * before its answer did. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ask_read_line(weft_ask *ask, weft_str *out);

/* Ends the question, also in the middle of an answer, and frees.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_ask_close(weft_ask *ask);

WEFT_END_DECLS

#endif
