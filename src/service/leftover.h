/* SPDX-License-Identifier: MIT */

/* Leftover: what a save that was killed has left beside its file. */
#ifndef WF_SERVICE_LEFTOVER_H
#define WF_SERVICE_LEFTOVER_H

#include <weft/base.h>

#include <stddef.h>

/* No save takes so long: a younger file may be another process's. */
#define LEFTOVER_AGE (3600 * WEFT_SEC)

/* Of the name "FILE.tmp-" and the 16 digits of weft_file_save(): the bytes of FILE; 0 for another.
 */
size_t leftover_file_bytes(const char *name);

/* Removes a leftover that was not written to for longer than `age`, if it is a regular file.  What
 * cannot be removed stays.  0, or -ECANCELED. */
WEFT_WAITS int leftover_remove(const char *path, weft_time age);

/* Removes each "PATH.tmp-" with the 16 digits of weft_file_save() that was not written to for
 * longer than `age`; 0, for who knows that nobody saves PATH now: each.  What cannot be removed
 * stays.  0, or -ECANCELED. */
WEFT_WAITS int leftover_drop(const char *path, weft_time age);

#endif
