/* SPDX-License-Identifier: MIT */

/* What the loop knows of the foreign loop it is embedded in. */
#ifndef WF_EMBED_H
#define WF_EMBED_H

#include <weft/sys/embed.h>

/* Before the loop polls for at most `timeout`: the foreign loop goes on instead, and comes back
 * when it thinks fit.  Returns how long the poll may wait then. */
weft_time wf_embed_give_way(weft_embed *embed, weft_time timeout);

#endif
