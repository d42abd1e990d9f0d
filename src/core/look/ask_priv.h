/* SPDX-License-Identifier: MIT */

/*
 * The protocol by which one process asks another what it is doing (weft ps).
 *
 * Who asks listens on the abstract Unix socket WF_ASK_NAME of its own pid and queues SIGURG with
 * that pid to the other.  There each loop's watching thread connects and answers.  So a process
 * that nobody asks has no open door, and the kernel decides who may ask: those who may send it a
 * signal. It answers its own user and root.
 *
 * What the signal carries:
 *
 *      0  the pid of who asks
 *      4  a number of the question's own
 *      6  WF_ASK_HAS_QUESTION, or anything else
 *
 * Of signals that wait to be delivered there is one of a kind, so a question may be lost beside
 * another's.  Who asks sends it again until it is answered; who hears it again knows its number, as
 * does who gets an answer to a question he has given up.
 *
 * Without the mark the answer is the task tree, and its end is that of the connection.  With it:
 *
 *      who asks     "stack 12.3\n"          a word and, after a blank, what it is about
 *      the loop     "weft 1 of 4 to 9\n"    version of all this; so many loops answer; the number
 *                   lines, none of which begins with a dot; none from a loop that ends
 *                   ".\n"                   without that, the answer was cut off
 */
#ifndef WF_ASK_PRIV_H
#define WF_ASK_PRIV_H

#include <weft/base.h>

#define WF_ASK_NAME "weft-ask/%d"
#define WF_ASK_HAS_QUESTION 0x5745u
#define WF_ASK_QUESTION_BYTES 64 /* with its newline */
#define WF_ASK_GREETING "weft 1 of "
#define WF_ASK_TO " to "
#define WF_ASK_END "."

static inline uint64_t wf_ask_pack(int pid, uint16_t number)
{
    return (uint64_t)WF_ASK_HAS_QUESTION << 48 | (uint64_t)number << 32 | (uint32_t)pid;
}

static inline int wf_ask_pid(uint64_t packed)
{
    return (int)(uint32_t)packed;
}

static inline bool wf_ask_has_question(uint64_t packed)
{
    return packed >> 48 == WF_ASK_HAS_QUESTION;
}

static inline uint16_t wf_ask_number(uint64_t packed)
{
    return (uint16_t)(packed >> 32);
}

#endif
