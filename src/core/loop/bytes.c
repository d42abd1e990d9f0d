/* SPDX-License-Identifier: MIT */

#include <weft/base.h>

#include "base/alloc.h"

void weft_bytes_free(weft_bytes *bytes)
{
    if (bytes == NULL)
        return;
    wf_free(bytes->ptr);
    *bytes = (weft_bytes){0};
}
