/* SPDX-License-Identifier: MIT */

#include "service/join.h"

#include <weft/scope.h>

int join(weft_task task)
{
    weft_scope deaf;
    (void)weft_scope_open(&deaf, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    int rc = weft_await(task);
    weft_scope_end_(&deaf);
    return rc;
}
