/* SPDX-License-Identifier: MIT */

/* Setting: a variable of the environment. */
#ifndef WF_SETTING_H
#define WF_SETTING_H

#include <weft/base.h>

#include <stddef.h>

/* Which of `words` it is, in *out; -1: it is not set, or empty.  0; -EINVAL, with a text that names
 * it and what it may be. */
int wf_setting_read(const char *name, const char *const *words, size_t count, int *out);

/* The same of "0" and "1".  *out stays as it is if it is not set. */
int wf_setting_read_switch(const char *name, bool *out);

/* The same of milliseconds, from 1 to 1,000,000,000, and "never", which is WEFT_FOREVER. */
int wf_setting_read_time(const char *name, weft_time *out);

#endif
