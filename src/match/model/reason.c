/* SPDX-License-Identifier: MIT */

#include "match/model/reason.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wf_reason_set(wf_reason *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason->text, sizeof(reason->text), format, args);
    va_end(args);
    size_t bytes = strlen(reason->text), at = 0;
    while ((at += wf_utf8_check(reason->text + at, bytes - at)) < bytes)
        reason->text[at] = '?';
    return -WEFT_M_EMODEL;
}
