/* SPDX-License-Identifier: MIT */

/* Leftover: what a save that was killed has left beside its file. */
#ifndef WF_CMD_LEFTOVER_H
#define WF_CMD_LEFTOVER_H

#include <weft/base.h>

/* Removes each "PATH.tmp-" with the 16 digits of weft_file_save().  For who knows that nobody saves
 * PATH now.  What cannot be removed stays.  0, or -ECANCELED. */
WEFT_WAITS int leftover_drop(const char *path);

#endif
