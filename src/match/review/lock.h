/* SPDX-License-Identifier: MIT */

/*
 * Lock: who changes a file of reviews, one process and one store of it at a time.  The file itself
 * is replaced with each change, so what is locked is PATH.lock beside it, which stays as long as
 * the reviews do and says whose the lock was last.
 */
#ifndef WF_MATCH_REVIEW_LOCK_H
#define WF_MATCH_REVIEW_LOCK_H

#include <weft/match.h>

/* Waits up to a second for the lock of `path`; a descriptor, to be given back by
 * wf_review_unlock(). -EBUSY with the number of the process that has it; else negative with what is
 * wrong. */
WEFT_WAITS int wf_review_lock(const char *path, weft_m_error *error);
WEFT_WAITS void wf_review_unlock(int fd);

#endif
