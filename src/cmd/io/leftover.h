/* SPDX-License-Identifier: MIT */

/* Leftover: what a save that was killed has left beside its file. */
#ifndef WF_CMD_LEFTOVER_H
#define WF_CMD_LEFTOVER_H

#include <weft/base.h>

/* No save takes so long: a younger file may be another process's. */
#define LEFTOVER_AGE (3600 * WEFT_SEC)

/* Removes each "PATH.tmp-" with the 16 digits of weft_file_save() that was not written to for
 * longer than `age`; 0, for who knows that nobody saves PATH now: each.  What cannot be removed
 * stays.  0, or -ECANCELED. */
WEFT_WAITS int leftover_drop(const char *path, weft_time age);

#endif
